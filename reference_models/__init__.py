"""Reference implementations of generative models, one paper per file."""

MODELS: dict[str, str] = {}
"""Name -> "module:recipe" of the models that can be trained; none yet."""
