"""Reconcile: the ledger against the other side's files, every difference with its cause."""
