"""Pictures that are arrays: in files, in memory, in data sets."""
