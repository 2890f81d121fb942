"""The tree of errors, their exit codes and what their messages say."""

from __future__ import annotations

import re

import pytest

from ledger import errors, messages
from ledger.errors import LedgerError, Problem, RejectedRow


def _tree(error: type[LedgerError]) -> set[type[LedgerError]]:
    return {error}.union(*map(_tree, error.__subclasses__()))


def test_tree_in_the_docstring_is_the_tree_of_the_code() -> None:
    drawn = dict(re.findall(r"-- (\w+) +(\d)", errors.__doc__ or ""))
    public = {
        e.__name__: e.exit_code for e in _tree(LedgerError) if e.__module__ == errors.__name__
    }
    public = {name: code for name, code in public.items() if not name.startswith("_")}
    del public["LedgerError"]
    assert {name: int(code) for name, code in drawn.items()} == public


def test_problem_says_what_where_expected_found_and_what_to_do() -> None:
    problem = Problem(
        what="amount of zero", file="day.csv", line=7, column="principal",
        expected="at least 0.01", found="'0'", fix="remove the row",
    )  # fmt: skip
    assert str(problem) == (
        "day.csv:7: principal: amount of zero; expected at least 0.01; found '0'; remove the row"
    )


def test_problem_without_a_file_still_says_the_line() -> None:
    assert Problem(what="x", line=7, column="c").where == "line 7: c"
    assert Problem(what="x", column="c").where == "c"
    assert str(Problem(what="x")) == "x"


def test_file_error_has_one_line_per_problem_and_exit_code_2() -> None:
    problems = [Problem(what=f"bad {n}", file="day.csv", line=n) for n in (2, 5)]
    error = errors.FileInvalid(problems)
    assert error.exit_code == 2
    assert error.problems == tuple(problems)
    assert str(error).splitlines() == [
        "day.csv: not submitted, 2 problem(s)",
        "day.csv:2: bad 2",
        "day.csv:5: bad 5",
    ]


def test_rejection_names_every_row_with_its_reason_and_exit_code_3() -> None:
    rows = [RejectedRow(3, "R-3", "LOAN_UNKNOWN", "no such loan"), RejectedRow(0, "R-9", "X_Y", "")]
    error = errors.EntryRejected("LOAN_UNKNOWN", rows, file="day.csv")
    assert (error.exit_code, error.reason, error.rows) == (3, "LOAN_UNKNOWN", tuple(rows))
    assert str(error).splitlines()[1:] == [
        "day.csv:3: R-3: LOAN_UNKNOWN: no such loan",
        "day.csv: R-9: X_Y: X_Y",
    ]


def test_reason_of_the_sdk_is_explained_as_those_of_the_contracts_are() -> None:
    for reason in ("REF_REUSED", "COST_OVER_LIMIT"):
        assert errors.explain(reason) not in ("", reason)
    assert errors.explain("NO_SUCH_REASON") == "NO_SUCH_REASON"


def test_rejection_without_rows_says_the_reason() -> None:
    assert str(errors.EntryRejected("NO_SUCH_REASON")) == "NO_SUCH_REASON"


def test_revert_keeps_its_reason_and_an_empty_one_is_said() -> None:
    assert errors.Reverted("NO_SUCH_REASON").reason == "NO_SUCH_REASON"
    assert str(errors.Reverted("NO_SUCH_REASON")) == "NO_SUCH_REASON"
    assert str(errors.Reverted("")) == messages.text("error.reverted")


def test_every_reason_has_an_explanation() -> None:
    assert [r for r, key in errors.REASONS.items() if not messages.has(key)] == []


@pytest.mark.parametrize("language", messages.LANGUAGES)
@pytest.mark.parametrize(
    ("error", "parts"),
    [
        (lambda: errors.LedgerLocked("/l", "process 7"), ["/l", "process 7"]),
        (lambda: errors.LedgerMissing("/l"), ["/l", "--ledger"]),
        (lambda: errors.DiskFull("/l"), ["/l"]),
        (lambda: errors.ChainCorrupt(7, "0xaa", "0xbb"), ["7", "0xaa", "0xbb"]),
        (lambda: errors.SenderRefused(bytes(20)), ["0x" + "00" * 20]),
        (lambda: errors.KeyUnavailable("bank-a", "/k", found="nothing"), ["bank-a", "/k"]),
        (lambda: errors.ChainUnusable("w", expected="chain 1", found="chain 2"), ["chain 2"]),
    ],
)
def test_error_names_what_it_is_about(language: str, error: type, parts: list[str]) -> None:
    messages.set_language(language)
    try:
        shown = str(error())
    finally:
        messages.set_language(None)
    assert all(part in shown for part in parts), shown
    assert "None" not in shown and "{" not in shown
