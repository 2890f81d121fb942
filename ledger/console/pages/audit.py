"""Audit: what a check of the ledger found, the invariants one by one, and what to look at."""

from __future__ import annotations

from ledger.checking import Checked
from ledger.console.page import Fact, Form, Page, Sheet, col, sheet
from ledger.console.view import View
from ledger.messages import text
from ledger.reporting.report import Unit


def audit(view: View, checked: Checked | None) -> Page:
    """The last check that was made while the console runs, and the form to make one."""
    from ledger.replay.invariants import invariants

    form = Form(key="check", action="/audit/check", says=text("console.check_says"))
    head = view.book.at[0]
    sheets: tuple[Sheet, ...] = ()
    if checked is None:
        lead = text("console.unchecked")
    else:
        key = "cli.check_ok" if checked.ok else "cli.check_failed"
        lead = text(
            key,
            block=checked.block,
            failures=len(checked.failures),
            count=sum(checked.checks.values()),
            kinds=len(checked.checks),
        )
        sheets = _sheets(view, checked, invariants())
    return Page(
        title=text("console.tab_audit"),
        tab="audit",
        lead=lead,
        facts=(
            Fact("head_block", head, Unit.COUNT),
            Fact("checked_block", checked.block if checked else None, Unit.COUNT),
        ),
        sheets=sheets,
        notes=(text("console.replay_says"),),
        forms=(form,),
        sure=checked is None or checked.ok,
    )


def _sheets(view: View, checked: Checked, invariants: dict[str, str]) -> tuple[Sheet, ...]:
    seen = {one.name for one in view.deals} | {""}
    failures = [one for one in checked.failures if one.deal in seen]
    failed = [one.check for one in failures]
    notices = [
        (one.kind.value, one.deal, one.detail) for one in checked.notices if one.deal in seen
    ]
    rows = [
        (letter, invariants.get(letter, ""), count, failed.count(letter))
        for letter, count in sorted(checked.checks.items())
    ]
    wrong = [(one.check, one.deal, one.ref, one.expected, one.found) for one in failures]
    columns = col("check"), col("says"), col("times", Unit.COUNT), col("failed", Unit.COUNT)
    made = [
        sheet("notices", (col("notice"), col("deal"), col("detail")), notices),
        sheet("checks", columns, rows),
    ]
    if wrong:
        heads = col("check"), col("deal"), col("ref"), col("expected_value"), col("found_value")
        made.insert(0, sheet("failures", heads, wrong))
    return tuple(made)
