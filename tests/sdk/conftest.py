"""Fixtures of the SDK's tests that need a ledger."""

from tests.sdk.sdk_office import (
    covered_folder,
    folder,
    guarded,
    guarded_folder,
    insured,
    ledger,
    signed_folder,
)

__all__ = [
    "covered_folder",
    "folder",
    "guarded",
    "guarded_folder",
    "insured",
    "ledger",
    "signed_folder",
]
