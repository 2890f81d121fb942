"""The audit of a deal with vouchers: confirmations and limits are acts by two signatures."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ledger.auditing.pinned import pinned
from ledger.auditing.signers import Act, acts
from ledger.ledger import Ledger
from ledger.money import day_number
from tests.replay import supplied


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Act]:
    folder: Path = supplied.make(tmp_path_factory.mktemp("supplied") / "ledger")
    with Ledger.open(folder) as ledger, pinned(ledger) as there:
        own = ledger.deal(supplied.CHAIN)
        return acts(there, own, day_number(date(2026, 12, 31)))


def test_a_confirmation_names_its_vouchers_and_its_day(found: list[Act]) -> None:
    (confirmed,) = [one for one in found if one.function == "confirm"]
    assert (confirmed.member, confirmed.date) == (supplied.CORE, day_number(supplied.START))
    assert len(confirmed.about.split(", ")) == 6 and confirmed.loans == ()
    assert confirmed.checker is not None


def test_a_limit_for_a_core_enterprise_is_an_act_of_its_bank(found: list[Act]) -> None:
    limits = [one for one in found if one.function == "set_core_limit"]
    assert {(one.member, one.about) for one in limits} == {
        (supplied.LEAD, "core-x 40000000"), (supplied.PARTNER, "core-x 40000000"),
    }  # fmt: skip
