"""Arrays in, arrays out: decoding, resizing, rounding."""
