"""Reference implementations of generative models, one paper per file."""
