"""Vouchers: from issue to payment through the SDK, beside loans of the same deal in the same run.

Two banks fund, a tier of the waterfall goes to the platform. A third of the vouchers is passed on
to another supplier, a third discounted, a third pledged for a loan; all are paid when due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from statistics import median

from bench.budgets import Measured
from bench.sizes import Sizes
from bench.timing import Spent
from ledger import consortium, terms
from ledger.entries import Booking, Entry, Method, Purpose, VoucherIssue
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.voucher_entries import (
    Financing,
    Form,
    Transfer,
    VoucherConfirmation,
    VoucherPayment,
)

STEPS = ("issue", "confirm", "transfer", "discount", "pledge", "settle")
KEYS = (*(f"vouchers_{step}" for step in STEPS), "vouchers_to_loans", "vouchers_growth")
DEAL, CORE, SUPPLIERS, PLATFORM = "chain", "core-a", ("supplier-1", "supplier-2"), "platform-p"
_ISSUED, _FINANCED, _DUE = date(2026, 1, 5), date(2026, 1, 20), date(2026, 7, 4)
_AMOUNT = 1_234_567

_CONSORTIUM = """
name = "bench"
chain_id = 20251007
genesis_time = 2026-01-05T01:00:00Z
clock = "stepped"
"""
_MEMBER = """
[[member]]
id = "{0}"
name = "{0}"
roles = ["{1}"]
licences = [{2}]
validator = {3}
"""
_MEMBERS = (
    ("bank-a", "bank", '"lending"', "true"),
    ("bank-b", "bank", '"lending"', "false"),
    (PLATFORM, "platform", "", "true"),
    (CORE, "core", "", "false"),
    *((name, "supplier", "", "false") for name in SUPPLIERS),
)
_TERMS = f"""
id = "{DEAL}"
mode = "receivable"
currency = "CNY"
day_count = "ACT/360"
servicer = "{PLATFORM}"
disbursed_by = "bank-a"
collected_by = "bank-a"
[[funding]]
party = "bank-a"
share = "70%"
[[funding]]
party = "bank-b"
share = "30%"
[[interest]]
to = "{PLATFORM}"
share = "10%"
[receivable]
advance = "85%"
"""


def measure(sizes: Sizes, folder: Path) -> Iterator[Measured]:
    """Every step of as many vouchers a round; loans of the same deal take turns with them."""
    rows = sizes.round_rows - sizes.round_rows % 3
    seconds: dict[str, list[float]] = {step: [] for step in (*STEPS, "loans")}
    posted = {step: rows // 3 for step in STEPS} | {"issue": rows, "confirm": rows}
    posted |= {"settle": rows, "loans": rows}
    with _founded(folder) as ledger:
        for at in range(sizes.rounds):
            for step, (by, entries) in _round(at, rows).items():
                seconds[step].append(_submitted(ledger, entries, by))
    for step in STEPS:
        yield Measured(
            key=f"vouchers_{step}",
            value=posted[step] / min(seconds[step]),
            compared_to=f"loans {posted['loans'] / min(seconds['loans']):.0f}/s",
            note=f"processor time, best of {sizes.rounds} rounds of {posted[step]}",
        )
    whole = [sum(seconds[step][at] for step in STEPS) for at in range(sizes.rounds)]
    yield Measured(
        key="vouchers_to_loans",
        value=median(each / loans for each, loans in zip(whole, seconds["loans"], strict=True)),
        compared_to="booking as many loans",
        note="all steps of a voucher's life, processor time",
    )
    yield Measured(
        key="vouchers_growth",
        value=whole[0] / whole[-1],
        compared_to=f"the first {rows} vouchers",
        note=f"the last {rows} of {rows * sizes.rounds}",
    )


def _founded(folder: Path) -> Ledger:
    members = "".join(_MEMBER.format(*member) for member in _MEMBERS)
    (config := folder / "consortium.toml").write_text(_CONSORTIUM + members, "utf-8")
    found(folder / "ledger", consortium.load(config), dev=True)
    ledger = Ledger.open(folder / "ledger")
    (document := folder / "deal.toml").write_text(_TERMS, "utf-8")
    ledger.propose(terms.load(document), by=PLATFORM)
    for party in ("bank-a", "bank-b", PLATFORM):
        ledger.sign(DEAL, by=party)
    return ledger


def _submitted(ledger: Ledger, entries: list[Entry], by: str) -> float:
    spent = Spent()
    submitted = spent.timed(lambda: ledger.submit(entries, deal=DEAL, by=by))
    assert submitted.posted == len(entries), submitted
    return spent.cpu


def _round(at: int, rows: int) -> dict[str, tuple[str, list[Entry]]]:
    """Step to who submits what; on an open ledger every part is signed in one go."""
    numbers = range(at * rows, (at + 1) * rows)
    third = rows // 3
    passed, sold, pledged = numbers[:third], numbers[third : 2 * third], numbers[2 * third :]

    def each(make: Callable[[int], Entry], among: range = numbers) -> list[Entry]:
        return [make(number) for number in among]

    return {
        "issue": (CORE, each(_issue)),
        "confirm": (CORE, each(lambda n: VoucherConfirmation(voucher_ref=f"V-{n}"))),
        "transfer": (SUPPLIERS[0], each(_transfer, passed)),
        "discount": (PLATFORM, each(lambda n: _finance(n, Form.DISCOUNT), sold)),
        "pledge": (PLATFORM, each(lambda n: _finance(n, Form.PLEDGE), pledged)),
        "settle": (CORE, each(_payment)),
        "loans": (PLATFORM, each(_loan)),
    }


def _issue(number: int) -> Entry:
    return VoucherIssue(
        voucher_ref=f"V-{number}", core=CORE, supplier=SUPPLIERS[0], invoice_ref=f"I-{number}",
        issue_date=_ISSUED, due_date=_DUE, amount_minor=_AMOUNT + number,
    )  # fmt: skip


def _transfer(number: int) -> Entry:
    return Transfer(
        entry_ref=f"T-{number}", piece_ref=f"V-{number}", date=_FINANCED, to=SUPPLIERS[1],
        invoice_ref=f"J-{number}",
    )  # fmt: skip


def _finance(number: int, form: Form) -> Entry:
    entry = {"entry_ref": f"F-{number}", "piece_ref": f"V-{number}", "date": _FINANCED}
    if form is Form.PLEDGE:
        entry |= {"loan_ref": f"L-{number}", "amount_minor": _AMOUNT * 4 // 5}
    return Financing(**entry, form=form, annual_rate_ppm=60_000)


def _payment(number: int) -> Entry:
    return VoucherPayment(
        entry_ref=f"P-{number}", voucher_ref=f"V-{number}", date=_DUE,
        amount_minor=_AMOUNT + number, reference=f"B-{number}",
    )  # fmt: skip


def _loan(number: int) -> Entry:
    return Booking(
        loan_ref=f"K-{number}", borrower_ref=f"K-{number}", start_date=_FINANCED,
        maturity_date=_DUE, principal_minor=_AMOUNT, annual_rate_ppm=60_000,
        method=Method.BULLET, purpose=Purpose.BUSINESS,
    )  # fmt: skip
