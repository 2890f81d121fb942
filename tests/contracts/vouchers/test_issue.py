"""`issue`: 开立 of vouchers on invoices, each of which backs one voucher on the whole ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import LAST_DAY, MAX_AMOUNT, id_of, on
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import FACE, ISSUED, TERMS, Number, SupplyChain
from tests.contracts.sandbox.terms import Receivable
from tests.contracts.sandbox.vouchers import ISSUE, Split, Voucher

ID = deal_id(DEAL)
NOTHING = (bytes(32), bytes(32))
OPEN = Voucher(
    outstanding=FACE,
    core=Number.CORE,
    supplier=Number.TIER_1,
    issued=ISSUE,
    due=ISSUE + 180,
    version=1,
    state=1,
    evidence=0,
    disputes=0,
    instructed=0,
)


@pytest.mark.parametrize(
    ("member", "number"), [("core", Number.CORE), ("tier-1", Number.TIER_1), ("platform", 2)]
)
def test_voucher_is_issued_and_holds_its_invoice(
    supply: SupplyChain, member: str, number: int
) -> None:
    row = replace(ISSUED, delivered=ISSUE - 3, reason=7)
    receipt = supply.issue(row, by=member)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=number),
        Event(
            "VoucherIssued",
            voucher_id=id_of("v"),
            invoice_hash=row.invoice_hash,
            amount_minor=FACE,
            particulars=row.particulars,
        ),
    ]
    assert supply.voucher("v") == OPEN
    assert supply.backed(row.invoice_hash) == (id_of("v"), ID)
    assert supply.piece("v").amount == 0
    assert supply.partnership.balances() == {}


def test_a_batch_mixes_members_dates_and_amounts(supply: SupplyChain) -> None:
    rows = [
        ISSUED,
        replace(ISSUED, voucher="b", core=Number.OTHER_CORE, amount=1, issued=LAST_DAY - 1,
                due=LAST_DAY),
        replace(ISSUED, voucher="c", supplier=Number.OTHER_CORE, amount=MAX_AMOUNT, due=ISSUE + 1),
        replace(ISSUED, voucher="d", delivered=ISSUE, issued=TERMS.effective_date + 4),
    ]  # fmt: skip
    supply.issue(*rows, by="platform")
    assert supply.voucher("v") == OPEN
    assert supply.voucher("b") == replace(
        OPEN, core=Number.OTHER_CORE, outstanding=1, issued=LAST_DAY - 1, due=LAST_DAY
    )
    assert supply.voucher("c") == replace(
        OPEN, supplier=Number.OTHER_CORE, outstanding=MAX_AMOUNT, due=ISSUE + 1
    )
    for row in rows:
        assert supply.backed(row.invoice_hash) == (id_of(row.voucher), ID)


def test_an_empty_batch_issues_nothing(supply: SupplyChain) -> None:
    assert len(supply.issue().events) == 1


CLOSED_TO = replace(
    TERMS,
    others=("platform", "custodian", "core"),
    receivable=Receivable(cores=("core",), max_days=90, max_days_from=ISSUE),
)


@pytest.fixture
def narrow(supply: SupplyChain) -> SupplyChain:
    """The deal `narrow` too: vouchers on core alone, of 90 days from the issue date of others on."""
    supply.partnership.agree(CLOSED_TO, deal="narrow")
    return supply


def test_terms_limit_cores_and_terms(narrow: SupplyChain) -> None:
    short = replace(ISSUED, due=ISSUE + 90)
    early = replace(ISSUED, voucher="early", issued=ISSUE - 1)
    narrow.issue(short, early, deal="narrow")
    assert narrow.voucher("v", deal="narrow").due == ISSUE + 90
    with refused("VOUCHER_TERM_OVER_LIMIT"):
        narrow.issue(replace(ISSUED, voucher="long", due=ISSUE + 91), deal="narrow")
    other = replace(short, voucher="other", core=Number.OTHER_CORE)
    with refused("CORE_NOT_IN_TERMS"):
        narrow.issue(other, by="other-core", deal="narrow")
    with refused("CORE_NOT_IN_TERMS"):  # a party, but none of the cores
        narrow.issue(replace(other, core=Number.PLATFORM), by="platform", deal="narrow")


def test_an_invoice_backs_one_voucher_in_all_deals(narrow: SupplyChain) -> None:
    """R2"""
    row = replace(ISSUED, due=ISSUE + 90)
    narrow.issue(row)
    again = replace(row, voucher="again", invoice="invoice of v")
    for deal in (DEAL, "narrow"):
        with refused("INVOICE_REGISTERED"):
            narrow.issue(again, deal=deal)
    assert narrow.backed(row.invoice_hash) == (id_of("v"), ID)


def test_the_same_ref_names_another_voucher_in_another_deal(narrow: SupplyChain) -> None:
    narrow.issue(ISSUED)
    row = replace(ISSUED, due=ISSUE + 90, invoice="another")
    narrow.issue(row, deal="narrow")
    assert narrow.backed(row.invoice_hash) == (id_of("v"), deal_id("narrow"))
    assert narrow.backed(ISSUED.invoice_hash) == (id_of("v"), ID)


def test_both_rows_of_a_batch_cannot_have_one_invoice(supply: SupplyChain) -> None:
    with refused("INVOICE_REGISTERED"):
        supply.issue(ISSUED, replace(ISSUED, voucher="w", invoice="invoice of v"))
    assert supply.backed(ISSUED.invoice_hash) == NOTHING


def test_no_two_vouchers_share_the_half_of_an_id_that_pieces_know(issued: SupplyChain) -> None:
    close = id_of("v")[:16] + bytes(16)
    _, invoice_hash, amount, particulars = replace(ISSUED, invoice="another").row
    with refused("VOUCHER_EXISTS"):
        issued.send("issue", [(close, invoice_hash, amount, particulars)], by="core")


def test_no_voucher_takes_the_id_of_a_piece(confirmed: SupplyChain) -> None:
    split = Split(piece="v", voucher="v", date=ISSUE, sequence=0, child="w", amount=1)
    confirmed.split(split)
    with refused("VOUCHER_EXISTS"):
        confirmed.issue(replace(ISSUED, voucher="w"))


def test_a_cancelled_voucher_stays_and_its_invoice_backs_another(issued: SupplyChain) -> None:
    issued.cancel(ISSUED)
    with refused("VOUCHER_EXISTS"):
        issued.issue(ISSUED)
    issued.issue(replace(ISSUED, voucher="w", invoice="invoice of v"))
    assert issued.backed(ISSUED.invoice_hash) == (id_of("w"), ID)


def test_each_version_issues_while_it_is_in_force(supply: SupplyChain) -> None:
    """Whatever the order of the dates in a batch."""
    changed = ISSUE + 30
    supply.partnership.agree(replace(TERMS, effective_date=changed))
    last = replace(ISSUED, issued=changed - 1)
    first = replace(ISSUED, voucher="w", issued=changed)
    for version, rows in ((1, (last, first)), (1, (first,)), (2, (first, last)), (2, (last,))):
        with refused("VERSION_NOT_IN_FORCE"):
            supply.issue(*rows, version=version)
    supply.issue(ISSUED, replace(last, voucher="last"))
    supply.issue(first, replace(first, voucher="later", due=changed + 1), version=2)
    assert [supply.voucher(ref).version for ref in ("v", "last", "w", "later")] == [1, 1, 2, 2]


def test_nobody_issues_in_a_suspended_deal(supply: SupplyChain) -> None:
    partnership = supply.partnership
    partnership.confirmed(partnership.by_name["bank"], partnership.deals, "suspend", ID)
    with refused("DEAL_SUSPENDED"):
        supply.issue(ISSUED)


def test_nobody_issues_to_a_supplier_that_was_expelled(supply: SupplyChain) -> None:
    partnership = supply.partnership
    for member in list(partnership.by_name.values())[:5]:
        partnership.members.send(member.checker, "expel", Number.TIER_1)
    with refused("SUPPLIER_INVALID"):
        supply.issue(ISSUED)
    supply.issue(replace(ISSUED, supplier=Number.TIER_2))


# What is wrong with an issue, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("core checker")}),
    ("DEAL_UNKNOWN", {"deal": "unknown"}),
    ("DEAL_NOT_ACTIVE", {"version": 2}),
    ("RECEIVABLE_MISSING", {"deal": "plain"}),
    ("SENDER_NOT_OF_VOUCHER", {"by": "bank"}),
    ("MEMBER_UNKNOWN", {"core": 0}),
    ("MEMBER_UNKNOWN", {"core": 12}),
    ("CORE_NOT_IN_TERMS", {"core": Number.BANK}),
    ("MEMBER_UNKNOWN", {"supplier": 0}),
    ("SUPPLIER_INVALID", {"supplier": Number.BANK}),
    ("SUPPLIER_INVALID", {"supplier": Number.CORE}),
    ("VOUCHER_AMOUNT_INVALID", {"amount": 0}),
    ("VOUCHER_AMOUNT_INVALID", {"amount": MAX_AMOUNT + 1}),
    ("VOUCHER_DATES_INVALID", {"due": ISSUE}),
    ("VOUCHER_DATES_INVALID", {"reason": 256}),
    ("VOUCHER_ON_PREPAYMENT", {"delivered": ISSUE + 1}),
    ("VERSION_NOT_IN_FORCE", {"issued": on("2025-12-31"), "delivered": 0}),
    ("VOUCHER_EXISTS", {"voucher": "", "invoice": "of nothing"}),
    ("VOUCHER_EXISTS", {"voucher": "v"}),
    ("INVOICE_REGISTERED", {"invoice": "invoice of v"}),
]


@pytest.fixture
def crowded(issued: SupplyChain) -> SupplyChain:
    """With a deal that has no vouchers."""
    issued.partnership.agree(replace(TERMS, receivable=Receivable(advance=0)), deal="plain")
    return issued


def _issue(supply: SupplyChain, arguments: dict[str, Any]) -> None:
    row = {"by": "platform"} | arguments
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    supply.issue(replace(ISSUED, voucher="good"), replace(ISSUED, **{"voucher": "w"} | row), **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_issue_with_a_fault_is_refused_with_its_batch(
    crowded: SupplyChain, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _issue(crowded, arguments)
    assert crowded.voucher("good").outstanding == 0


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    crowded: SupplyChain, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _issue(crowded, arguments)


def test_a_voucher_without_an_invoice_is_refused(supply: SupplyChain) -> None:
    voucher_id, _, amount, particulars = ISSUED.row
    with refused("INVOICE_MISSING"):
        supply.send("issue", [(voucher_id, bytes(32), amount, particulars)], by="core")
