"""Reports of scores for people: files, tables, pages and plots."""
