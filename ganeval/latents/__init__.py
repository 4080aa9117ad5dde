"""The latents of a generator: interpolation, arithmetic, codes, and latents of given pictures."""
