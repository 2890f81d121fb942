"""Who sees which deals, as the book of the node's folder says it of the newest block."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ledger.bindings import label
from ledger.errors import LedgerUnusable
from ledger.founding import BOOK_FILE
from ledger.node.node import Node
from ledger.node.refusals import RpcRefused
from ledger.node.sight import Sights
from tests.cli.office import DEAL, Office
from tests.cli.voucher_office import (
    CORE,
    FIRST,
    PLATFORM,
    SCF,
    SECOND,
    owed,
    owed_office,
    scf,
    scf_office,
)

__all__ = ["owed", "owed_office", "scf", "scf_office"]


@contextmanager
def sights_of(office: Office) -> Iterator[Sights]:
    """As a node on the office's folder has them."""
    node = Node(office.home)
    sights = Sights(office.home, node.settings, node.engine)
    try:
        yield sights
    finally:
        sights.stop()
        # Theirs was lent: it is still open.
        assert node.engine.head().number >= 0
        node.stop()


def test_members_of_vouchers_see_their_deal_and_other_suppliers_do_not(owed: Office) -> None:
    with sights_of(owed) as sights:
        for member in (PLATFORM, CORE, FIRST, SECOND):
            sight = sights.of(member)
            assert sight.whole or sight.deals == {label(SCF)}, member
        assert sights.of(FIRST).deals == {label(SCF)}
        assert not sights.of(FIRST).whole


def test_a_supplier_sees_a_deal_from_its_first_voucher_on(scf: Office) -> None:
    with sights_of(scf) as sights:
        assert sights.of(FIRST).deals == frozenset()


def test_enrolled_suppliers_are_told_from_admitted_members(scf: Office) -> None:
    with sights_of(scf) as sights:
        assert sights.is_enrolled(sights.of(FIRST).number)
        assert not sights.is_enrolled(sights.of(PLATFORM).number)
        assert not sights.is_enrolled(10_000)


def test_a_party_sees_a_deal_as_soon_as_it_is_proposed(office: Office) -> None:
    with sights_of(office) as sights:
        assert sights.of("guarantor-g").deals == {label(DEAL)}
        assert sights.of("outsider-o").deals == frozenset()
    terms = office.folder / "deal.toml"
    second = (
        terms.read_text("utf-8").replace(DEAL, "second-2026").replace("guarantor-g", "outsider-o")
    )
    file = office.file("second.toml", second)
    proposed = office.run("deal", "propose", file, "--as", "platform-p")
    assert proposed.exit_code == 0, proposed
    with sights_of(office) as sights:
        assert sights.of("outsider-o").deals == {label("second-2026")}
        assert sights.of("guarantor-g").deals == {label(DEAL)}


def test_what_happens_meanwhile_is_seen(office: Office) -> None:
    with sights_of(office) as sights:
        assert sights.of("outsider-o").deals == frozenset()
        terms = (office.folder / "deal.toml").read_text("utf-8")
        changed = terms.replace(DEAL, "second-2026").replace("guarantor-g", "outsider-o")
        proposed = office.process(
            "deal", "propose", office.file("s.toml", changed), "--as", "platform-p"
        )
        assert proposed.exit_code == 0, proposed
        assert sights.of("outsider-o").deals == {label("second-2026")}


def test_who_seals_sees_everything(office: Office) -> None:
    with sights_of(office) as sights:
        assert sights.of("bank-a").whole
        assert sights.of("bank-a").deals == frozenset()


def test_who_is_no_member_sees_nothing(office: Office) -> None:
    with sights_of(office) as sights, pytest.raises(RpcRefused, match="not a member"):
        sights.of("nobody")


def test_a_damaged_book_is_made_anew(office: Office) -> None:
    path = office.home / BOOK_FILE
    office.balances()
    content = bytearray(path.read_bytes())
    content[4_096:] = b"\xff" * (len(content) - 4_096)
    path.write_bytes(content)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with sights_of(office) as sights:
        try:
            found = sights.of("guarantor-g")
        except LedgerUnusable:
            found = sights.of("guarantor-g")
        assert found.deals == {label(DEAL)}


def test_who_sees_everything_need_not_wait_for_the_book(office: Office) -> None:
    office.balances()
    held = sqlite3.connect(office.home / BOOK_FILE, isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    try:
        with sights_of(office) as sights:
            assert sights.of("bank-a").whole
            held.execute("ROLLBACK")
            assert sights.of("guarantor-g").deals == {label(DEAL)}
    finally:
        held.close()
