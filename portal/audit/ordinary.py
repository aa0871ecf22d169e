"""What is done without an entry of its own in the audit log, each with the reason. All else gets one."""

ORDERING = frozenset(f"orders:{name}" for name in ("start", "step", "place", "again", "discard", "restore"))
"""Ordering has a better log: the chained events of each order. Drafts buy nothing and are seen by their owner alone."""

BOOKMARKS = frozenset({"orders:save_view", "orders:delete_view"})
"""Lists that somebody keeps for themselves under a name."""

ORDINARY = ORDERING | BOOKMARKS
