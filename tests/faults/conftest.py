"""Fixtures of the faults: a signed deal, and how a ledger is compared with what it should be."""

from tests.cli.office import lent, lent_office, office, signed_office
from tests.faults.workload import loaded, twin

__all__ = ["lent", "lent_office", "loaded", "office", "signed_office", "twin"]
