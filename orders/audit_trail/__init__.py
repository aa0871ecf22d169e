"""Reading the audit log: what is asked for, page by page, in words, and as a file."""
