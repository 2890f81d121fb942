"""Calls: who may send which function of which contract, and what a transaction's data says."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import function_abi_to_4byte_selector, get_abi_input_types

from ledger.bindings import artifact


class Who(StrEnum):
    """Whose key a function takes, by the terms of its deal."""

    SERVICER = "servicer"
    LEAD = "lead"
    DEPOSITOR = "depositor"
    CUSTODIAN = "custodian"
    COLLECTOR = "collector"
    SIGNING = "signing party"
    OF_DEAL = "party of the deal"
    """By the terms in force."""
    OF_VOUCHER = "member that each row is for"
    """By the voucher or the piece: who that is, is checked with them."""
    OWNER = "owner of the pool"
    """Who that is, is checked with the pool."""
    PARTY = "party"
    NAMED = "member it names"
    """In its first argument."""
    ENROLLER = "bank, platform or core enterprise"
    MEMBER = "member"


class Rule(NamedTuple):
    """Who may send a function, and how many words a row of its batch has; 0 for none."""

    who: Who
    by_checker: bool = False
    confirms: bool = False
    """Under four eyes: what its maker requested."""
    row_words: int = 0
    takes_late: bool = False
    """Whether its batch may have rows of sealed days."""


def _four_eyes(who: Who, row_words: int = 0, *, takes_late: bool = False) -> Rule:
    return Rule(who, True, True, row_words, takes_late)


def _rows(who: Who, words: int, *, takes_late: bool = False) -> Rule:
    return Rule(who, row_words=words, takes_late=takes_late)


RULES: dict[tuple[str, str], Rule] = {
    ("Loans", "book"): _rows(Who.SERVICER, 4, takes_late=True),
    ("Loans", "repay"): _rows(Who.SERVICER, 4, takes_late=True),
    ("Loans", "reverse"): _rows(Who.SERVICER, 9),
    ("Servicing", "mark_overdue"): _rows(Who.SERVICER, 4),
    ("Servicing", "waive"): _rows(Who.LEAD, 5, takes_late=True),
    ("Servicing", "write_off"): _four_eyes(Who.LEAD, 4),
    ("Servicing", "reverse"): _rows(Who.LEAD, 9),
    ("Guarantees", "compensate"): _rows(Who.SERVICER, 4, takes_late=True),
    ("Guarantees", "recover"): _rows(Who.SERVICER, 6, takes_late=True),
    ("Guarantees", "reverse_compensation"): _rows(Who.SERVICER, 13),
    ("Guarantees", "reverse_recovery"): _rows(Who.SERVICER, 15),
    ("Guarantees", "pay"): Rule(Who.DEPOSITOR),
    ("Guarantees", "release"): _four_eyes(Who.CUSTODIAN),
    ("Guarantees", "reverse_payment"): _four_eyes(Who.CUSTODIAN),
    ("Vouchers", "issue"): _rows(Who.OF_VOUCHER, 4),
    ("Vouchers", "confirm"): _four_eyes(Who.OF_VOUCHER, 2, takes_late=True),
    ("Vouchers", "cancel"): _rows(Who.OF_VOUCHER, 2),
    ("Vouchers", "dispute"): _rows(Who.OF_VOUCHER, 2),
    ("Vouchers", "attest"): _rows(Who.OF_VOUCHER, 3),
    ("Vouchers", "split"): _rows(Who.OF_VOUCHER, 5),
    ("Vouchers", "transfer"): _rows(Who.OF_VOUCHER, 6, takes_late=True),
    ("Financing", "offer"): _rows(Who.OF_VOUCHER, 6),
    ("Financing", "withdraw"): _rows(Who.OF_VOUCHER, 3),
    ("Financing", "discount"): _rows(Who.SERVICER, 4, takes_late=True),
    ("Financing", "pledge"): _rows(Who.SERVICER, 4),
    ("Financing", "release"): _rows(Who.SERVICER, 3),
    ("Payments", "instruct"): _rows(Who.OF_VOUCHER, 4),
    ("Payments", "settle"): _rows(Who.COLLECTOR, 8, takes_late=True),
    ("Payments", "reverse_payment"): _rows(Who.COLLECTOR, 7),
    ("Financing", "offer_sale"): _rows(Who.OF_VOUCHER, 5),
    ("Financing", "accept_sale"): _rows(Who.OF_VOUCHER, 4),
    ("Financing", "confirm_sale"): _rows(Who.OF_VOUCHER, 4, takes_late=True),
    ("Payments", "recourse"): _rows(Who.COLLECTOR, 4, takes_late=True),
    ("Payments", "convert"): _rows(Who.SERVICER, 5, takes_late=True),
    ("Financing", "set_core_limit"): _four_eyes(Who.NAMED),
    ("Pools", "freeze"): _four_eyes(Who.NAMED),
    ("Pools", "substitute"): Rule(Who.OWNER),
    ("Deals", "propose"): Rule(Who.PARTY),
    ("Deals", "sign"): _four_eyes(Who.PARTY),
    ("Deals", "suspend"): _four_eyes(Who.SIGNING),
    ("Deals", "resume"): _four_eyes(Who.SIGNING),
    ("Deals", "close"): _four_eyes(Who.SIGNING),
    ("Journal", "seal_day"): _four_eyes(Who.SIGNING),
    ("Settlements", "close"): _four_eyes(Who.SIGNING),
    ("Settlements", "settle"): Rule(Who.SIGNING),
    ("Settlements", "paid"): Rule(Who.OF_DEAL),
    ("Settlements", "reverse_paid"): Rule(Who.OF_DEAL),
    ("Lists", "change"): _four_eyes(Who.NAMED),
    ("Exposures", "declare"): _four_eyes(Who.NAMED),
    ("Exposures", "declare_group"): _four_eyes(Who.NAMED),
    ("Members", "request"): Rule(Who.MEMBER),
    ("Members", "add_maker"): Rule(Who.MEMBER, True),
    ("Members", "revoke_maker"): Rule(Who.MEMBER, True),
    ("Members", "replace_maker"): Rule(Who.MEMBER, True),
    ("Members", "replace_checker"): Rule(Who.MEMBER, True),
    ("Members", "admit"): Rule(Who.MEMBER, True),
    ("Members", "enrol"): Rule(Who.ENROLLER),
    ("Members", "expel"): Rule(Who.MEMBER, True),
}
"""Every function by which a member's transaction changes the ledger. All others that do are the
contracts' own among each other."""


class Call(NamedTuple):
    """A call of a contract of the ledger."""

    contract: str
    function: str
    arguments: tuple[Any, ...]
    """As decoded; of a batch what comes before its rows, the deal and the version."""
    rows: list[tuple[int, ...]]
    """Words of each row of a batch."""
    late: bool = False
    """Whether a batch may have rows of sealed days."""

    @property
    def rule(self) -> Rule:
        """Who may send it."""
        return RULES[self.contract, self.function]


def read_call(contract: str, data: bytes) -> Call | None:
    """What the data of a transaction to a contract says; None for what is no call of `RULES`."""
    function = _selectors(contract).get(data[:4])
    if function is None:
        return None
    rule = RULES[contract, function]
    words = rule.row_words
    if not words:
        arguments = _decoded(contract, function, data)
        return None if arguments is None else Call(contract, function, arguments, [])
    width = 32 * words
    head = data[4:36], int.from_bytes(data[36:68], "big")
    if function.startswith("reverse"):
        return Call(contract, function, head, [_row(data[68 : 68 + width])])
    late = rule.takes_late and any(data[100:132])
    at = 132 if rule.takes_late else 100
    count, first = int.from_bytes(data[at : at + 32], "big"), at + 32
    usual = data[68:100] == (at - 4).to_bytes(32, "big")
    if usual and len(data) >= first + count * width:
        starts = range(first, first + count * width, width)
        rows = [_row(data[start : start + width]) for start in starts]
        return Call(contract, function, head, rows, late)
    # Other places for the rows are valid ABI too; only nobody encodes so.
    kinds = ",".join(["uint256"] * words)
    types = ["bytes32", "uint256", f"({kinds})[]", *(["bool"] if rule.takes_late else [])]
    try:
        _, _, found, *_ = abi_decode(types, data[4:])
    except (DecodingError, OverflowError):
        return None
    return Call(contract, function, head, list(found), late)


def _row(data: bytes) -> tuple[int, ...]:
    return tuple([int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)])


def _decoded(contract: str, function: str, data: bytes) -> tuple[Any, ...] | None:
    try:
        return abi_decode(get_abi_input_types(_functions(contract)[function]), data[4:])
    except (DecodingError, OverflowError):
        return None


@cache
def _functions(contract: str) -> dict[str, Any]:
    return {item["name"]: item for item in artifact(contract).abi if item["type"] == "function"}


@cache
def _selectors(contract: str) -> dict[bytes, str]:
    """Selector to each function of `RULES` that the contract has."""
    return {
        function_abi_to_4byte_selector(item): name
        for name, item in _functions(contract).items()
        if (contract, name) in RULES
    }
