"""Checking: the health of a ledger in use, in place and without executing anything again.

The same checks as a replay's of the book and of the contracts at the head, the invariants by their
letters; lists and limits that no longer hold; and notices, which are no failures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ledger import reading
from ledger.bindings import decode_event
from ledger.book import Book
from ledger.breaches import Breaches
from ledger.entries import Kind
from ledger.events import Place
from ledger.notices import Notice, notices
from ledger.replay.followed import Followed
from ledger.replay.report import Failure, Findings, TooManyFailures
from ledger.replay.state import HeadState, StateUnreadable

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_ATTEMPTS = 3
_UNREADABLE = (ValueError, AssertionError, LookupError, TypeError, ArithmeticError)
"""What a book that was edited makes the reading code raise."""
_BY_LEAD = (Kind.WAIVER.value, Kind.WRITE_OFF.value)

Progress = Callable[[int, int], None]
"""(loans done, loans in all)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong."""

    check: str
    """The letter of an invariant, or a name."""
    deal: str
    ref: str
    """The loan or entry it is about, as its submitter calls it; empty for none."""
    expected: str
    found: str
    block: int
    """Where it is; for what concerns the present state as a whole, the head."""
    about: bytes
    """Id of the loan or entry; empty for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a check came to."""

    block: int
    """The head that was checked."""
    checks: Mapping[str, int]
    """Name of a check to how many times it was made."""
    failures: tuple[Finding, ...]
    notices: tuple[Notice, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; notices don't count."""
        return not self.failures

    def document(self) -> dict[str, Any]:
        """As `pledger check --json` prints it."""
        return {
            "ok": self.ok,
            "checks": dict(self.checks),
            "failures": [
                {
                    "check": one.check,
                    "deal": one.deal,
                    "ref": one.ref,
                    "expected": one.expected,
                    "found": one.found,
                }
                for one in self.failures
            ],
            "notices": [
                {"kind": one.kind.value, "deal": one.deal, "detail": one.detail}
                for one in self.notices
            ],
        }


def check(ledger: Ledger, today: int, *, progress: Progress = lambda done, of: None) -> Checked:
    """Check a ledger as of a day (days since 1970-01-01).

    Others may go on posting meanwhile: what is found wrong while the chain went on is looked at
    again.
    """
    for _ in range(_ATTEMPTS):
        found = _check(ledger, today, progress)
        if found.ok or ledger.engine.head().number == found.block:
            break
    return replace(found, notices=tuple(notices(ledger, today)))


def _check(ledger: Ledger, today: int, progress: Progress) -> Checked:
    findings = Findings()
    book = ledger.book()
    head = book.at[0]
    members: dict[int, str] = {}
    # One snapshot of the book, whoever folds meanwhile.
    book.connection.execute("BEGIN")
    try:
        members |= {one.number: one.member_id for one in reading.members(book)}
        state = HeadState(
            book,
            lambda to, data: ledger.engine.call(to=to, data=data),
            ledger.settings.contracts,
            findings,
            head,
            _followed(ledger, head, findings),
            today,
            progress,
        )
        state.check()
        _check_roles(book, findings)
        Breaches(book, findings, state.totals, today).check()
    except (StateUnreadable, *_UNREADABLE) as error:
        findings.fail("state", head, "a book and contracts that can be read", repr(error))
    except TooManyFailures:
        pass
    finally:
        book.connection.execute("ROLLBACK")
    failures = tuple(
        Finding(
            check=one.check,
            deal=one.deal,
            ref=ledger.ref(one.about) if one.about else "",
            expected=_expected(one, members),
            found=one.found,
            block=one.block,
            about=one.about,
        )
        for one in findings.failures
    )
    checks = dict(sorted(findings.counts.items()))
    return Checked(block=head, checks=checks, failures=failures, notices=())


def _expected(one: Failure, members: Mapping[int, str]) -> str:
    if one.account is None:
        return one.expected
    return f"{one.account._replace(party=members.get(one.account.number, ''))} {one.expected}"


def _followed(ledger: Ledger, head: int, findings: Findings) -> Followed:
    """Every event of the ledger's contracts, in chain order."""
    followed = Followed(findings)
    ours = set(ledger.settings.contracts.values())
    for log in ledger.engine.logs(1, head):
        event = decode_event(log) if log.address in ours else None
        if event is not None:
            place = Place(log.block_number, log.transaction_index, log.log_index)
            followed.follow(event, place)
    return followed


def _check_roles(book: Book, findings: Findings) -> None:
    """Every entry came from the member that the terms of its loan name."""
    terms = {
        (deal.deal, version.version): (deal.name, version.terms)
        for deal in reading.deals(book)
        for version in reading.versions(book, deal.deal)
    }
    rows = book.connection.execute(
        "SELECT deal, version, kind, submitter, count(*), min(entry), max(entries.block)"
        " FROM entries JOIN loans USING (deal, loan) GROUP BY deal, version, kind, submitter"
    ).fetchall()
    for deal, version, kind, submitter, count, first, block in rows:
        name, agreed = terms[deal, version]
        servicer, lead = agreed.parties[agreed.servicer], agreed.parties[0]
        allowed = {lead} if kind in _BY_LEAD else {servicer}
        if kind == Kind.REVERSAL.value:
            # Whoever may post an entry may reverse it.
            allowed = {servicer, lead}
        findings.counts["roles"] += count - 1
        (entry_id,) = book.connection.execute(
            "SELECT entry_id FROM entries WHERE entry = ?", (first,)
        ).fetchone()
        findings.require(
            "roles",
            block,
            submitter in allowed,
            f"{kind} by member {' or '.join(map(str, sorted(allowed)))}",
            f"member {submitter}, {count} entries",
            deal=name,
            about=entry_id,
        )
