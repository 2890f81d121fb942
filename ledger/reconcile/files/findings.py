"""Findings: everything wrong with one file, collected while it is read and refused at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger.errors import Problem, StatementInvalid, TotalsDiffer, ValueInvalid
from ledger.messages import has, text
from ledger.money import format


@dataclass(slots=True)
class Findings:
    """What is wrong with one file: its rows, and its control totals."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    differences: list[Problem] = field(default_factory=list)
    """Control totals that are not what the lines come to."""

    def note(
        self,
        key: str,
        line: int = 0,
        *,
        column: str = "",
        expected: str = "",
        found: str = "",
        **fields: object,
    ) -> None:
        """Note a problem: message `key`, with `key_expected` and `key_fix` where there are such."""
        problem = Problem(
            what=text(key, **fields),
            file=self.file,
            line=line,
            column=column,
            expected=expected or _part(f"{key}_expected", fields),
            found=found,
            fix=_part(f"{key}_fix", fields),
        )
        self.problems.append(problem)

    def add(self, error: ValueInvalid, line: int, column: str) -> None:
        """Note a cell that is not what its column demands."""
        self.problems.append(error.problem(file=self.file, line=line, column=column))

    def compare(
        self,
        key: str,
        *,
        stated: int,
        found: int,
        decimals: int = 0,
        line: int = 0,
        column: str = "",
        **fields: object,
    ) -> None:
        """Note a control total that the lines do not come to; amounts with `decimals`."""
        if stated == found:
            return
        difference = format(found - stated, decimals)
        problem = Problem(
            what=text(key, **fields),
            file=self.file,
            line=line,
            column=column,
            expected=format(stated, decimals),
            found=format(found, decimals),
            fix=text("statement.total_fix", difference=difference),
        )
        self.differences.append(problem)

    def refuse(self) -> None:
        """Raise what was found: `StatementInvalid`, or `TotalsDiffer` if only totals differ."""
        if self.problems:
            problems = sorted(self.problems, key=lambda problem: problem.line)
            raise StatementInvalid(problems, file=self.file)
        if self.differences:
            raise TotalsDiffer(self.differences, file=self.file)


def _part(key: str, fields: dict[str, object]) -> str:
    return text(key, **fields) if has(key) else ""
