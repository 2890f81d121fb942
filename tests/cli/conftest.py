"""Fixtures of the command line's tests: an office with a signed deal, and one with loans."""

from tests.cli.office import chinese, lent, lent_office, office, signed_office

__all__ = ["chinese", "lent", "lent_office", "office", "signed_office"]
