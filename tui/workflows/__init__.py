"""What Workflows leave behind: the tables in the locations for temporary ones."""
