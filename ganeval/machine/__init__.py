"""Files, folders, threads, processes, devices: modules that know nothing of images or scores."""
