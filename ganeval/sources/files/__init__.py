"""Pictures and clips in files: folders, archives, and the index of known files."""
