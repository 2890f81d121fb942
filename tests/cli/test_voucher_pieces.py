"""`pledger voucher split|transfer|sell|limit`: pieces in other hands."""

from __future__ import annotations

from eth_hash.auto import keccak

from ledger import reading
from ledger.ledger import Ledger
from tests.cli.office import Office
from tests.cli.voucher_office import (
    BANK,
    CORE,
    FIRST,
    OTHER_BANK,
    PLATFORM,
    SCF,
    SECOND,
    accounts,
    filed,
    named,
    owed,
    owed_office,
    refusals,
    scf_office,
    shown,
)

__all__ = ["owed", "owed_office", "scf_office"]
SPLITS = """\
piece_ref,child_ref,date,amount
V-1,V-1-B,2026-02-01,400000.00
V-1-B,V-1-C,2026-02-01,100000.00
V-1,V-1-D,2026-02-02,0.01
"""
PASSED = "entry_ref,piece_ref,date,to,invoice_ref\n"


def amounts(office: Office, ref: str = "V-1") -> dict[str, tuple[str, int]]:
    pieces = shown(office, ref)["pieces"]
    assert isinstance(pieces, list)
    return {one["piece_ref"]: (one["holder"], one["amount_minor"]) for one in pieces}


def test_pieces_are_split_off_pieces_of_the_same_file(owed: Office) -> None:
    done = filed(owed, "split", SPLITS, FIRST).document
    assert (done["posted"], done["transactions"]) == (3, 1)
    assert amounts(owed) == {
        "V-1": (FIRST, 59_999_999), "V-1-B": (FIRST, 30_000_000), "V-1-C": (FIRST, 10_000_000),
        "V-1-D": (FIRST, 1),
    }  # fmt: skip
    again = filed(owed, "split", SPLITS, FIRST).document
    assert (again["posted"], again["already_posted"]) == (0, 3)
    other = SPLITS.replace("0.01", "0.02")
    assert refusals(filed(owed, "split", other, FIRST)) == [(4, "V-1-D", "REF_REUSED")]


def test_a_refused_split_leaves_those_after_it_on_the_piece_unjudged(owed: Office) -> None:
    rows = "piece_ref,child_ref,date,amount\n" + "".join(
        f"{row}\n"
        for row in ("V-1,A,2026-02-01,1000000.00", "V-1,B,2026-02-01,1.00",
                    "V-2,C,2026-02-01,50000.01", "V-9,D,2026-02-01,1.00")
    )  # fmt: skip
    with owed.unchanged():
        outcome = filed(owed, "split", rows, FIRST)
    assert refusals(outcome) == [
        (2, "A", "SPLIT_AMOUNT_INVALID"), (4, "C", "SPLIT_AMOUNT_INVALID"),
        (5, "D", "PIECE_UNKNOWN"),
    ]  # fmt: skip


def test_an_invoice_names_who_sold_before_who_bought(owed: Office) -> None:
    """A supplier sold to its core enterprise, a new holder to the one before it."""
    filed(owed, "transfer", f"{PASSED}T-1,V-1,2026-02-01,supplier-2,A-1\n", FIRST)
    with Ledger.open(owed.home) as ledger:
        salt = ledger.salts.invoices()
        book = ledger.book()
        hashes = [
            keccak(salt + f'["{seller}","{buyer}","{invoice}",100000000]'.encode())
            for seller, buyer, invoice in ((FIRST, CORE, "INV-1"), (SECOND, FIRST, "A-1"))
        ]
        assert [reading.registered(book, one) is not None for one in hashes] == [True, True]


def test_a_piece_passes_through_tiers_and_its_chain_is_visible(owed: Office) -> None:
    rows = f"{PASSED}T-1,V-1,2026-02-01,supplier-2,A-1\nT-2,V-1,2026-02-02,core-b,B-1\n"
    done = filed(owed, "transfer", rows, FIRST).document
    assert (done["posted"], done["signed"]) == (2, {FIRST: 1, SECOND: 1})
    assert amounts(owed) == {"V-1": ("core-b", 100_000_000)}
    assert accounts(owed)["core-b"] == {"VOUCHERS_OWED": -7_000_001, "VOUCHERS_HELD": 100_000_000}
    with owed.unchanged():
        again = filed(owed, "transfer", rows, SECOND).document
    assert again["already_posted"] == 2
    other = f"{PASSED}T-1,V-1,2026-02-01,supplier-2,A-2\n"
    assert refusals(filed(owed, "transfer", other, FIRST)) == [(2, "T-1", "REF_REUSED")]


def test_only_the_holder_passes_a_piece_on_and_not_to_who_owes_it(owed: Office) -> None:
    row = f"{PASSED}T-1,V-1,2026-02-01,supplier-2,A-1\n"
    for by in (SECOND, PLATFORM, CORE):
        assert refusals(filed(owed, "transfer", row, by)) == [(2, "T-1", "SENDER_NOT_HOLDER")]
    back = f"{PASSED}T-1,V-1,2026-02-01,core-a,A-1\nT-2,V-2,2026-02-01,nobody,A-2\n"
    assert refusals(filed(owed, "transfer", back, FIRST)) == [
        (2, "T-1", "HOLDER_INVALID"), (3, "T-2", "MEMBER_UNKNOWN"),
    ]  # fmt: skip


def test_an_invoice_backs_one_transfer_and_a_conflict_names_the_first(owed: Office) -> None:
    passed = f"{PASSED}T-1,V-2,2026-02-01,supplier-2,A-1\n"
    assert filed(owed, "transfer", passed, FIRST).document["posted"] == 1
    split = "piece_ref,child_ref,date,amount\nV-1,V-1-B,2026-02-01,50000.00\n"
    assert filed(owed, "split", split, FIRST).document["posted"] == 1
    outcome = filed(owed, "transfer", f"{PASSED}T-2,V-1-B,2026-02-03,supplier-2,A-1\n", FIRST)
    assert refusals(outcome) == [(2, "T-2", "INVOICE_REGISTERED")]
    assert "first by the transfer of piece V-2 of voucher V-2 of deal scf-1 on 2026-02-01" in (
        outcome.document["rejected"][0]["detail"]
    )


def test_a_bank_sells_what_it_holds_to_a_bank(owed: Office) -> None:
    assert filed(owed, "transfer", f"{PASSED}T-1,V-2,2026-02-01,bank-a,A-1\n", FIRST)
    offer = ("sell", "offer", "V-2", "--buyer", OTHER_BANK, "--price", "49000.00")
    on = ("--date", "2026-03-01")
    assert refusals(named(owed, *offer, *on, by=FIRST)) == [(0, "V-2", "SENDER_NOT_HOLDER")]
    assert named(owed, *offer, *on, by=BANK).document["posted"] == 1
    assert named(owed, *offer, *on, by=BANK).document["already_posted"] == 1
    accept = ("sell", "accept", "V-2", "--price")
    cheaper = named(owed, *accept, "48000.00", *on, by=OTHER_BANK)
    assert refusals(cheaper) == [(0, "V-2", "SALE_INVALID")]
    early = named(owed, "sell", "confirm", "V-2", *on, by=BANK)
    assert refusals(early) == [(0, "sale/V-2/2026-03-01", "PIECE_NOT_ON_SALE")]
    assert named(owed, *accept, "49000.00", *on, by=OTHER_BANK).document["posted"] == 1
    assert named(owed, "sell", "confirm", "V-2", *on, by=BANK).document["posted"] == 1
    assert named(owed, "sell", "confirm", "V-2", *on, by=BANK).document["already_posted"] == 1
    assert accounts(owed)[BANK] == {"CASH": 4_900_000, "DISCOUNT": 100_000}
    assert accounts(owed)[OTHER_BANK] == {
        "CASH": -4_900_000, "VOUCHERS_HELD": 5_000_000, "DISCOUNT": -100_000,
    }  # fmt: skip


def test_a_sale_is_withdrawn_before_it_is_confirmed(owed: Office) -> None:
    assert filed(owed, "transfer", f"{PASSED}T-1,V-2,2026-02-01,bank-a,A-1\n", FIRST)
    offer = ("sell", "offer", "V-2", "--buyer", OTHER_BANK, "--price", "49000.00")
    named(owed, *offer, "--date", "2026-03-01", by=BANK)
    back = ("withdraw", "V-2", "--date", "2026-03-02")
    assert refusals(named(owed, *back, by=OTHER_BANK)) == [(0, "V-2", "SENDER_NOT_HOLDER")]
    assert named(owed, *back, by=BANK).document["posted"] == 1
    assert named(owed, *back, by=BANK).document["already_posted"] == 1


def test_a_limit_holds_for_a_bank_and_a_core_enterprise(owed: Office) -> None:
    limit = ("voucher", "limit", "--bank", BANK, "--core", CORE, "--amount", "1000.00", "--json")
    done = owed.run(*limit)
    assert (done.exit_code, done.document["posted"]) == (0, 1), done
    assert owed.run(*limit).document["already_posted"] == 1
    assert owed.run(*limit, "--as", OTHER_BANK).document["already_posted"] == 1
    more = owed.run("voucher", "limit", "--bank", BANK, "--core", CORE, "--amount", "2", "--as", OTHER_BANK)
    assert (more.exit_code, "SENDER_NOT_BANK" in more.stderr) == (3, True)
    finance = (
        "entry_ref,piece_ref,date,form,annual_rate_pct\nF-1,V-2,2026-02-01,discount,3.85\n"
    )
    with owed.unchanged():
        refused = filed(owed, "finance", finance, FIRST)
    assert refusals(refused) == [(2, "F-1", "CORE_OVER_LIMIT")]
    assert refused.document["rejected"][0]["detail"].endswith("; bank-a at most 1000.00")


def test_pieces_are_named_by_their_ids_where_their_refs_are_not_known(owed: Office) -> None:
    from ledger.ledger import Ledger

    with Ledger.open(owed.home) as ledger:
        own = "0x" + ledger.salts.loan_id(SCF, "V-2").hex()
    assert named(owed, "dispute", own, by=CORE).document["posted"] == 1
    assert named(owed, "dispute", "V-2", by=CORE).document["already_posted"] == 1
