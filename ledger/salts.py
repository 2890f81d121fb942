"""Salts: what turns refs into ids, shared by a deal's parties and never on the chain.

A deal has a salt of its own, unless its terms limit what one borrower may owe: such deals of one
lead share the lead's salt, so that their contracts know the borrower of one in another. Invoices
have one that the members of the ledger share: each backs one voucher, in whichever deal.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from ledger.entries import loan_id
from ledger.errors import UsageInvalid
from ledger.events import DealTerms
from ledger.messages import text

SALT_BYTES = 32
SALTS_FOLDER = "salts"
SALT_FILE = "salt"
INVOICES_FILE = "invoices.salt"
_ID = re.compile("0x[0-9a-f]{64}", re.ASCII)

Open = Callable[[str], bytes]
"""A salt that is open and the same on every run, from what it is for; on `--dev` ledgers."""


def limits_borrowers(terms: DealTerms) -> bool:
    """Whether the contracts keep what each borrower owes under these terms."""
    return any(
        limits.max_per_borrower_minor
        or limits.max_per_consumer_minor
        or limits.max_guaranteed_borrower_ppm
        for limits in terms.limits
    )


class Salts:
    """The salts in a ledger's folder, readable by their owner alone."""

    def __init__(
        self, directory: Path, deals: Path, open_salt: Open | None, *, copied: bool = False
    ) -> None:
        """`directory` is the ledger's, `deals` the folder with one for each deal.

        `copied`: the folder was made of an export, which has none.
        """
        self._copied = copied
        self._leads = directory / SALTS_FOLDER
        self._deals = deals
        self._open_salt = open_salt

    def read(self, deal: str) -> bytes:
        """The salt of a deal. Raises `UsageInvalid` when it is not here."""
        path = self._path(deal)
        try:
            return bytes.fromhex(path.read_text("ascii"))
        except (OSError, ValueError) as error:
            raise UsageInvalid(
                text("ledger.salt_missing", deal=deal),
                where=str(path),
                found=str(error),
                fix=text("ledger.imported_salt_fix") if self._copied else "",
            ) from None

    def invoices(self) -> bytes:
        """The salt of invoices, the whole ledger's. Raises `UsageInvalid` when it is not here."""
        path = self._leads / INVOICES_FILE
        if not path.exists() and self._open_salt is not None:
            self.give_invoices()
        try:
            return bytes.fromhex(path.read_text("ascii"))
        except (OSError, ValueError) as error:
            raise UsageInvalid(
                text("ledger.invoices_salt_missing"),
                where=str(path),
                found=str(error),
                fix=text("ledger.invoices_salt_fix"),
            ) from None

    def give_invoices(self) -> None:
        """Make the salt of invoices, unless there is one: when the ledger is founded."""
        path = self._leads / INVOICES_FILE
        if not path.exists():
            self._leads.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                _write(path, self._new("open salt of invoices/"))
            except FileExistsError:
                # Another process was first.
                pass

    def loan_id(self, deal: str, ref: str) -> bytes:
        """The id of a loan, or of a voucher or a piece of one.

        Given as the id in hex it needs no salt. Raises `UsageInvalid`.
        """
        # No ref is as long as an id in hex.
        return bytes.fromhex(ref[2:]) if _ID.fullmatch(ref) else loan_id(self.read(deal), ref)

    def keep(self, deal: str, salt: bytes) -> None:
        """Keep the salt of a deal that another party gave, unless there is one."""
        path = self._path(deal)
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, salt)

    def give_own(self, deal: str) -> None:
        """Give a deal a salt of its own, unless it has one."""
        path = self._path(deal)
        if not path.exists():
            _write(path, self._new(f"open salt/{deal}"))

    def give_shared(self, deal: str, lead: str, others: list[str]) -> None:
        """Give a deal that is not in force yet, and so has no loans, the salt of its lead.

        `others`: deals that share the lead's salt. Where the lead's file is missing, theirs is it.
        """
        salt = self._of_lead(lead, others)
        path = self._path(deal)
        fresh = path.with_name(f"{SALT_FILE}.new")
        fresh.unlink(missing_ok=True)
        _write(fresh, salt)
        fresh.replace(path)

    def _of_lead(self, lead: str, others: list[str]) -> bytes:
        path = self._leads / lead
        if not path.exists():
            held = next((other for other in others if self._path(other).exists()), None)
            salt = self.read(held) if held else self._new(f"open salt of a lead/{lead}")
            self._leads.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                _write(path, salt)
            except FileExistsError:
                # Another process was first: then its salt is the lead's.
                pass
        try:
            return bytes.fromhex(path.read_text("ascii"))
        except (OSError, ValueError) as error:
            raise UsageInvalid(
                text("ledger.lead_salt_unreadable", lead=lead), where=str(path), found=str(error)
            ) from None

    def _path(self, deal: str) -> Path:
        return self._deals / deal / SALT_FILE

    def _new(self, purpose: str) -> bytes:
        return self._open_salt(purpose) if self._open_salt else secrets.token_bytes(SALT_BYTES)


def _write(path: Path, salt: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as stream:
        stream.write(salt.hex())
        stream.flush()
        os.fsync(stream.fileno())
