"""Vouchers in the console: who held a piece, what falls due when, and the loan behind a pledge."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.cli.office import Office
from tests.cli.voucher_office import (
    BANK,
    FINANCE,
    FIRST,
    PAYMENTS,
    PLATFORM,
    SCF,
    SECOND,
    filed,
    owed_office,
    scf_office,
)
from tests.console.browser import Browser, console
from tests.console.test_leading_down import cells, heads

__all__ = ["owed_office", "scf_office"]
LIST = f"/deals/{SCF}/vouchers"
DIGEST = "ab" * 32


@pytest.fixture(scope="module")
def vouchers(owed_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """V-1 in two pieces, one passed on; V-2 pledged for L-2, with a waybill; V-3 paid in part."""
    office = owed_office.copy(tmp_path_factory.mktemp("vouchers") / "office")
    done = [
        filed(office, "evidence", f"voucher_ref,kind,document\nV-2,waybill,{DIGEST}\n", FIRST),
        filed(office, "split", "piece_ref,child_ref,date,amount\nV-1,V-1-B,2026-02-01,300000.00\n", FIRST),
        filed(office, "transfer",
              "entry_ref,piece_ref,date,to,invoice_ref\nT-1,V-1-B,2026-02-01,supplier-2,A-1\n", FIRST),
        filed(office, "finance", f"{FINANCE}\nF-1,V-2,2026-03-04,pledge,6,L-2,42500.00\n", PLATFORM),
        filed(office, "settle", f"{PAYMENTS}\nP-2,V-3,2026-07-05,20000.01,BK-2\n", BANK),
    ]  # fmt: skip
    assert [one.exit_code for one in done] == [0] * len(done), done
    with console(office, BANK) as browser:
        yield browser


def page_of(browser: Browser, ref: str) -> str:
    """Address of a voucher, as the list has it."""
    rows = cells(browser.get(LIST), "voucher_list")
    return next(cell[1] for row in rows for cell in row if cell[0] == ref)


def test_a_voucher_says_what_it_is_and_who_held_its_pieces(vouchers: Browser) -> None:
    answer = vouchers.get(page_of(vouchers, "V-1"))
    assert "1,000,000.00" in answer.text.partition("Pieces")[0]
    assert "2026-07-04" in answer.text.partition("Pieces")[0]
    assert f"{FIRST} > {SECOND}" in answer.text
    steps = cells(answer, "voucher_steps")
    at = heads(answer, "voucher_steps").index("block")
    linked = [row[at] for row in steps if len(row) > at]
    assert linked and all(link == f"/chain/blocks/{number}" for number, link in linked)


def test_what_falls_due_when_and_to_whom(vouchers: Browser) -> None:
    rows = vouchers.rows(f"{LIST}?show=calendar", "voucher_calendar")
    assert {row["due_date"]: row["outstanding_minor"] for row in rows} == {
        "2026-07-04": 105_000_000, "2026-07-05": 5_000_000,
    }  # fmt: skip
    table = cells(vouchers.get(f"{LIST}?show=calendar"), "voucher_receivers")
    holder = next(link for row in table for said, link in row if said == SECOND)
    held = vouchers.rows(holder, "voucher_register")
    assert {row["piece_ref"] for row in held} == {"V-1-B", "V-3"}


def test_a_list_of_one_member_has_only_its_own(vouchers: Browser) -> None:
    assert {row["voucher_ref"] for row in vouchers.rows(f"{LIST}?core=core-b", "voucher_list")} == {"V-3"}
    assert vouchers.get(f"{LIST}?core=nobody-n").status == 400


def test_a_pledged_voucher_and_its_loan_lead_to_one_another(vouchers: Browser) -> None:
    answer = vouchers.get(page_of(vouchers, "V-2"))
    (loan,) = {link for link in re.findall(r'href="([^"]+)"', answer.body.decode()) if "/loans/0x" in link}
    evidence = cells(vouchers.get(loan), "evidence")
    (voucher,) = [link for (what, _), (_, link) in evidence if what == "voucher behind it"]
    assert voucher == page_of(vouchers, "V-2")


def test_documents_are_there_to_compare(vouchers: Browser) -> None:
    (row,) = vouchers.rows(page_of(vouchers, "V-2"), "attached")
    assert (row["attached"], row["document"], row["by"]) == ("waybill", "0x" + DIGEST, FIRST)


def test_a_voucher_that_there_is_not_has_no_page(vouchers: Browser) -> None:
    assert vouchers.get(f"{LIST}/0x{'0' * 64}").status == 404
