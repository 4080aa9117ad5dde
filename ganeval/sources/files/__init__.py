"""Pictures that lie in files: folders and archives, and what is known of them."""
