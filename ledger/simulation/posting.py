"""Posting: the steps of a simulation, run on a ledger of its own through the SDK.

What the plan foresaw must come of each step, a refusal too; at the end the balances of every deal
must be those that the simulation divided by itself.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import monotonic_ns

from ledger import (
    consortium,
    deposits,
    files,
    founding,
    lists,
    periods,
    pools,
    reading,
    terms,
    voucher_files,
)
from ledger.bindings import label
from ledger.chain.engine import Head
from ledger.chain.local import LocalEngine
from ledger.entries import Booking
from ledger.errors import EntryRejected
from ledger.events import ListRole
from ledger.keys import KeyUse
from ledger.ledger import Ledger
from ledger.money import parse
from ledger.periods import parse_month
from ledger.pool_assets import ASSETS, REPLACEMENTS
from ledger.settlements import Due
from ledger.simulation.simulating import Progress, Simulated

_DECIMALS = 2
_LAYOUTS = {
    "loan submit": "loans",
    "repayment submit": "repayments",
    "repayment submit --late": "repayments",
    "overdue submit": "overdue",
    "waiver submit": "waivers",
    "write-off submit": "write-offs",
    "recovery submit": "recoveries",
    "voucher issue": "vouchers",
    "voucher confirm": "confirmations",
    "voucher evidence": "evidence",
    "voucher split": "splits",
    "voucher transfer": "transfers",
    "voucher finance": "finance",
    "voucher settle": "payments",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A line of steps.csv."""

    line: int
    on: date
    who: str
    does: str
    deal: str
    with_: str
    expect: str

    @property
    def words(self) -> list[str]:
        """What it is done with."""
        return self.with_.split(" ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where the ledger came to something else than the simulation."""

    where: str
    """A line of steps.csv, or a deal, party and account."""
    simulated: str
    posted: str


@dataclass(slots=True)
class Posted:
    """What came of posting."""

    head: Head
    steps: int = 0
    entries: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Rows by reason."""
    milliseconds: int = 0
    slowest_day: date | None = None
    slowest_milliseconds: int = 0
    slowest_entries: int = 0
    sealed: Counter[str] = field(default_factory=Counter)
    """Blocks by validator."""
    validators: tuple[str, ...] = ()
    """Who seals at the end."""
    differences: list[Difference] = field(default_factory=list)


def post(
    simulated: Simulated,
    folder: Path,
    directory: Path,
    *,
    progress: Progress = lambda done, total: None,
) -> Posted:
    """Found a `--dev` ledger in a new directory and post a simulation's folder into it.

    Raises `EntryRejected` or `Reverted` for what should have been taken.
    """
    founding.found(directory, consortium.load(folder / "consortium.toml"), dev=True)
    with (folder / "steps.csv").open(encoding="utf-8", newline="") as stream:
        total = sum(1 for _ in stream) - 1
    run = _Run(folder, directory)
    try:
        with (folder / "steps.csv").open(encoding="utf-8", newline="") as stream:
            rows = csv.reader(stream)
            next(rows)
            for line, (on, who, does, deal, with_, expect) in enumerate(rows, start=2):
                step = Step(
                    line=line, on=date.fromisoformat(on), who=who, does=does, deal=deal,
                    with_=with_, expect=expect,
                )  # fmt: skip
                run.do(step)
                progress(line - 1, total)
        return run.end(simulated)
    finally:
        run.ledger.close()


class _Run:
    def __init__(self, folder: Path, directory: Path) -> None:
        self._folder = folder
        self._directory = directory
        self.ledger = Ledger.open(directory)
        self._found = Posted(head=self.ledger.engine.head())
        self._day: date | None = None
        self._day_milliseconds = self._day_entries = 0
        self._payments: dict[tuple[str, str, str], Due] = {}
        """By deal, payer and payee: of the newest settlement of each deal."""
        self._does: dict[str, Callable[[Step], object]] = {
            "deal agree": self._agree,
            "deal suspend": self._suspend,
            "list add": lambda step: self._list(step, listed=True),
            "list remove": lambda step: self._list(step, listed=False),
            "deposit pay": lambda step: self._deposit(step, deposits.pay),
            "deposit release": lambda step: self._deposit(step, deposits.release),
            "claim run": self._claim,
            "entry reverse": self._reverse,
            "period close": self._close,
            "seal": lambda step: self.ledger.seal(step.deal, date=step.on, by=step.who),
            "settle": self._settle,
            "settle paid": self._paid,
            "pool freeze": self._freeze,
            "pool substitute": self._substitute,
            "validator lost": self._lose_validator,
            "validator drop": self._drop_validator,
        } | dict.fromkeys(_LAYOUTS, self._submit)

    def do(self, step: Step) -> None:
        """Run a step and hold what comes of it against what is expected."""
        if step.on != self._day:
            self._next_day(step.on)
        began = monotonic_ns()
        came = self._does[step.does](step)
        took = (monotonic_ns() - began) // 1_000_000
        self._found.steps += 1
        self._found.milliseconds += took
        self._day_milliseconds += took
        if isinstance(came, int):
            self._found.entries += came
            self._day_entries += came
        if step.expect and isinstance(came, int | str) and str(came) != step.expect:
            self._differs(f"steps.csv:{step.line}", step.expect, str(came))

    def end(self, simulated: Simulated) -> Posted:
        """Compare every balance, and say who sealed."""
        self._next_day(None)
        found, book = self._found, self.ledger.book()
        names = {member.number: member.member_id for member in reading.members(book)}
        for one in simulated.deals:
            deal = self.ledger.deal(one.deal)
            agreed = reading.versions(book, deal.deal)[-1].terms
            for party, accounts in reading.balances(book, deal.deal, agreed).items():
                for account, minor in accounts.items():
                    own = one.dealing.balances[names[party], account]
                    if own != minor:
                        where = f"{deal.name} {names[party]} {account}"
                        self._differs(where, str(own), str(minor))
        found.head = self.ledger.engine.head()
        self._sealers()
        return found

    def _next_day(self, on: date | None) -> None:
        found = self._found
        if self._day is not None and self._day_milliseconds > found.slowest_milliseconds:
            found.slowest_day = self._day
            found.slowest_milliseconds = self._day_milliseconds
            found.slowest_entries = self._day_entries
        self._day, self._day_milliseconds, self._day_entries = on, 0, 0

    def _differs(self, where: str, simulated: str, posted: str) -> None:
        self._found.differences.append(Difference(where=where, simulated=simulated, posted=posted))

    # ---- agreeing

    def _agree(self, step: Step) -> None:
        document = terms.load(self._folder / step.with_)
        self.ledger.propose(document, by=step.who)
        for party in document.parties:
            self.ledger.sign(step.deal, by=party)

    def _suspend(self, step: Step) -> None:
        self.ledger.request("Deals", "suspend", label(step.deal), by=step.who)

    def _list(self, step: Step, *, listed: bool) -> None:
        party, role, *days = step.words
        lists.change(
            self.ledger,
            bank=step.who,
            party=party,
            role=ListRole(role),
            listed=listed,
            from_date=date.fromisoformat(days[0]) if days else step.on,
            to_date=date.fromisoformat(days[-1]) if days else None,
        )

    # ---- entries

    def _submit(self, step: Step) -> int | str:
        path = self._folder / step.with_
        layout = (files.LAYOUTS | voucher_files.LAYOUTS)[_LAYOUTS[step.does]]
        read = files.read(path, layout, decimals=_DECIMALS)
        if step.expect and not step.expect.isdigit():
            return self._refused(step, read.rows)
        done = self.ledger.submit(
            read.rows, deal=step.deal, by=step.who, lines=read.lines, file=path.name,
            late=step.does.endswith(" --late"),
        )  # fmt: skip
        return done.posted

    def _refused(self, step: Step, rows: tuple[Booking, ...]) -> str:
        """Every loan must be refused by itself for the reason that is expected."""
        for row in rows:
            try:
                self.ledger.submit([row], deal=step.deal, by=step.who)
            except EntryRejected as error:
                reasons = {one.reason for one in error.rows}
                self._found.refused.update(reasons)
                if reasons != {step.expect}:
                    return " ".join(sorted(reasons))
            else:
                return "-"
        return step.expect

    def _claim(self, step: Step) -> int:
        return len(self.ledger.claim_run(step.deal, date=step.on, by=step.who).compensated)

    def _reverse(self, step: Step) -> int:
        with (self._folder / step.with_).open(encoding="utf-8", newline="") as stream:
            refs = [row["entry_ref"] for row in csv.DictReader(stream)]
        return self.ledger.reverse(refs, deal=step.deal, by=step.who, on=step.on).posted

    def _freeze(self, step: Step) -> None:
        pool, path, senior = step.words
        read = files.read(self._folder / path, ASSETS, decimals=_DECIMALS)
        minor = parse(senior, _DECIMALS)
        found = pools.freeze(
            self.ledger, pool, read.rows, currency="CNY", senior_minor=minor, on=step.on,
            by=step.who, lines=read.lines, file=path,
        )  # fmt: skip
        self._holds(step, sum(one.amount_minor for one in found.document.assets))

    def _substitute(self, step: Step) -> None:
        pool, path = step.words
        read = files.read(self._folder / path, REPLACEMENTS, decimals=_DECIMALS)
        found = pools.substitute(
            self.ledger, pool, read.rows, on=step.on, by=step.who, lines=read.lines, file=path
        )
        self._holds(step, found.total_minor)

    def _holds(self, step: Step, minor: int) -> None:
        if minor != parse(step.expect, _DECIMALS):
            self._differs(f"steps.csv:{step.line}", step.expect, str(minor))

    def _deposit(self, step: Step, move: Callable[..., object]) -> None:
        amount, ref = step.words
        minor = parse(amount, _DECIMALS)
        move(self.ledger, step.deal, amount_minor=minor, on=step.on, by=step.who, ref=ref)

    # ---- the end of a month

    def _close(self, step: Step) -> None:
        month = parse_month(step.with_)
        periods.close(self.ledger, step.deal, month, by=step.who)
        part = periods.period(self.ledger, step.deal, month).statement.platform_minor
        if part != parse(step.expect, _DECIMALS):
            self._differs(f"steps.csv:{step.line}", step.expect, str(part))

    def _settle(self, step: Step) -> int:
        done = self.ledger.settle(step.deal, on=step.on, by=step.who)
        self._payments |= {(step.deal, one.payer, one.payee): one for one in done.payments}
        return len(done.payments)

    def _paid(self, step: Step) -> None:
        payer, payee, reference = step.words
        due = self._payments.get((step.deal, payer, payee))
        if due is None:
            self._differs(f"steps.csv:{step.line}", step.expect, "-")
            return
        if due.amount_minor != parse(step.expect, _DECIMALS):
            self._differs(f"steps.csv:{step.line}", step.expect, str(due.amount_minor))
        self.ledger.settle_paid([due.id], reference=reference, by=step.who, on=step.on)

    # ---- validators

    def _lose_validator(self, step: Step) -> None:
        """The keystore is put where no key acts; what is opened from now on seals without it."""
        self.ledger.keyring.retire(step.who, KeyUse.VALIDATOR, 1)
        self.ledger.close()
        self.ledger = Ledger.open(self._directory)

    def _drop_validator(self, step: Step) -> None:
        engine, lost = self.ledger.engine, self.ledger.member(step.with_)
        assert isinstance(engine, LocalEngine)
        signer = self.ledger.keyring.address(step.who, KeyUse.VALIDATOR)
        engine.vote(signer=signer, candidate=lost.validator, add=False)

    def _sealers(self) -> None:
        from ledger.chain.clique import sealer_of
        from ledger.chain.headers import decode_header

        engine, found = self.ledger.engine, self._found
        assert isinstance(engine, LocalEngine)
        names = {one.validator: one.member_id for one in reading.members(self.ledger.book())}
        for encoded in engine.headers(1, found.head.number):
            header = decode_header(encoded)
            found.sealed[names[sealer_of(header)]] += 1
        found.validators = tuple(names[signer] for signer in engine.snapshot().signers)
