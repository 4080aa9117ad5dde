"""Sound: clips, decoding, resampling, and the inputs of networks for sound."""
