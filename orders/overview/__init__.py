"""Managers' sums: what was ordered in some months, by whom, for whom; and a month's statement of one customer."""
