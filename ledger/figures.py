"""Figures: what members declare of themselves, and how much of the limits on it is used.

Limits that reach across deals are parts of a declared figure; one that was never declared does not
bind. What is used is the contract's count, as of each deal's last batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ledger import reading
from ledger.bindings import decode_output, encode_call
from ledger.errors import UsageInvalid
from ledger.events import DealTerms, LimitTerms
from ledger.limits import limit_name
from ledger.money import PPM, date_of, day_number, parse
from ledger.rules import binding
from ledger.salts import limits_borrowers

if TYPE_CHECKING:
    from ledger.ledger import Ledger


class FigureKind(StrEnum):
    """What a member declares of itself."""

    TIER_1_CAPITAL = "tier-1-capital"
    """一级资本净额."""
    ALL_LOANS = "all-loans"
    """全部贷款余额."""
    NET_ASSETS = "net-assets"
    """净资产."""

    @property
    def number(self) -> int:
        """As the contract has it."""
        return 1 + list(FigureKind).index(self)

    @classmethod
    def of(cls, number: int) -> FigureKind:
        """The inverse of `number`."""
        return list(cls)[number - 1]


_MOST_DIGITS = 25
_LIMITED = {
    "max_concentration_ppm": FigureKind.TIER_1_CAPITAL,
    "max_joint_share_ppm": FigureKind.ALL_LOANS,
    "max_guarantee_multiple_ppm": FigureKind.NET_ASSETS,
    "max_guaranteed_borrower_ppm": FigureKind.NET_ASSETS,
}
"""Field of the limits to the figure that it is a part or a multiple of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure as a member declared it."""

    figure: FigureKind
    currency: str
    from_date: date
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What became of a declaration."""

    action: bytes
    """Id of the action under four eyes; empty when it was declared just so already."""
    waits: bool
    """Whether the checker has still to approve it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One limit across deals, on a day, and what is used of it now."""

    limit: str
    """As deal.toml calls it."""
    figure: FigureKind
    currency: str
    group: str
    """Of partners, by the member that names it; empty where the limit is not on a group."""
    deals: tuple[str, ...]
    """The deals whose terms limit it; the strictest of them is here."""
    ratio_ppm: int
    figure_minor: int | None
    """None: not declared for the day, so that the limit does not bind."""
    used_minor: int
    rule: str
    """Where the limit comes from; empty where the terms' document is not here."""

    @property
    def limit_minor(self) -> int | None:
        """The most that may be used; None while the limit does not bind."""
        return None if self.figure_minor is None else self.figure_minor * self.ratio_ppm // PPM


def declare(
    ledger: Ledger,
    *,
    by: str,
    figure: FigureKind,
    amount_minor: int,
    currency: str,
    from_date: date,
    dry_run: bool = False,
) -> Declared:
    """Declare a figure of a member from a day on, under its four eyes.

    Raises `Reverted` (`FIGURE_TOO_LARGE`, ...).
    """
    member = ledger.member(by)
    code = int.from_bytes(currency.encode("ascii"), "big")
    wanted = (figure.number, code, day_number(from_date), amount_minor)
    known = [
        (found.figure, found.currency, found.from_date, found.amount_minor)
        for found in reading.declared(ledger.book(), member.number)
        if (found.figure, found.currency) == wanted[:2]
    ]
    if known and known[-1] == wanted:
        return Declared(action=b"", waits=False)
    action = ledger.request("Exposures", "declare", member.number, *wanted, by=by, dry_run=dry_run)
    return Declared(action=action, waits=not ledger.settings.dev)


def declare_group(
    ledger: Ledger, *, bank: str, party: str, group: str, dry_run: bool = False
) -> Declared:
    """Count a party to the group of partners that a member names, under the bank's four eyes.

    Raises `UsageInvalid` for members that there are none of, `Reverted` (`GROUP_IN_USE`, ...).
    """
    owner, other, named = (ledger.member(member).number for member in (bank, party, group))
    if reading.partner_groups(ledger.book(), owner).get(other, other) == named:
        return Declared(action=b"", waits=False)
    action = ledger.request(
        "Exposures", "declare_group", owner, other, named, by=bank, dry_run=dry_run
    )
    return Declared(action=action, waits=not ledger.settings.dev)


def exposures(ledger: Ledger, member: str, day: date) -> list[Exposure]:
    """Every limit across deals that binds loans of a member's deals on a day.

    Of limits of several deals on the same the strictest. Raises `UsageInvalid`.
    """
    found: dict[tuple[str, int, int], tuple[int, str, list[str]]] = {}
    number, book = ledger.member(member).number, ledger.book()
    for deal in reading.deals(book):
        version = reading.version_ruling(book, deal.deal, day_number(day))
        if version is None or deal.closed:
            continue
        terms = version.terms
        for field, group, ratio_ppm in _limits(terms, number, day, _groups(ledger, number)):
            place = field, terms.currency, group
            strictest, rule, deals = found.get(place, (ratio_ppm + 1, "", []))
            if ratio_ppm < strictest:
                strictest, rule = ratio_ppm, _rule(ledger, deal.name, version.version, field, day)
            found[place] = strictest, rule, [*deals, deal.name]
    names = {party.number: party.member_id for party in reading.members(book)}
    declared = {
        (one.figure, one.currency): one.amount_minor
        for one in reading.figures(book, number, day_number(day))
    }
    return [
        Exposure(
            limit=limit_name(field),
            figure=_LIMITED[field],
            currency=currency_text(currency),
            group=names.get(group, str(group)) if group else "",
            deals=tuple(deals),
            ratio_ppm=ratio_ppm,
            figure_minor=declared.get((_LIMITED[field].number, currency)),
            used_minor=_used(ledger, field, number, currency, group),
            rule=rule,
        )
        for (field, currency, group), (ratio_ppm, rule, deals) in sorted(found.items())
    ]


def currency_text(code: int) -> str:
    """The three letters of a currency as the contracts have it."""
    return code.to_bytes(3, "big").decode("ascii", errors="replace")


def limits_on(terms: DealTerms, day: date) -> LimitTerms:
    """The dated limits that hold for loans of a day, or the first ones for days before."""
    held = [limits for limits in terms.limits if limits.from_date <= day_number(day)]
    return held[-1] if held else terms.limits[0]


def _groups(ledger: Ledger, bank: int) -> dict[int, int]:
    return reading.partner_groups(ledger.book(), bank)


def _limits(
    terms: DealTerms, member: int, day: date, groups: dict[int, int]
) -> Iterator[tuple[str, int, int]]:
    """Field, group of partners or 0, and ratio of the limits on a member in a deal."""
    limits = limits_on(terms, day)
    payers = {terms.parties[layer.payer] for layer in terms.layers if not layer.from_deposit}
    if member in terms.parties[: len(terms.shares_ppm)]:
        if limits.max_concentration_ppm:
            others = [party for party in terms.parties if party != member]
            for group in sorted({groups.get(party, party) for party in others}):
                yield "max_concentration_ppm", group, limits.max_concentration_ppm
        if limits.max_joint_share_ppm:
            yield "max_joint_share_ppm", 0, limits.max_joint_share_ppm
    if member in payers:
        for field in ("max_guarantee_multiple_ppm", "max_guaranteed_borrower_ppm"):
            if getattr(limits, field):
                yield field, 0, getattr(limits, field)


def _rule(ledger: Ledger, deal: str, version: int, field: str, day: date) -> str:
    try:
        terms = ledger.terms(deal, version)
    except UsageInvalid:
        return ""
    rules = [rule for rule in terms.pack_rules if rule.holds_on(day)]
    found = binding(terms.limits, rules, field)
    return found.source if found else ""


def _used(ledger: Ledger, field: str, member: int, currency: int, group: int) -> int:
    if field == "max_concentration_ppm":
        return _count(ledger, "concentration", member, group, currency)
    if field == "max_joint_share_ppm":
        return _count(ledger, "joint", member, currency)
    if field == "max_guarantee_multiple_ppm":
        return _count(ledger, "liability", member, currency)
    return _largest_borrower(ledger, member, currency)


def _count(ledger: Ledger, getter: str, *place: Any) -> int:
    exposures = ledger.settings.contracts["Exposures"]
    output = ledger.engine.call(to=exposures, data=encode_call("Exposures", getter, *place))
    return int(decode_output("Exposures", getter, output))


def _largest_borrower(ledger: Ledger, payer: int, currency: int) -> int:
    """The most that one borrower owes in the deals of a lead for which a payer stands in."""
    book = ledger.book()
    leads: dict[int, list[int]] = {}
    paid: set[int] = set()
    for deal in reading.deals(book):
        version = reading.versions(book, deal.deal)[-1] if deal.version else None
        if version is None or version.terms.currency != currency:
            continue
        terms = version.terms
        if limits_borrowers(terms):
            leads.setdefault(terms.parties[0], []).append(deal.deal)
        if payer in {terms.parties[layer.payer] for layer in terms.layers}:
            paid.add(terms.parties[0])
    return max((_most_owed(ledger, leads.get(lead, [])) for lead in paid), default=0)


def _most_owed(ledger: Ledger, deals: list[int]) -> int:
    query = (
        "SELECT max(owed) FROM (SELECT sum(outstanding_minor + lost_minor) AS owed FROM loans"
        f" WHERE deal IN ({', '.join('?' * len(deals))}) GROUP BY borrower_id)"
    )
    (most,) = ledger.book().connection.execute(query, deals).fetchone()
    return int(most or 0)


def parse_figure(value: str, decimals: int) -> int:
    """Minor units of a figure in major units. Raises `ValueInvalid`; larger ones are refused."""
    whole, _, fraction = value.partition(".")
    if len(whole) <= _MOST_DIGITS and whole.isascii() and whole.isdigit():
        # A bank's loans may be more than one loan can be: the last digits are checked alone.
        below = parse(f"0.{fraction}" if fraction else "0", decimals)
        return int(whole + "0" * decimals) + below
    return parse(value, decimals)


def declarations(ledger: Ledger, member: str) -> list[Figure]:
    """Every figure that a member declared, oldest first. Raises `UsageInvalid`."""
    number = ledger.member(member).number
    return [_figure(one) for one in reading.declared(ledger.book(), number)]


def declared_on(ledger: Ledger, member: str, day: date) -> list[Figure]:
    """A member's figures as of a day, by kind and currency. Raises `UsageInvalid`."""
    number = ledger.member(member).number
    return [_figure(one) for one in reading.figures(ledger.book(), number, day_number(day))]


def groups(ledger: Ledger, bank: str) -> dict[str, str]:
    """Party to the member that names its group, of the parties a bank counts to one."""
    book = ledger.book()
    names = {member.number: member.member_id for member in reading.members(book)}
    counted = reading.partner_groups(book, ledger.member(bank).number)
    return {names[party]: names.get(group, str(group)) for party, group in counted.items()}


def _figure(one: reading.Figure) -> Figure:
    return Figure(
        figure=FigureKind.of(one.figure),
        currency=currency_text(one.currency),
        from_date=date_of(one.from_date),
        amount_minor=one.amount_minor,
    )
