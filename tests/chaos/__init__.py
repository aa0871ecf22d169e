"""Hundreds of orders while everything is killed, cut and delayed; at the end our rows against the vendor's ledger."""
