"""Partners and billing contacts: mirrored, guarded, found, and what we keep of them ourselves."""
