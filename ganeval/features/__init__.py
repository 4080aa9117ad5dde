"""Features of a source: shards on disk, moments, rows."""
