"""Probing: which rows of a batch a contract refuses, found by trying parts of it."""

from __future__ import annotations

from collections.abc import Callable

from ledger.rows import Sendable


class Probing:
    """Finds every refused row of batches by trying parts of them on top of each other."""

    def __init__(
        self,
        attempt: Callable[[Sendable, list[tuple[int, ...]]], str | None],
        *,
        cumulative: bool = True,
    ) -> None:
        """`attempt(first, rows)` returns the reason of a refusal of what is sent as the first of
        them is, or None.

        `cumulative`: rows that went through stay in effect for later attempts. Where they do not
        (on a network), a later row of the same loan cannot be judged and is left out.
        """
        self._attempt = attempt
        self._cumulative = cumulative
        self._before: dict[bytes, int] = {}
        self._tried: set[bytes] = set()
        self.refused: list[tuple[Sendable, str]] = []
        """Refused rows with their reasons."""

    def run(self, rows: list[Sendable]) -> None:
        """Try rows in order."""
        rows = [row for row in rows if self._can_be_judged(row)]
        if rows:
            self._run(rows)

    def _can_be_judged(self, row: Sendable) -> bool:
        hangs_on = row.subjects + row.needs
        if row.fixed and any(subject in self._before for subject in hangs_on):
            return False
        return self._cumulative or self._tried.isdisjoint(hangs_on)

    def _run(self, rows: list[Sendable]) -> None:
        reason = self._try(rows)
        if reason is None:
            self._tried.update(subject for row in rows for subject in row.subjects)
            return
        if len(rows) == 1:
            (row,) = rows
            for subject in row.subjects:
                self._before[subject] = self._before.get(subject, 0) + 1
            self.refused.append((row, reason))
            return
        half, known = len(rows) // 2, len(self.refused)
        self.run(rows[:half])
        self.run(rows[half:])
        if not self._cumulative and len(self.refused) == known:
            self._refuse_first_too_many(rows, reason)

    def _refuse_first_too_many(self, rows: list[Sendable], reason: str) -> None:
        """No row is refused by itself, but all together are: name the one that is too many."""
        passing, refused = 0, len(rows)
        while refused - passing > 1:
            middle = (passing + refused) // 2
            found = self._try(rows[:middle])
            if found is None:
                passing = middle
            else:
                refused, reason = middle, found
        self.refused.append((rows[refused - 1], reason))

    def _try(self, rows: list[Sendable]) -> str | None:
        """Attempt rows as they are sent after those refused before them."""
        sent = [
            words
            for row in rows
            for words in row.contract_rows(self._before.get(row.subjects[0], 0))
        ]
        return self._attempt(rows[0], sent)
