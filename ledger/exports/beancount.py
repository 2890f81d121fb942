"""Beancount: the journal of each party as one text file, in which each party's books balance.

Written from the published syntax alone; no code of Beancount, which is GPL, is used. Transactions
are dated by business day, because seals close business days: so a `balance` on the morning after
each sealed day is what its parties signed, and Beancount itself adds up the entries to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from ledger import reading
from ledger.days import LAST_DAY
from ledger.exports.files import replaced
from ledger.exports.journal import JournalEntry
from ledger.exports.sources import Source, SourceDeal
from ledger.exports.tally import Tally
from ledger.money import date_of, format
from ledger.reading.journal import moves
from ledger.reporting.report import printable
from ledger.waterfall import Account

ACCOUNTS: Mapping[Account, tuple[str, str]] = {
    Account.CASH: ("Assets", "Cash"),
    Account.CLEARING: ("Assets", "Clearing"),
    Account.LOANS: ("Assets", "Loans"),
    Account.INTEREST: ("Income", "Interest"),
    Account.PENALTY: ("Income", "Penalty"),
    Account.FEES: ("Income", "Fees"),
    Account.DEPOSIT_PLACED: ("Assets", "Deposit-Placed"),
    Account.DEPOSIT_HELD: ("Liabilities", "Deposit-Held"),
    Account.CLAIMS: ("Assets", "Claims"),
    Account.LOSSES: ("Expenses", "Losses"),
    Account.RECOVERIES: ("Income", "Recoveries"),
    Account.VOUCHERS_HELD: ("Assets", "Vouchers-Held"),
    Account.VOUCHERS_OWED: ("Liabilities", "Vouchers-Owed"),
    Account.DISCOUNT: ("Income", "Discount"),
}
"""Account to the root and the last part of its name; the deal stands between them."""
_TRADE = "Equity", "Trade"
"""What a member owes and is owed outside the ledger: where a voucher comes from or goes to another
holder, each has one posting, which this balances."""
_WIDTH = 48
_PENDING_CHARACTERS = 4_000_000
_Balances = dict[tuple[int, Account], int]


def account_name(deal: str, account: Account) -> str:
    """`Assets:Joint-2026-01:Loans`: deals differ in it whatever their names are."""
    return _name(deal, *ACCOUNTS[account])


def _name(deal: str, root: str, own: str) -> str:
    return f"{root}:{deal[0].upper()}{deal[1:]}:{own}"


def file_name(member_id: str) -> str:
    """Ids of members are safe as names of files."""
    return f"{member_id}.beancount"


def write_beancount(tally: Tally, folder: Path) -> list[str]:
    """Write one file for each party of the deals, and for each holder; returns their names.

    The same ledger gives the same bytes. Streams: memory grows with neither entries nor days.
    """
    found = tally.found
    listed = {party for deal in found.deals for party in deal.posted if found.wants(party)}
    parties = sorted(listed)
    names = [file_name(found.member_id(party)) for party in parties]
    with replaced(folder, names) as paths:
        files = _Files({party: paths[file_name(found.member_id(party))] for party in parties})
        for party in parties:
            files.write(party, _head(found, party))
        for deal in found.deals:
            _Writer(tally, deal, files).write()
        files.flush()
    return names


class _Files:
    """Files of members, more than may be open at the same time."""

    def __init__(self, paths: Mapping[int, Path]) -> None:
        self._paths = paths
        self._pending: dict[int, list[str]] = {}
        self._characters = 0

    def __contains__(self, party: int) -> bool:
        return party in self._paths

    def write(self, party: int, words: str) -> None:
        """Add to the file of a member."""
        self._pending.setdefault(party, []).append(words)
        self._characters += len(words)
        if self._characters >= _PENDING_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        for party, waiting in self._pending.items():
            with self._paths[party].open("a", encoding="utf-8", newline="\n") as file:
                file.writelines(waiting)
        self._pending.clear()
        self._characters = 0


class _Writer:
    """One deal into the files of its parties and holders."""

    def __init__(self, tally: Tally, deal: SourceDeal, files: _Files) -> None:
        found = self._found = tally.found
        self._tally = tally
        self._deal = deal
        self._files = files
        self._signing = {party for party in deal.parties if party in files}
        """Whose seals are asserted: holders sign no days."""
        self._trading: set[int] = set()
        """Whose account of trade is open."""
        self._names = {one: account_name(deal.deal.name, one) for one in Account}
        self._seals = iter(reading.seals(found.book, deal.number))
        self._seal = next(self._seals, None)
        self._days = groupby(moves(found.book, deal.number), key=itemgetter(0))
        self._ahead = next(self._days, None)
        self._closing: _Balances = {}
        """By party and account, of those that were ever moved."""

    def write(self) -> None:
        """Write all of it."""
        last = 0
        for entry in self._tally.journal(self._deal, by_day=True):
            self._close_through(entry.day)
            last = entry.day
            self._transaction(entry)
        self._close_through(LAST_DAY + 1)
        self._final(last)

    def _close_through(self, day: int) -> None:
        """Assert what was sealed before a day, then open what the day moves first."""
        while self._seal is not None and self._seal.day < day:
            self._move_through(self._seal.day)
            self._sealed(self._seal)
            self._seal = next(self._seals, None)
        self._move_through(day)

    def _move_through(self, day: int) -> None:
        while self._ahead is not None and self._ahead[0] <= day:
            for move in self._ahead[1]:
                place = move.party, move.account
                if place not in self._closing:
                    self._open(move.day, *place)
                self._closing[place] = self._closing.get(place, 0) + move.amount_minor
            self._ahead = next(self._days, None)

    def _open(self, day: int, party: int, account: Account) -> None:
        if party in self._files:
            name = self._names[account]
            self._files.write(party, f"{date_of(day)} open {name} {self._deal.currency}\n")

    def _transaction(self, entry: JournalEntry) -> None:
        """To each party its own postings."""
        deal, own = self._deal, dict[int, list[str]]()
        sums: Counter[int] = Counter()
        for party, account, amount_minor in entry.postings:
            if party in self._files:
                own.setdefault(party, []).append(self._line(self._names[account], amount_minor))
                sums[party] += amount_minor
        if own:
            said = "".join(f"  {key}: {value}\n" for key, value in self._metadata(entry))
            head = f'\n{date_of(entry.day)} * "{deal.deal.name}" "{entry.kind}"\n{said}'
            for party, lines in own.items():
                if sums[party]:
                    lines.append(self._line(self._trade(entry.day, party), -sums[party]))
                self._files.write(party, head + "".join(lines))

    def _line(self, name: str, amount_minor: int) -> str:
        amount = format(amount_minor, self._deal.decimals)
        return f"  {name:<{_WIDTH}} {amount:>20} {self._deal.currency}\n"

    def _trade(self, day: int, party: int) -> str:
        """The name of a member's account of trade, opened with its first posting."""
        name = _name(self._deal.deal.name, *_TRADE)
        if party not in self._trading:
            self._trading.add(party)
            self._files.write(party, f"{date_of(day)} open {name} {self._deal.currency}\n")
        return name

    def _metadata(self, entry: JournalEntry) -> Iterator[tuple[str, str]]:
        ref = self._found.ref
        if entry.entry_id:
            yield "entry", quoted(ref(entry.entry_id))
        if entry.loan_id:
            yield "loan", quoted(ref(entry.loan_id))
        if entry.piece_id:
            yield "piece", quoted(ref(entry.piece_id))
        if entry.about:
            yield "about", quoted(entry.about)
        if entry.reference_id:
            yield "reference", quoted(ref(entry.reference_id))
        if entry.reversed_id:
            yield "reverses", quoted(ref(entry.reversed_id))
            yield "reverses-kind", quoted(entry.mirrored)
        if entry.reversed:
            yield "reversed", "TRUE"
        yield "value-date", str(date_of(entry.date))
        yield "by", quoted(self._found.member_id(entry.party))
        yield "block", str(entry.place.block)
        yield "transaction", str(entry.place.transaction)
        yield "log", str(entry.place.log)

    def _sealed(self, seal: reading.Seal) -> None:
        """What a sealed day closed with, asserted on the morning after it."""
        digest = quoted("0x" + seal.digest.hex())
        event = f'\n{date_of(seal.day + 1)} event "sealed {self._deal.deal.name}" {digest}'
        lines = [event, f"  day: {date_of(seal.day)}", f"  block: {seal.block}"]
        for party in self._signing:
            self._files.write(party, "\n".join(lines) + "\n")
        closing = {key: minor for key, minor in self._closing.items() if key[0] in self._signing}
        self._assert(seal.day + 1, closing)

    def _final(self, last: int) -> None:
        """The balances as they are, from the table that `pledger balances` shows."""
        book, number = self._found.book, self._deal.number
        # What was sealed last may be a quiet day after all entries.
        after = max(last, self._deal.deal.sealed_through) + 1
        rows = reading.balances(book, number, self._deal.terms)
        closing = {(party, name): rows.get(party, {}).get(name, 0) for party, name in self._closing}
        self._assert(after, closing)

    def _assert(self, day: int, closing: _Balances) -> None:
        for (party, account), amount_minor in sorted(closing.items(), key=_placed):
            if party in self._files:
                amount = format(amount_minor, self._deal.decimals)
                name = f"{date_of(day)} balance {self._names[account]}"
                # Without `~ 0` an assertion would bear a difference of one minor unit.
                line = f"{name:<{_WIDTH + 2}} {amount:>20} ~ 0 {self._deal.currency}\n"
                self._files.write(party, line)


_ORDER = list(Account)


def _placed(item: tuple[tuple[int, Account], int]) -> tuple[int, int]:
    (party, account), _ = item
    return party, _ORDER.index(account)


def _head(found: Source, party: int) -> str:
    member = found.members[party]
    currencies = sorted({deal.currency for deal in found.deals if party in deal.posted})
    lines = [
        f"; {_plain(member.member_id)} on {_plain(found.name)}, chain {found.chain_id},"
        f" as of block {found.head}",
        f"; 0x{found.head_hash.hex()}",
        f'option "title" {quoted(f"{member.name} ({member.member_id})")}',
        *(f'option "operating_currency" "{currency}"' for currency in currencies),
    ]
    return "\n".join(lines) + "\n\n"


def quoted(words: str) -> str:
    """A string of Beancount's syntax, whatever the words are."""
    return '"' + _plain(words).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain(words: str) -> str:
    return words if words.isprintable() else printable(words)
