"""Fixtures of the SDK's tests that need a ledger."""

from tests.sdk.sdk_office import folder, ledger, signed_folder

__all__ = ["folder", "ledger", "signed_folder"]
