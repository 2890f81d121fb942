"""Folding: what each kind of event does to the tables of the book."""
