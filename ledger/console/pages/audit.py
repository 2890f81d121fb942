"""Audit: what the last check and the last replay found, of which block, and what to look at.

A member that is no auditor sees what is about its own deals and about the chain itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ledger.console import addresses
from ledger.console.outcomes import LOOKS, KeptFailure, Outcome, Work, read
from ledger.console.page import Fact, Field, Form, Line, Page, Sheet, col, sheet
from ledger.console.pages.entries import address_of, moment_words
from ledger.console.view import AUDITOR, View
from ledger.errors import LedgerError
from ledger.messages import text
from ledger.reporting.report import Said, Unit, Value

if TYPE_CHECKING:
    from ledger.console.checks import Checks

SHOWN_CHARACTERS = 66
"""Of a value that is wrong: a hash whole. CSV and JSON have all of it."""
_UNREADABLE = (ValueError, AssertionError, LookupError, TypeError, ArithmeticError)
"""What a book that was edited makes the reading code raise."""
_QUICK = "revm"


def audit(view: View, checks: Checks) -> Page:
    """What was found last, whether it still holds, and the forms to look again."""
    found = {work: kept for work in LOOKS if (kept := checks.last(work)) is not None}
    failures = [(work, one) for work, kept in found.items() for one in kept.failures]
    mine = [(work, one) for work, one in failures if _may_see(view, one)]
    notes = [*checks.says]
    if len(mine) < len(failures):
        notes.append(text("console.failures_elsewhere", count=len(failures) - len(mine)))
    if mine:
        notes.append(text("console.failures_first"))
    if view.ledger.settings.rpc_url is not None:
        notes.append(f"{text('replay.no_chain')}: {text('replay.no_chain_fix')}")
    sheets = [_runs(view, found)]
    if mine:
        sheets.append(_failures(view, mine))
    if Work.CHECK in found:
        sheets.append(_notices(view, found[Work.CHECK]))
    if Work.REPLAY in found:
        sheets.append(_levels(found[Work.REPLAY]))
    forms, links = _forms(view, checks)
    made = checks.pack
    if made is not None and made.asked.deal in {deal.name for deal in view.deals}:
        name = text("console.pack_title", deal=made.asked.deal)
        links = (*links, (name, f"/audit/pack?deal={made.asked.deal}"))
    return Page(
        title=text("console.tab_audit"),
        tab="audit",
        lead=" ".join(_lead(view, found, checks)),
        facts=(Fact("head_block", view.book.at[0], Unit.COUNT, _block(view, view.book.at[0])),),
        sheets=(*sheets, _working_papers(view), _checks(found)),
        notes=tuple(notes),
        forms=forms,
        links=(*links, (text("console.link_proofs"), "/proof")),
        sure=not failures,
        document={"underway": _underway(checks)},
    )


def duties(view: View) -> Iterator[tuple[str, int | None]]:
    """What the member ought to look at here, in words, and how much of it there is.

    Whatever was found wrong is everybody's; that every block was replayed is the auditor's.
    """
    found = {work: kept for work in LOOKS if (kept := read(view.ledger.directory, work))}
    for work, kept in found.items():
        mine = sum(_may_see(view, one) for one in kept.failures)
        if mine and _holds(view, kept).value != "other":
            what = text(f"console.work_{work.value}")
            yield text("console.duty_wrong", what=what, block=f"{kept.block:,}"), mine
    if not view.member.roles & AUDITOR or view.ledger.settings.rpc_url is not None:
        return
    replayed = found.get(Work.REPLAY)
    if replayed is None:
        yield text("console.duty_replay"), None
    elif (holds := _holds(view, replayed)).value != "head":
        yield text("console.duty_replay_again", state=holds.said), None


def _lead(view: View, found: Mapping[Work, Outcome], checks: Checks) -> Iterator[str]:
    """A sentence on what is underway, and one on each thing that was done."""
    underway = checks.underway
    if underway is not None:
        what = text(f"console.work_{underway.work.value}")
        key = "console.work_goes_on" if underway.of else "console.work_begins"
        yield text(key, what=what, done=f"{underway.done:,}", of=f"{underway.of:,}")
    if not found:
        yield text("console.unchecked")
    for work, kept in found.items():
        what, block = text(f"console.work_{work.value}"), f"{kept.block:,}"
        key = "console.work_ok" if kept.ok else "console.work_failed"
        holds = text("console.work_holds", state=_holds(view, kept).said)
        yield text(key, what=what, block=block, failures=len(kept.failures)) + holds


def _underway(checks: Checks) -> dict[str, str | int] | None:
    underway = checks.underway
    if underway is None:
        return None
    return {"work": underway.work.value, "done": underway.done, "of": underway.of}


def _forms(view: View, checks: Checks) -> tuple[tuple[Form, ...], tuple[tuple[str, str], ...]]:
    """To begin something; while something is underway to look how far it is, or to end it."""
    if checks.underway is not None:
        stop = Form(key="stop", action="/audit/stop", says=text("console.stop_says"), reads=True)
        return (stop,), ((text("console.link_look_again"), "/audit"),)
    made = [Form(key="check", action="/audit/check", says=text("console.check_says"), reads=True)]
    if view.ledger.settings.rpc_url is None:
        from ledger.replay.engines import engines_of

        engines = engines_of(None)
        says = text("console.replay_says", engines=", ".join(engines))
        made.append(Form(key="replay", action="/audit/replay", says=says, reads=True))
        if _QUICK in engines:
            field = Field(name="engine", kind="hidden", value=_QUICK)
            says = text("console.replay_quick_says")
            made.append(
                Form(
                    key="replay_quick",
                    action="/audit/replay",
                    fields=(field,),
                    says=says,
                    reads=True,
                )
            )
    return tuple(made), ()


def _runs(view: View, found: Mapping[Work, Outcome]) -> Sheet:
    """What was done, and of which block."""
    lines = [
        Line(
            (
                Said(work.value, text(f"console.work_{work.value}")),
                Said(str(kept.ok), text("console.passed" if kept.ok else "console.not_passed")),
                _holds(view, kept),
                kept.block,
                kept.block_hash,
                moment_words(kept.ended_at),
                kept.ended_at - kept.began_at,
                ", ".join(kept.engines),
                kept.transactions or None,
                sum(kept.checks.values()),
                len(kept.failures),
            ),
            {"block": _block(view, kept.block)},
        )
        for work, kept in found.items()
    ]
    columns = (
        col("work"), col("verdict"), col("holds"), col("block", Unit.COUNT), col("hash"),
        col("at"), col("took_seconds", Unit.COUNT), col("engines"),
        col("transactions", Unit.COUNT), col("times", Unit.COUNT), col("failed", Unit.COUNT),
    )  # fmt: skip
    return sheet("runs", columns, lines)


def _holds(view: View, kept: Outcome) -> Said:
    """Whether what was found is of the block that is the newest now."""
    head = view.book.at[0]
    try:
        own = view.ledger.engine.head_at(kept.block)
    except LedgerError:
        own = None
    if own is None or "0x" + own.block_hash.hex() != kept.block_hash:
        return Said("other", text("console.holds_other"))
    if kept.block == head:
        return Said("head", text("console.holds_head"))
    return Said("stale", text("console.holds_stale", blocks=f"{head - kept.block:,}"))


# ---- what is wrong


def _may_see(view: View, one: KeptFailure) -> bool:
    """What is about no deal but names an entry may be about somebody else's."""
    if view.member.roles & AUDITOR:
        return True
    return one.deal in {deal.name for deal in view.deals} or not (one.deal or one.about)


def _failures(view: View, failures: list[tuple[Work, KeptFailure]]) -> Sheet:
    lines = [
        Line(
            (
                number,
                Said(work.value, text(f"console.work_{work.value}")),
                one.block,
                one.transaction,
                one.deal,
                one.ref,
                one.account,
                one.check,
                _short(one.expected),
                _short(one.found),
            ),
            _leads(view, one),
        )
        for number, (work, one) in enumerate(failures, 1)
    ]
    columns = (
        col("number", Unit.COUNT), col("work"), col("block", Unit.COUNT),
        col("transaction", Unit.COUNT), col("deal"), col("ref"), col("account"), col("check"),
        col("expected_value"), col("found_value"),
    )  # fmt: skip
    return sheet("failures", columns, lines)


def _short(value: str) -> Value:
    if len(value) <= SHOWN_CHARACTERS:
        return value
    return Said(value, value[: SHOWN_CHARACTERS - 1] + "…")


def _leads(view: View, one: KeptFailure) -> dict[str, str]:
    """Where a failure's block, deal, entry and account have their pages."""
    links = {"block": _block(view, one.block), "check": "#sheet-checks"}
    names = [deal for deal in view.deals if one.deal in ("", deal.name)]
    if one.deal and names:
        links["deal"] = addresses.deal(one.deal)
        if one.account:
            links["account"] = addresses.deal(one.deal, "balances")
    if one.about:
        own = bytes.fromhex(one.about)
        for deal in names:
            try:
                address = address_of(view, deal, own)
            except _UNREADABLE:
                # It may be just what was found wrong.
                continue
            if address:
                return {**links, "ref": address}
    return links


def _block(view: View, number: int) -> str:
    """The page of a block; none where the chain is elsewhere or has no such block."""
    elsewhere = view.ledger.settings.rpc_url is not None
    return "" if elsewhere or number > view.book.at[0] else addresses.block(number)


# ---- what was looked at


def _notices(view: View, kept: Outcome) -> Sheet:
    seen = {one.name for one in view.deals} | {""}
    lines = [
        Line(
            (one.kind, one.deal, one.detail),
            {"deal": addresses.deal(one.deal)} if one.deal else {},
        )
        for one in kept.notices
        if one.deal in seen
    ]
    return sheet("notices", (col("notice"), col("deal"), col("detail")), lines)


def _levels(kept: Outcome) -> Sheet:
    rows = [
        (
            one.level,
            text(f"cli.level_{one.level}"),
            one.checks,
            one.failures,
            text("cli.level_not_run", why=one.why_not) if one.why_not else text("cli.level_run"),
        )
        for one in kept.levels
    ]
    columns = (col("level"), col("says"), col("times", Unit.COUNT), col("failed", Unit.COUNT),
               col("was_run"))  # fmt: skip
    return sheet("levels", columns, rows)


def _checks(found: Mapping[Work, Outcome]) -> Sheet:
    """Every invariant and what else was looked at, how often, by each kind of work."""
    from ledger.replay.invariants import invariants, words

    made = {work: kept.checks for work, kept in found.items()}
    failed = Counter(one.check for kept in found.values() for one in kept.failures)
    counted = {*failed, *(name for counts in made.values() for name in counts)}
    rows = [
        (
            name,
            words(name),
            *(made.get(work, {}).get(name) for work in LOOKS),
            failed[name] if name in counted else None,
        )
        for name in sorted({*invariants(), *counted})
    ]
    columns = (col("check"), col("says"), col("times_checked", Unit.COUNT),
               col("times_replayed", Unit.COUNT), col("failed", Unit.COUNT))  # fmt: skip
    return sheet("checks", columns, rows)


def _working_papers(view: View) -> Sheet:
    """Of each deal the working paper, which has the exceptions by rule and date."""
    lines = [
        Line(
            (one.name, text("console.working_paper"), text("console.pack")),
            {
                "deal": addresses.deal(one.name),
                "report": f"/reports/audit?deal={one.name}",
                "pack": f"/audit/pack?deal={one.name}",
            },
        )
        for one in view.deals
        if one.version
    ]
    return sheet("working_papers", (col("deal"), col("report"), col("pack")), lines)
