"""State: what the contracts hold at the head equals the book that the events alone come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from eth_abi.exceptions import DecodingError

from ledger import reading
from ledger.bindings import decode_output, encode_call, label
from ledger.book import Book
from ledger.errors import Reverted
from ledger.events import Particulars
from ledger.records import Loan
from ledger.replay.loans import LoanHistory, LoanReview
from ledger.replay.report import Findings, shown
from ledger.waterfall import Account

# As Journal numbers them; the ones of vouchers are kept elsewhere.
_ACCOUNTS = list(Account)[:11]


class LoanWord(NamedTuple):
    """A loan as Loans keeps it, in one word."""

    outstanding_minor: int
    start_date: int
    annual_rate_ppm: int
    version: int
    sequence: int
    since_date: int
    written_off: int
    reversed: int
    tip: int

    @classmethod
    def unpack(cls, word: int) -> LoanWord:
        """Read the fields from the word."""
        values, at = [], 0
        for bits in _BITS:
            values.append((word >> at) & ((1 << bits) - 1))
            at += bits
        return cls(*values)


_BITS = (56, 16, 24, 8, 14, 16, 1, 1, 120)


class HeadState:
    """Compares the contracts at the head with the book."""

    def __init__(
        self,
        book: Book,
        read: Callable[[bytes, bytes], bytes],
        contracts: Mapping[str, bytes],
        findings: Findings,
        head: int,
    ) -> None:
        self._book = book
        self._read = read
        self._contracts = contracts
        self._findings = findings
        self._head = head

    def check(self) -> None:
        """Check members, deals, balances and every loan."""
        self._check_members()
        for deal in reading.deals(self._book):
            self._check_deal(deal)
            self._check_balances(deal)
            self._check_volume(deal)
        names = {deal.deal: label(deal.name) for deal in reading.deals(self._book)}
        review = LoanReview(self._book, self._findings)
        review.run(lambda history, block: self._check_loan(names, history, block))
        review.check_ids()

    def _check_members(self) -> None:
        members = reading.members(self._book)
        self._expect("members", len(members), self._ask("Members", "count"), "count")
        for member in members:
            for own, key in enumerate((member.maker, member.checker)):
                role = 0 if member.expelled else member.number * 2 + own
                found = self._ask("Members", "key_role", shown(key))
                self._expect("members", role, found, f"{member.member_id}: role of {shown(key)}")

    def _check_deal(self, deal: reading.Deal) -> None:
        own = label(deal.name)
        in_force = self._ask("Deals", "version_in_force", own)
        self._expect("deals", deal.version, in_force, f"{deal.name}: version in force")
        sealed = self._ask("Journal", "sealed_through", own)
        self._expect("deals", deal.sealed_through, sealed, f"{deal.name}: sealed through day")
        for version in reading.versions(self._book, deal.deal):
            found = self._ask("Deals", "terms_hash", own, version.version)
            name = f"{deal.name} version {version.version}: terms hash"
            self._expect("deals", version.terms_hash, found, name)

    def _check_balances(self, deal: reading.Deal) -> None:
        versions = reading.versions(self._book, deal.deal)
        sum_minor = 0
        for party, accounts in reading.balances(self._book, deal.deal, versions[-1].terms).items():
            for number, account in enumerate(_ACCOUNTS):
                key = party * 256 + number
                found = self._ask("Journal", "balances", label(deal.name), key)
                name = f"{deal.name}: member {party} {account}"
                self._expect("balances", accounts[account], found, name)
                sum_minor += found
        self._expect("J1", 0, sum_minor, f"{deal.name}: sum of all balances")

    def _check_volume(self, deal: reading.Deal) -> None:
        outstanding, disbursed = self._book.connection.execute(
            "SELECT coalesce(sum(outstanding_minor), 0),"
            " coalesce(sum(principal_minor * (1 - reversed)), 0) FROM loans WHERE deal = ?",
            (deal.deal,),
        ).fetchone()
        found = tuple(self._ask("Loans", "volume", label(deal.name)))
        name = f"{deal.name}: outstanding, disbursed"
        self._expect("volume", (outstanding, disbursed), found, name)

    def _check_loan(self, names: Mapping[int, bytes], history: LoanHistory, block: int) -> None:
        loan = history.loan
        deal_id, findings = names[loan.deal], self._findings
        found = LoanWord.unpack(self._ask("Loans", "loan", deal_id, loan.loan_id))
        expected = _word_of(loan, history.tip)
        findings.counts["loans"] += 1
        if expected != found:
            for name, one, other in zip(LoanWord._fields, expected, found, strict=True):
                if one != other:
                    name = f"loan {shown(loan.loan_id)}: {name} {one}"
                    findings.fail("loans", block, name, str(other))
        name = f"loan {shown(loan.loan_id)}: entries"
        findings.expect("L3", block, history.entries, found.sequence, name)
        waived = loan.waived_interest_minor << 64 | loan.waived_penalty_minor << 128
        if waived:
            kept = self._ask("Loans", "waived", deal_id, loan.loan_id)
            name = f"loan {shown(loan.loan_id)}: waived"
            findings.expect("loans", block, waived, kept, name)

    def _expect(self, check: str, expected: object, found: object, what: str) -> None:
        self._findings.expect(check, self._head, expected, found, what)

    def _ask(self, contract: str, function: str, *arguments: object) -> Any:
        data = encode_call(contract, function, *arguments)
        try:
            output = self._read(self._contracts[contract], data)
            return decode_output(contract, function, output)
        except (Reverted, DecodingError) as error:
            raise StateUnreadable(f"{contract}.{function}: {error}") from error


class StateUnreadable(Exception):
    """A contract does not answer as the shipped one would."""


def _word_of(loan: Loan, tip: int) -> LoanWord:
    particulars = Particulars.unpack(loan.particulars)
    return LoanWord(
        outstanding_minor=loan.outstanding_minor,
        start_date=particulars.start_date,
        annual_rate_ppm=particulars.annual_rate_ppm,
        version=loan.version,
        sequence=loan.sequence,
        since_date=loan.since_date,
        written_off=loan.written_off,
        reversed=loan.reversed,
        tip=tip,
    )
