"""Fixtures of the engine's tests that need a ledger."""

from tests.sdk.sdk_office import covered_folder, insured, signed_folder

__all__ = ["covered_folder", "insured", "signed_folder"]
