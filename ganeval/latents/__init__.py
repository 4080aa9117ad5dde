"""The latents of a generator: paths, arithmetic and codes drawn; latents of given pictures."""
