"""Fixtures of the command line's tests: offices with signed deals, with and without loans."""

from tests.cli.covered import (
    covered,
    covered_office,
    locked,
    locked_office,
    overdue,
    overdue_office,
    shared,
    shared_office,
)
from tests.cli.office import chinese, lent, lent_office, office, signed_office

__all__ = [
    "chinese",
    "covered",
    "covered_office",
    "lent",
    "lent_office",
    "locked",
    "locked_office",
    "office",
    "overdue",
    "overdue_office",
    "shared",
    "shared_office",
    "signed_office",
]
