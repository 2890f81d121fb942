"""Planning of vouchers: batches, their order, and who signs what."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger import consortium, reading, terms
from ledger.entries import Booking, Method, Purpose, VoucherIssue
from ledger.errors import EntryInvalid, EntryRejected, UsageInvalid
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.submission import Plan
from ledger.voucher_entries import (
    Financing,
    Form,
    Split,
    Transfer,
    VoucherConfirmation,
    VoucherEntry,
    VoucherPayment,
)
from ledger.vouchers.planning import VoucherPlanner
from tests.cli.chain_credit import BANK, CONSORTIUM, CORE, FIRST, PLATFORM, SCF, SECOND
from tests.cli.voucher_office import FREE_TERMS

ISSUED, DUE = date(2026, 1, 5), date(2026, 7, 4)


def issue(ref: str, **changes: Any) -> VoucherIssue:
    fields: dict[str, Any] = {
        "voucher_ref": ref,
        "core": CORE,
        "supplier": FIRST,
        "invoice_ref": f"invoice of {ref}",
        "issue_date": ISSUED,
        "due_date": DUE,
        "amount_minor": 100_000,
    }
    return VoucherIssue(**fields | changes)


def confirm(ref: str) -> VoucherConfirmation:
    return VoucherConfirmation(voucher_ref=ref)


def pledge(ref: str) -> Financing:
    return Financing(
        entry_ref=f"F-{ref}", piece_ref=ref, date=ISSUED, form=Form.PLEDGE,
        annual_rate_ppm=60_000, loan_ref=f"L-{ref}", amount_minor=50_000,
    )  # fmt: skip


def split(ref: str, child: str, minor: int = 1) -> Split:
    return Split(piece_ref=ref, child_ref=child, date=ISSUED, amount_minor=minor)


def transfer(entry: str, piece: str, to: str) -> Transfer:
    return Transfer(
        entry_ref=entry, piece_ref=piece, date=ISSUED, to=to, invoice_ref=f"of {entry}"
    )


def pay(ref: str, minor: int, *, entry: str = "", on: date = DUE) -> VoucherPayment:
    own = entry or f"P-{ref}"
    return VoucherPayment(
        entry_ref=own, voucher_ref=ref, date=on, amount_minor=minor, reference=f"bank of {own}"
    )


@pytest.fixture(scope="session")
def scf_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planned")
    (folder / "consortium.toml").write_text(CONSORTIUM, "utf-8")
    found(folder / "ledger", consortium.load(folder / "consortium.toml"), dev=True)
    agreed = terms.read(tomllib.loads(FREE_TERMS))
    with Ledger.open(folder / "ledger") as ledger:
        ledger.propose(agreed, by=PLATFORM)
        for party in agreed.parties:
            ledger.sign(SCF, by=party)
    return folder / "ledger"


@pytest.fixture
def ledger(scf_folder: Path, tmp_path: Path) -> Iterator[Ledger]:
    shutil.copytree(scf_folder, tmp_path / "ledger")
    with Ledger.open(tmp_path / "ledger") as opened:
        yield opened


def plan(ledger: Ledger, *entries: VoucherEntry, by: str = PLATFORM) -> Plan:
    planner = VoucherPlanner(ledger, SCF, by, documents=lambda version: ledger.terms(SCF, version))
    return planner.plan(entries)


def shape(planned: Plan) -> list[tuple[str, str, list[str]]]:
    return [
        (batch[0].route.function, batch[0].by, [row.ref for row in batch])
        for batch in planned.batches
    ]


def test_first_parts_go_together_and_then_the_second_ones(ledger: Ledger) -> None:
    refs = ["A", "B", "C"]
    ledger.submit([issue(ref) for ref in refs], deal=SCF, by=PLATFORM)
    ledger.submit([confirm(ref) for ref in refs], deal=SCF, by=CORE)
    financed = [f"F-{ref}" for ref in refs]
    assert shape(plan(ledger, *map(pledge, refs))) == [
        ("offer", FIRST, financed), ("book", PLATFORM, financed), ("pledge", PLATFORM, financed),
    ]  # fmt: skip


def test_rows_of_one_piece_never_overtake_one_another(ledger: Ledger) -> None:
    ledger.submit([issue("A"), issue("B")], deal=SCF, by=PLATFORM)
    ledger.submit([confirm("A"), confirm("B")], deal=SCF, by=CORE)
    rows = [
        split("A", "A-1"), split("A", "A-2", 2),
        transfer("T-1", "A", SECOND), transfer("T-2", "B", SECOND), transfer("T-3", "A", BANK),
        split("B", "B-1"),
    ]  # fmt: skip
    assert shape(plan(ledger, *rows, by=FIRST)) == [
        ("split", FIRST, ["A-1", "A-2"]),
        ("transfer", FIRST, ["T-1", "T-2"]),
        ("transfer", SECOND, ["T-3"]),
        ("split", SECOND, ["B-1"]),
    ]
    done = ledger.submit(rows, deal=SCF, by=FIRST)
    assert (done.posted, done.transactions) == (6, 4)
    assert done.signed == {FIRST: 4, SECOND: 2}


def test_everything_from_issue_to_payment_may_be_one_run(ledger: Ledger) -> None:
    """Each entry is planned on what those before it in the run leave."""
    run: list[VoucherEntry] = [issue("A"), confirm("A"), split("A", "A-1", 40_000)]
    run += [transfer("T", "A-1", SECOND), pledge("A"), pay("A", 100_000)]
    done = ledger.submit(run, deal=SCF, by=PLATFORM)
    assert (done.rows, done.posted) == (6, 6)
    voucher = reading.voucher(ledger.book(), ledger.deal(SCF).deal, ledger.salts.loan_id(SCF, "A"))
    assert voucher is not None and voucher.status == "paid"
    assert ledger.submit(run, deal=SCF, by=PLATFORM).already_posted == 6


def test_batches_are_of_two_hundred_and_days_stand_together(ledger: Ledger) -> None:
    days = [ISSUED + timedelta(days=at % 3) for at in range(401)]
    rows = [issue(f"V-{at}", issue_date=day) for at, day in enumerate(days)]
    assert [len(batch) for batch in plan(ledger, *rows).batches] == [200, 200, 1]
    done = ledger.submit(rows, deal=SCF, by=PLATFORM)
    assert (done.posted, done.transactions) == (401, 3)
    refs = [row.voucher_ref for row in rows]
    planned = plan(ledger, *map(confirm, refs), by=CORE)
    assert [len(batch) for batch in planned.batches] == [200, 200, 1]
    dates = [row.counts_to for row in planned.batches[0]]
    assert dates == sorted(dates)  # type: ignore[type-var]


def test_a_payment_reaches_every_piece_in_one_batch_however_many(ledger: Ledger) -> None:
    ledger.submit([issue("A"), issue("B")], deal=SCF, by=PLATFORM)
    ledger.submit([confirm("A"), confirm("B")], deal=SCF, by=CORE)
    ledger.submit(
        [split("A", f"A-{at}", 700) for at in range(129)], deal=SCF, by=FIRST
    )
    planned = plan(ledger, pay("A", 99_999), pay("B", 100_000), by=BANK)
    settled = [batch for batch in planned.batches if batch[0].route.function == "settle"]
    sizes = [[len(row.contract_rows()) for row in batch] for batch in settled]
    assert sizes == [[130], [1]]
    assert ledger.submit([pay("A", 99_999)], deal=SCF, by=BANK).posted == 1
    assert ledger.submit([pay("A", 1, entry="last")], deal=SCF, by=BANK).posted == 1


def test_a_second_payment_of_a_run_waits_for_the_first(ledger: Ledger) -> None:
    """Its repayment would not be the loan's latest entry when the first one is paid out."""
    ledger.submit([issue("A")], deal=SCF, by=PLATFORM)
    ledger.submit([confirm("A")], deal=SCF, by=CORE)
    ledger.submit([pledge("A")], deal=SCF, by=PLATFORM)
    rows = [pay("A", 10_000, entry="P-1"), pay("A", 90_000, entry="P-2")]
    assert [function for function, _, _ in shape(plan(ledger, *rows))] == [
        "instruct", "repay", "settle", "instruct", "repay", "settle",
    ]  # fmt: skip
    assert ledger.submit(rows, deal=SCF, by=BANK).posted == 2


def test_one_run_is_of_vouchers_or_of_loans(ledger: Ledger) -> None:
    loan = Booking(
        loan_ref="L", borrower_ref="B", start_date=ISSUED, maturity_date=DUE, principal_minor=1,
        annual_rate_ppm=1, method=Method.BULLET, purpose=Purpose.BUSINESS,
    )  # fmt: skip
    with pytest.raises(UsageInvalid, match="by themselves"):
        ledger.submit([issue("A"), loan], deal=SCF, by=PLATFORM)
    with pytest.raises(EntryInvalid):
        ledger.submit([issue("A"), issue("A")], deal=SCF, by=PLATFORM)


def test_a_refused_part_names_its_row_and_nothing_of_the_run_stays(ledger: Ledger) -> None:
    ledger.submit([issue("A"), issue("B")], deal=SCF, by=PLATFORM)
    ledger.submit([confirm("A"), confirm("B")], deal=SCF, by=CORE)
    head = ledger.engine.head()
    dear = pledge("B").model_copy(update={"amount_minor": 85_001})
    with pytest.raises(EntryRejected) as refused:
        ledger.submit([pledge("A"), dear], deal=SCF, by=PLATFORM, lines=[7, 8])
    assert [(row.line, row.ref, row.reason) for row in refused.value.rows] == [
        (8, "F-B", "ADVANCE_OVER_LIMIT")
    ]
    assert ledger.engine.head() == head
    done = ledger.submit([pledge("A")], deal=SCF, by=PLATFORM)
    assert (done.posted, done.already_posted) == (1, 0)


def test_ids_of_refs_are_known_to_whoever_submits(ledger: Ledger) -> None:
    ledger.submit([issue("A")], deal=SCF, by=PLATFORM)
    voucher = reading.voucher(ledger.book(), ledger.deal(SCF).deal, ledger.salts.loan_id(SCF, "A"))
    assert voucher is not None
    assert ledger.ref(voucher.voucher_id) == "A"
    assert ledger.ref(voucher.invoice_hash) == "invoice of A"
