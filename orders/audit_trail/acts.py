"""What the actions of the audit log are called on pages."""

from __future__ import annotations

TITLES = {
    "signing-in": "Signing in",
    "people": "People",
    "accounts": "Customers and contacts",
    "orders": "Orders",
    "exports": "Exports",
    "connection": "Connection",
    "other": "Everything else",
}
"""The parts of the log."""

ACTS = {
    "login": "Signed in",
    "login.failed": "Sign-in failed",
    "login.connected": "Single sign-on connected",
    "login.confirmed": "Password confirmed",
    "logout": "Signed out",
    "session.ended": "Sessions ended",
    "password.changed": "Password changed",
    "password.reset": "Password reset",
    "password.link_sent": "Link to a new password sent",
    "email.changed": "Address changed",
    "mfa.added": "Second factor added",
    "mfa.removed": "Second factor removed",
    "mfa.reset": "Second factors made anew or taken away",
    "person.added": "Person added",
    "person.invited": "Person invited",
    "person.joined": "Invitation accepted",
    "person.changed": "Person changed",
    "person.deactivated": "Person deactivated",
    "person.activated": "Person let in again",
    "person.signed_out": "Person signed out",
    "invitation.renewed": "Invitation sent again",
    "invitation.withdrawn": "Invitation taken back",
    "role.changed": "Roles changed",
    "limits.changed": "Limits changed",
    "account.hidden": "Hidden, or offered again",
    "account.noted": "Note, tags or owner changed",
    "accounts.imported": "Own columns imported",
    "accounts.synced": "Customers read",
    "accounts.confirmed": "Doubtful list confirmed",
    "accounts.refused": "Doubtful list refused",
    "accounts.exported": "Customers exported",
    "partner.created": "Customer created at Yeastar",
    "partner.edited": "Customer changed at Yeastar",
    "order.settled": "Order settled",
    "order.cancelled": "Order cancelled",
    "order.contradiction_seen": "Contradiction seen to",
    "order.taken_over": "Draft taken over",
    "drift.seen": "Difference seen to",
    "drift.put_back": "Difference put back",
    "history.synced": "History read",
    "record.asked": "Details asked for",
    "export.made": "Export made",
    "export.downloaded": "Export downloaded",
    "export.cancelled": "Export cancelled",
    "export.deleted": "Export's file deleted",
    "export.audit": "Audit log exported",
    "connection.asked": "Yeastar asked",
    "connection.tested": "Connection tested",
    "credentials.changed": "Credentials changed",
    "request": "A form sent",
    "request.declined": "Not done",
    "request.refused": "Refused",
}
"""Any other is told by its own words."""


def title(action: str) -> str:
    """In words: `partner.re_read` is "Partner re read" until somebody calls it better."""
    return ACTS.get(action) or action.replace(".", " ").replace("_", " ").capitalize()
