"""What knows the machine and nothing of pictures or scores: files, folders, threads, processes."""
