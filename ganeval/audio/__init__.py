"""Sound: clips, decoding, resampling, what networks of sound get."""
