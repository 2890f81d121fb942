"""Two ledgers for all tests of this folder, each made once: one with every kind of entry, one with
sealed days of many sizes. A third, run by its command line, is that of the checkpoints' tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from ledger import consortium
from ledger.entries import Booking, Method, Purpose
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.proofs.documents import EntryProof
from ledger.proofs.entries import prove
from ledger.proofs.key_history import members_file
from ledger.proofs.members import MembersFile, encode_document
from tests.cli.office import signed_office
from tests.proofs.history import office, sealed, sealed_office
from tests.replay import covered, partnership

__all__ = ["office", "sealed", "sealed_office", "signed_office"]

SIZES = (1, 2, 3, 4, 5, 7, 8, 9)
FIRST_DAY = date(2026, 1, 5)
DEAL = partnership.JOINT
SIGNERS = ("bank-a", "bank-b", "platform-p")


@dataclass(frozen=True, slots=True)
class Proofs:
    """Makes proofs from an open ledger."""

    ledger: Ledger
    members: MembersFile
    deal: str

    def made(self, ref: str, **options: object) -> EntryProof:
        return prove(self.ledger, ref, deal=self.deal, **options).proof  # type: ignore[arg-type]

    def encoded(self, ref: str, **options: object) -> bytes:
        return encode_document(self.made(ref, **options))


def day_of_size(size: int) -> date:
    return FIRST_DAY + timedelta(10 * SIZES.index(size))


def loan_ref(size: int, at: int) -> str:
    return f"L-{size}-{at}"


def booking(ref: str, day: date) -> Booking:
    return Booking(
        loan_ref=ref,
        borrower_ref=f"B-{ref}",
        start_date=day,
        maturity_date=day + timedelta(360),
        principal_minor=100_000 + len(ref),
        annual_rate_ppm=120_000,
        method=Method.EQUAL_INSTALLMENT,
        purpose=Purpose.CONSUMER,
    )


def make_days(folder: Path) -> Path:
    """A ledger with a sealed day of every size, and one entry of a day that is open."""
    files = folder.with_name("files")
    files.mkdir(parents=True)
    (files / "consortium.toml").write_text(partnership.CONSORTIUM, "utf-8")
    found(folder, consortium.load(files / "consortium.toml"), dev=True)
    with Ledger.open(folder) as ledger:
        partnership.agree(ledger, files, partnership.JOINT_V1)
        for size in SIZES:
            day = day_of_size(size)
            loans = [booking(loan_ref(size, at), day) for at in range(size)]
            ledger.submit(loans, deal=DEAL, by=partnership.SERVICER)
            for by in SIGNERS:
                ledger.seal(DEAL, date=day, by=by)
        late = [booking("L-open", day_of_size(SIZES[-1]) + timedelta(1))]
        ledger.submit(late, deal=DEAL, by=partnership.SERVICER)
    return folder


def make_covered(folder: Path) -> Path:
    """Every kind of entry, all but the newest of them in one sealed day."""
    covered.make(folder)
    with Ledger.open(folder) as ledger:
        for by in (covered.LEAD, covered.PARTNER, covered.SERVICER):
            ledger.seal(covered.SHIELD, date=date(2026, 8, 31), by=by)
    return folder


@pytest.fixture(scope="session")
def days_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_days(tmp_path_factory.mktemp("days") / "ledger")


@pytest.fixture(scope="session")
def covered_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_covered(tmp_path_factory.mktemp("kinds") / "ledger")


@pytest.fixture(scope="module")
def days(days_folder: Path) -> Iterator[Proofs]:
    with Ledger.open(days_folder) as ledger:
        yield Proofs(ledger, members_file(ledger), DEAL)


@pytest.fixture(scope="module")
def kinds(covered_folder: Path) -> Iterator[Proofs]:
    with Ledger.open(covered_folder) as ledger:
        yield Proofs(ledger, members_file(ledger), covered.SHIELD)
