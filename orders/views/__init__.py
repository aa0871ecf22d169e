"""One file for each audience; functions."""
