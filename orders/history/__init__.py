"""The vendor's history of orders: reading all of it, keeping it, and finding in it what became of ours."""
