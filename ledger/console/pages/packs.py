"""Packs: the form to make a deal's audit pack, and the one that was made last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ledger import reading
from ledger.console import addresses
from ledger.console.packing import LARGEST, RANDOM, SEED, KeptPack, PackAsked
from ledger.console.page import Fact, Field, Form, Line, Page, Sheet, col, sheet
from ledger.console.pages.entries import moment_words
from ledger.console.view import NotShown, View, iso
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import day_number, parse_date
from ledger.reporting.report import Unit

if TYPE_CHECKING:
    from ledger.console.checks import Checks

ADDRESS, FILE = "/audit/pack", "/audit/pack.zip"
_DRAWN_MAX = 10_000
_DIGITS = 80


def pack(view: View, checks: Checks) -> Page:
    """The form for a deal's pack, and the last that was made if it was the deal's."""
    deal = view.in_force(view.query.get("deal", ""))
    known = checks.pack
    made = known if known is not None and known.asked.deal == deal.name else None
    first = reading.first_day(view.book, deal.deal) or view.today
    form = Form(
        key="pack",
        action=ADDRESS,
        fields=(
            Field(name="deal", kind="hidden", value=deal.name),
            Field(name="from", kind="date", value=iso(min(first, view.today))),
            Field(name="until", kind="date", value=iso(view.today)),
            Field(name="seed", value=str(SEED)),
            Field(name="random", value=str(RANDOM)),
            Field(name="largest", value=str(LARGEST)),
        ),
        says=text("console.pack_says"),
        reads=True,
    )
    return Page(
        title=text("console.pack_title", deal=deal.name),
        tab="audit",
        lead="" if made else text("console.pack_none"),
        facts=_facts(made) if made else (),
        sheets=(_exceptions(made),) if made else (),
        forms=() if checks.underway else (form,),
        notes=tuple(_notes(checks, made)),
        crumbs=((text("console.tab_audit"), "/audit"), (deal.name, addresses.deal(deal.name))),
        links=((text("console.link_pack"), FILE),) if made else (),
    )


def _notes(checks: Checks, made: KeptPack | None) -> Iterator[str]:
    yield from checks.says
    if checks.underway:
        yield text("console.work_busy")
    if made is not None and made.exceptions > len(made.listed):
        left = made.exceptions - len(made.listed)
        yield text("console.exceptions_left", count=f"{left:,}")


def _exceptions(made: KeptPack) -> Sheet:
    """What is to be looked at, by rule and date."""
    deal, lines = made.asked.deal, []
    for one in made.listed:
        links = {"block": addresses.block(one.block)} if one.block else {}
        if one.loan_id:
            links["ref"] = addresses.loan(deal, bytes.fromhex(one.loan_id))
        values = one.rule, one.date, one.ref, one.detail, one.by, one.block or None
        lines.append(Line(values, links))
    columns = (
        col("rule", heading=text("report.column_rule")), col("date", Unit.DAY), col("ref"),
        col("detail"), col("by"), col("block", Unit.COUNT),
    )  # fmt: skip
    return sheet("exceptions", columns, lines)


def _facts(made: KeptPack) -> tuple[Fact, ...]:
    asked = made.asked
    return (
        Fact("pack_days", text("report.window_days", first=iso(asked.first), last=iso(asked.last))),
        Fact("block", made.block, Unit.COUNT, addresses.block(made.block)),
        Fact("pack_made_at", moment_words(made.made_at)),
        Fact("pack_loans", made.loans, Unit.COUNT),
        Fact("pack_sampled", made.sampled, Unit.COUNT),
        Fact("pack_exceptions", made.exceptions, Unit.COUNT),
        Fact("pack_proofs", made.proofs, Unit.COUNT),
        Fact("pack_sha256", made.manifest_sha256),
    )


def asked(view: View, given: Mapping[str, str]) -> PackAsked:
    """The pack that a form asks for. Raises `NotShown` or `UsageInvalid`."""
    from ledger.auditing.sampling import MAX_SEED

    deal = view.in_force(given.get("deal", ""))
    first, last = (day_number(parse_date(given.get(key, ""))) for key in ("from", "until"))
    if last < first:
        raise UsageInvalid(
            text("audit.days_reversed"), expected=f">= {iso(first)}", found=iso(last)
        )
    return PackAsked(
        deal=deal.name,
        first=first,
        last=last,
        seed=_whole(given, "seed", MAX_SEED),
        random=_whole(given, "random", _DRAWN_MAX),
        largest=_whole(given, "largest", _DRAWN_MAX),
    )


def _whole(given: Mapping[str, str], name: str, most: int) -> int:
    said = given.get(name, "").strip()
    if not (said.isascii() and said.isdigit() and len(said) < _DIGITS and int(said) <= most):
        raise UsageInvalid(
            text("console.not_whole", field=text(f"console.field_{name}")),
            expected=f"0 - {most}",
            found=said,
        )
    return int(said)


def file(view: View, checks: Checks) -> tuple[str, bytes]:
    """Name and content of the pack that was made last. Raises `NotShown`."""
    made = checks.pack
    if made is None:
        raise NotShown(FILE)
    view.deal(made.asked.deal)
    return made.name, checks.packed(made)
