"""The log for other tools, one format a file."""
