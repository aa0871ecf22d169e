"""Who may come in, and what they may do: invitations, roles, limits, and the way out."""
