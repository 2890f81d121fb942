"""Actions: a checker is told what the bytes do that it is to send, whatever was asked for."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger import actions, reading
from ledger.bindings import encode_call, label
from ledger.entries import entry_id, loan_id
from ledger.ledger import Ledger
from ledger.money import day_number
from tests.sdk.sdk_office import DEAL, LEAD, booking

DAY = day_number(date(2026, 9, 1))


def meaning(ledger: Ledger, contract: str, data: bytes) -> actions.Meaning:
    """Of what the lead's maker asks for, its checker not having answered yet."""
    target = ledger.settings.contracts[contract]
    ledger.send("Members", "request", "0x" + target.hex(), data, by=LEAD)
    return actions.meaning(ledger, reading.actions(ledger.book())[-1])


def said(ledger: Ledger, contract: str, function: str, *arguments: Any) -> tuple[str, ...]:
    found = meaning(ledger, contract, encode_call(contract, function, *arguments))
    assert (found.contract, found.function) == (contract, function)
    return found.says


def test_every_function_under_four_eyes_has_words(ledger: Ledger) -> None:
    deal, own, other = label(DEAL), b"\1" * 32, b"\2" * 32
    calls = {
        ("Deals", "sign"): (deal, 1, own),
        ("Deals", "suspend"): (deal,),
        ("Deals", "resume"): (deal,),
        ("Deals", "close"): (deal,),
        ("Exposures", "declare"): (1, 1, 0x434E59, DAY, 100),
        ("Exposures", "declare_group"): (1, 2, 3),
        ("Guarantees", "release"): (deal, own, DAY, 100),
        ("Guarantees", "reverse_payment"): (deal, own, other, DAY),
        ("Lists", "change"): (1, 2, 1, True, DAY, 65_535),
        ("Servicing", "write_off"): (deal, 1, [(own, other, 1, DAY)]),
        ("Settlements", "close"): (deal, 1, 2026 * 12, DAY),
    }
    firsts = {place: said(ledger, *place, *arguments)[0] for place, arguments in calls.items()}
    assert not [first for first in firsts.values() if first.startswith("calls ")]
    assert len(set(firsts.values())) == len(calls)


def test_refs_are_told_where_they_are_known(ledger: Ledger) -> None:
    ledger.submit([booking()], deal=DEAL, by="platform-p")
    salt = ledger.salt(DEAL)
    rows = [(entry_id(salt, "write-off/L-1/2026-09-01"), loan_id(salt, "L-1"), 1, DAY)]
    rows.append((b"\1" * 32, b"\2" * 32, 1, DAY))
    assert said(ledger, "Servicing", "write_off", label(DEAL), 1, rows) == (
        f"writes off 2 loan(s) of {DEAL}, 7800.00 CNY outstanding in all",
        "- L-1: 7800.00 CNY, on 2026-09-01",
        f"- 0x{'02' * 32}: 0.00 CNY, on 2026-09-01",
    )


@pytest.mark.parametrize(
    ("contract", "function", "arguments"),
    [
        ("Guarantees", "release", (label(DEAL), b"\1" * 32, 2**255, 1)),
        ("Exposures", "declare", (1, 1, 2**200, DAY, 1)),
        ("Exposures", "declare", (1, 1, 0x5A5A5A, DAY, 1)),
        ("Settlements", "close", (label(DEAL), 1, 2**255, DAY)),
        ("Lists", "change", (1, 2, 1, True, 2**64, 2**65)),
    ],
)
def test_impossible_arguments_are_told_plainly(
    ledger: Ledger, contract: str, function: str, arguments: tuple[Any, ...]
) -> None:
    (told,) = said(ledger, contract, function, *arguments)
    assert told.startswith(f"calls {contract}.{function}: ")


def test_unknown_deals_and_members_are_told_by_number(ledger: Ledger) -> None:
    (told,) = said(ledger, "Exposures", "declare_group", 40, 41, 42)
    assert told == "counts 41 to the group of 42 for 40"
    (told,) = said(ledger, "Guarantees", "release", label("no-deal"), b"\1" * 32, DAY, 700)
    assert told.startswith("pays 700 back from the deposit of no-deal on 2026-09-01")
    assert said(ledger, "Deals", "sign", label("no-deal"), 1, b"\1" * 32)[1].startswith(
        "the document of these terms is not in this folder"
    )


@pytest.mark.parametrize("data", [b"", b"\1", b"\1\2\3\4", b"\1\2\3\4" + bytes(64)])
def test_what_is_no_call_is_not_to_be_approved(ledger: Ledger, data: bytes) -> None:
    found = meaning(ledger, "Lists", data)
    assert found.function == ""
    assert found.says[0].endswith("do not approve it")


def test_a_cut_call_is_not_to_be_approved(ledger: Ledger) -> None:
    data = encode_call("Deals", "sign", label(DEAL), 1, b"\1" * 32)[:-32]
    assert meaning(ledger, "Deals", data).says[0].endswith("do not approve it")


def test_a_strangers_contract_is_not_to_be_approved(ledger: Ledger) -> None:
    data = encode_call("Deals", "suspend", label(DEAL))
    ledger.send("Members", "request", "0x" + "77" * 20, data, by=LEAD)
    found = actions.meaning(ledger, reading.actions(ledger.book())[-1])
    assert found == actions.Meaning(contract="", function="", says=found.says)
    assert "0x" + "77" * 20 in found.says[0]


def test_other_functions_are_told_with_their_arguments(ledger: Ledger) -> None:
    (told,) = said(ledger, "Lists", "keeps_list", 1)
    assert told.startswith("calls Lists.keeps_list: ")
