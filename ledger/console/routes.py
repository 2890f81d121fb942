"""Routes: which page is at which address, and which act is posted to which."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ledger.console import acts
from ledger.console.acts import Act
from ledger.console.page import Page
from ledger.console.pages import (
    approvals,
    breaks,
    chain,
    charts,
    days,
    deals,
    entries,
    loans,
    position,
    reports,
    settlements,
    statements,
    terms,
    today,
    vouchers,
)
from ledger.console.view import NotShown, View
from ledger.keys import KeyUse
from ledger.money import day_number, parse_date
from ledger.periods import parse_month

_ID = re.compile(r"(?:0x)?([0-9a-f]{64})")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_NUMBER_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An address of a page."""

    path: str
    """In braces what stands for something: its name says what it is read as."""
    page: Callable[..., Page]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRoute:
    """An address that an act is posted to."""

    path: str
    act: Act
    needs: tuple[KeyUse, ...] = ()
    """Keys that it signs with."""


def _of(path: str, page: Callable[..., Page]) -> Route:
    return Route(path=path, page=page)


PAGES = (
    _of("/today", today.today),
    _of("/position", position.position),
    _of("/approvals", approvals.approvals),
    _of("/approvals/{own}", approvals.approval),
    _of("/deals", deals.deals),
    _of("/deals/{deal}", deals.deal),
    _of("/deals/{deal}/terms/{number}", terms.version),
    _of("/deals/{deal}/balances", deals.balances),
    _of("/deals/{deal}/deposit", deals.deposit),
    _of("/deals/{deal}/loans", loans.loans),
    _of("/deals/{deal}/loans/{own}", loans.loan),
    _of("/deals/{deal}/entries/{own}", entries.entry),
    _of("/deals/{deal}/bookings/{own}", entries.booking),
    _of("/deals/{deal}/days", days.days),
    _of("/deals/{deal}/days/{day}", days.day),
    _of("/deals/{deal}/settlements", settlements.settlements),
    _of("/deals/{deal}/settlements/{number}", settlements.settlement),
    _of("/deals/{deal}/statements", statements.months),
    _of("/deals/{deal}/statements/{month}", statements.month),
    _of("/deals/{deal}/vouchers", vouchers.vouchers),
    _of("/deals/{deal}/vouchers/{own}", vouchers.voucher),
    _of("/loans", loans.search),
    _of("/breaks", breaks.breaks),
    _of("/breaks/{own}", breaks.one_break),
    _of("/reports", reports.reports),
    _of("/charts", charts.charts),
    _of("/charts/{name}", charts.chart),
    _of("/chain", chain.chain),
    _of("/chain/blocks/{number}", chain.block),
)
_MAKER = (KeyUse.MAKER,)
ACTS = (
    ActRoute(path="/approvals/{action}/approve", act=acts.approve, needs=(KeyUse.CHECKER,)),
    ActRoute(path="/deals/{deal}/terms/{version}/sign", act=acts.sign, needs=_MAKER),
    ActRoute(path="/deals/{deal}/days/{on}/seal", act=acts.seal, needs=_MAKER),
    ActRoute(path="/deals/{deal}/settlements/settle", act=acts.settle, needs=_MAKER),
    ActRoute(
        path="/deals/{deal}/settlements/{settlement}/{payment}/paid", act=acts.paid, needs=_MAKER
    ),
    ActRoute(path="/breaks/{own}/assign", act=acts.of_break("assign")),
    ActRoute(path="/breaks/{own}/resolve", act=acts.of_break("resolve")),
    ActRoute(path="/breaks/{own}/waive", act=acts.of_break("waive")),
)


def made(route: Route, view: View, matched: dict[str, str]) -> Page:
    """The page of an address. Raises `NotShown`, or errors of the ledger."""
    return route.page(view, *(_read(name, value) for name, value in matched.items()))


def _read(name: str, value: str) -> str | int | bytes:
    """A part of an address as what its name says it is. Raises `NotShown`."""
    if name == "own":
        return identifier(value)
    if name == "number":
        if not (value.isascii() and value.isdecimal() and len(value) <= _NUMBER_DIGITS):
            raise NotShown(value)
        return int(value)
    if name == "day":
        return day_number(parse_date(value))
    if name == "month":
        return parse_month(value)
    if not _NAME.fullmatch(value):
        raise NotShown(value)
    return value


def identifier(value: str) -> bytes:
    """32 bytes of their hex. Raises `NotShown`."""
    match = _ID.fullmatch(value)
    if match is None:
        raise NotShown(value)
    return bytes.fromhex(match[1])
