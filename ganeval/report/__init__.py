"""What people read of scores: reports, their files, tables, pages and plots."""
