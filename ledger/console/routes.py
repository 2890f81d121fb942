"""Routes: which page is at which address, and which act is posted to which."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ledger.console import acts
from ledger.console.acts import Act
from ledger.console.addresses import identifier
from ledger.console.drafts import Posting
from ledger.console.page import Page
from ledger.console.pages import (
    approvals,
    breaks,
    chain,
    charts,
    claims,
    days,
    deals,
    entries,
    loans,
    position,
    postings,
    reports,
    settlements,
    statements,
    terms,
    today,
    vouchers,
)
from ledger.console.posting import agreements, deposits, periods, reversals
from ledger.console.posting import claims as posted_claims
from ledger.console.posting import loans as posted_loans
from ledger.console.posting import settlements as posted_settlements
from ledger.console.posting import vouchers as posted_vouchers
from ledger.console.view import NotShown, View
from ledger.keys import KeyUse
from ledger.money import day_number, parse_date
from ledger.periods import parse_month

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingRoute:
    """An address that asks for a draft of an act."""

    path: str
    posting: Posting
    up: int = 1
    """Parts of the address after that of the page whose form it is."""


def _posted(path: str, posting: Posting, up: int = 1) -> PostingRoute:
    return PostingRoute(path=path, posting=posting, up=up)


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
    _of("/deals/{deal}/claims", claims.claims),
    _of("/deals/{deal}/loans", loans.loans),
    _of("/deals/{deal}/loans/{own}", loans.loan),
    _of("/deals/{deal}/accounts/{account}", postings.account),
    _of("/deals/{deal}/entries", postings.entries),
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
    ActRoute(path="/breaks/{own}/assign", act=acts.of_break("assign")),
    ActRoute(path="/breaks/{own}/resolve", act=acts.of_break("resolve")),
    ActRoute(path="/breaks/{own}/waive", act=acts.of_break("waive")),
)

POSTINGS = (
    _posted("/deals/{deal}/deposit/pay", deposits.PAY),
    _posted("/deals/{deal}/deposit/release", deposits.RELEASE),
    _posted("/deals/{deal}/deposit/reverse", reversals.DEPOSIT),
    _posted("/deals/{deal}/state/suspend", agreements.SUSPEND, 2),
    _posted("/deals/{deal}/state/resume", agreements.RESUME, 2),
    _posted("/deals/{deal}/state/close", agreements.CLOSE, 2),
    _posted("/deals/{deal}/loans/{own}/waiver", posted_loans.WAIVER),
    _posted("/deals/{deal}/loans/{own}/write-off", posted_loans.WRITE_OFF),
    _posted("/deals/{deal}/vouchers/{own}/confirm", posted_vouchers.CONFIRM),
    _posted("/deals/{deal}/claims/run", posted_claims.RUN),
    _posted("/deals/{deal}/statements/{month}/close", periods.CLOSE),
    _posted("/deals/{deal}/entries/{own}/reverse", reversals.ENTRY),
    _posted("/deals/{deal}/bookings/{own}/reverse", reversals.BOOKING),
    _posted("/deals/{deal}/settlements/settle", posted_settlements.SETTLE),
    _posted("/deals/{deal}/settlements/reverse", reversals.SETTLEMENT),
    _posted("/deals/{deal}/settlements/{settlement}/{payment}/paid", posted_settlements.PAID, 2),
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
