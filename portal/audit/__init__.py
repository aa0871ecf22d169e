"""The audit log of everything that is done through pages and at the door."""
