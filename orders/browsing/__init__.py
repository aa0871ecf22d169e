"""Reading the mirrored history as managers do: what is asked for, what is found, page by page."""
