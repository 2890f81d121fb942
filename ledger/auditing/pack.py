"""Pack (审计底稿): what an auditor leaves behind about a deal and some days, as a folder of files.

The same ledger, block, days and seed give the same bytes: no clock goes in but the chain's. What
this folder knows besides the chain, bank files and breaks, is a file of its own in the pack.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger import reading
from ledger.auditing import exceptions, signers
from ledger.auditing.cash import BankFile, Known, register_breaks
from ledger.auditing.evidence import LoanEvidence, TermsVersion, evidence, terms_versions
from ledger.auditing.exceptions import Exceptional, RuleId
from ledger.auditing.manifest import MANIFEST_FILE, Manifest, Wanted, own_version, sha256, tools
from ledger.auditing.page import Section, page
from ledger.auditing.pinned import Pinned, pinned
from ledger.auditing.portfolio import Portfolio, Survey
from ledger.auditing.proving import proof_name
from ledger.auditing.sampling import Reason, Sampled, draw
from ledger.auditing.sheets import Sheets
from ledger.auditing.tables import Making
from ledger.auditing.workbooks import stable
from ledger.entries import entry_id, loan_id
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import date_of
from ledger.portfolio.all_in import documents
from ledger.portfolio.standing import View
from ledger.records import PaymentKind
from ledger.reporting.deals import shape
from ledger.reporting.report import Fact, Report, Table, Unit, moment
from ledger.reporting.workbook import workbook
from ledger.rules import packs

if TYPE_CHECKING:
    from ledger.chain.engine import Head
    from ledger.ledger import Ledger

PAGE_FILE, TABLES_FILE, DATA_FILE, INPUTS_FILE = (
    "index.html", "tables.xlsx", "pack.json", "inputs.json",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A pack before it is written."""

    wanted: Wanted
    chain_id: int
    head: Head
    files: Mapping[str, bytes]
    """Path to content, without the manifest."""
    proofs: Mapping[str, bytes]
    """Path of the proof of each entry that has one to the entry's id."""
    loans: int
    """With an entry on the days,"""
    sampled: int
    exceptions: int
    listed: Sequence[Exceptional]
    """Those exceptions, by rule and date."""
    title: str
    verdict: str

    @property
    def manifest(self) -> Manifest:
        """Of the files that there are."""
        return Manifest(
            wanted=self.wanted,
            chain_id=self.chain_id,
            head_block=self.head.number,
            head_hash=self.head.block_hash,
            head_at=self.head.timestamp,
            version=own_version(),
            tools=tools(),
            files={name: sha256(data) for name, data in self.files.items()},
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """All that a pack says."""

    deal: reading.Deal
    portfolio: Portfolio
    exceptions: list[Exceptional]
    acts: list[signers.Act]
    days: list[signers.SignedDay]
    versions: dict[int, TermsVersion]
    sheets: list[LoanEvidence]
    known: Known


def make(
    ledger: Ledger,
    wanted: Wanted,
    *,
    bank: BankFile | None = None,
    known: Known | None = None,
    block: int | None = None,
    block_hash: bytes = b"",
) -> Pack:
    """Make a pack of a ledger as of its head, or of an earlier block.

    `bank`: a bank's file that was matched for it. `known`: what the folder knew besides the chain
    when the pack was first made; None: what it knows now. Raises `UsageInvalid`.
    """
    if known is None:
        own = register_breaks(ledger.directory, wanted.deal, wanted.first, wanted.last)
        known = Known(bank, own)
    with pinned(ledger, block, block_hash) as at:
        found = _found(at, wanted, known)
        return _Writing(at, wanted, found).pack()


def report(ledger: Ledger, wanted: Wanted, *, block: int | None = None) -> Report:
    """A pack's tables as one report, of the head or an earlier block. Raises `UsageInvalid`."""
    own = register_breaks(ledger.directory, wanted.deal, wanted.first, wanted.last)
    with pinned(ledger, block) as at:
        return _Writing(at, wanted, _found(at, wanted, Known(None, own))).report()


def _found(pinned: Pinned, wanted: Wanted, known: Known) -> _Found:
    book = pinned.book
    deal = reading.deal_named(book, wanted.deal)
    if deal is None:
        names = ", ".join(one.name for one in reading.deals(book))
        raise UsageInvalid(text("ledger.deal_unknown"), expected=names or "-", found=wanted.deal)
    if not deal.version:
        raise UsageInvalid(text("audit.deal_without_terms"), found=wanted.deal)
    days = range(wanted.first, wanted.last + 1)
    members = {one.number: one.member_id for one in reading.members(book)}
    portfolio = Survey(pinned, deal, wanted.first, wanted.last).run()
    acts = signers.acts(pinned, deal, wanted.last)
    portfolio.exceptions += exceptions.of_deal(pinned, deal, days, members)
    portfolio.exceptions += exceptions.of_acts(acts, days)
    of_refs = _loans_of_refs(pinned, deal, [one.ref for one in known.breaks])
    portfolio.exceptions += exceptions.of_breaks(known.breaks, of_refs)
    every = exceptions.in_order(portfolio.exceptions)
    versions = terms_versions(pinned, deal, acts)
    sample = _sample(portfolio, wanted, every)
    return _Found(
        deal=deal,
        portfolio=portfolio,
        exceptions=every,
        acts=acts,
        days=signers.signed_days(pinned, deal, wanted.first, wanted.last),
        versions=versions,
        sheets=evidence(pinned, deal, sample, portfolio, versions, known, wanted.last),
        known=known,
    )


def _sample(portfolio: Portfolio, wanted: Wanted, found: Iterable[Exceptional]) -> list[Sampled]:
    known = {one.loan_id for one in portfolio.population}
    always: dict[Reason, set[bytes]] = {}
    own = {RuleId.LATE.value: Reason.LATE, RuleId.REVERSAL.value: Reason.REVERSAL}
    for one in found:
        if one.loan_id in known:
            always.setdefault(own.get(one.rule, Reason.EXCEPTION), set()).add(one.loan_id)
    return draw(
        portfolio.population,
        seed=wanted.seed,
        random=wanted.random,
        largest=wanted.largest,
        always=always,
    )


def _loans_of_refs(pinned: Pinned, deal: reading.Deal, refs: Sequence[str]) -> dict[str, bytes]:
    """Ref of a loan or an entry to the loan, of those that are in the book."""
    found: dict[str, bytes] = {}
    if not refs:
        return found
    salt = pinned.ledger.salt(deal.name)
    for ref in refs:
        own = loan_id(salt, ref)
        entry = reading.entry(pinned.book, deal.deal, entry_id(salt, ref))
        if reading.loan(pinned.book, deal.deal, own) is not None:
            found[ref] = own
        elif entry is not None:
            found[ref] = entry.loan_id
    return found


def with_proofs(pack: Pack, files: Mapping[str, bytes]) -> Pack:
    """The same pack with the files of its proofs."""
    return replace(pack, files={**pack.files, **files})


def write(pack: Pack, folder: Path) -> None:
    """Write a pack; the manifest comes last, so that what has one is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in pack.files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    (folder / MANIFEST_FILE).write_bytes(pack.manifest.encode())


class _Writing:
    """What was found as files."""

    def __init__(self, pinned: Pinned, wanted: Wanted, found: _Found) -> None:
        self._pinned, self._wanted, self._found = pinned, wanted, found
        self._shape = shape(pinned.book, found.deal)
        self._making = Making(pinned.book, found.deal, self._shape)

    def pack(self) -> Pack:
        """Every file but the proofs."""
        proofs = self._proofs()
        sheets = self._sheets({place: name for name, place, _ in proofs})
        sections = self._sections(sheets)
        report = self._report(self._tables(sheets, sections))
        return Pack(
            wanted=self._wanted,
            chain_id=self._pinned.ledger.settings.chain_id,
            head=self._pinned.head,
            files={
                PAGE_FILE: page(report, sections, sheets, self._found.sheets),
                TABLES_FILE: stable(workbook(report), self._pinned.head.timestamp),
                DATA_FILE: _json(report.document),
                INPUTS_FILE: _json(self._inputs()),
            },
            proofs={name: entry for name, _, entry in proofs},
            loans=len(self._found.portfolio.population),
            sampled=len(self._found.sheets),
            exceptions=len(self._found.exceptions),
            listed=self._found.exceptions,
            title=report.title,
            verdict=report.verdict,
        )

    def report(self) -> Report:
        """What the files say, without proofs."""
        return self._report(self._tables(sheets := self._sheets({}), self._sections(sheets)))

    def _sheets(self, proofs: Mapping[tuple[str, int], str]) -> Sheets:
        names = {one.number: one.member_id for one in reading.members(self._pinned.book)}
        return Sheets(self._shape, names, proofs)

    def _tables(self, sheets: Sheets, sections: Sequence[Section]) -> list[Table]:
        tables = [table for section in sections for table in section.tables if not section.paper]
        return tables + sheets.together(self._found.sheets)

    def _proofs(self) -> list[tuple[str, tuple[str, int], bytes]]:
        """Path, loan and number, and id of every sampled entry of the days that can be proven."""
        if not self._wanted.proofs:
            return []
        days = range(self._wanted.first, self._wanted.last + 1)
        return [
            (proof_name(posted), (sheet.ref, posted.number), posted.entry_id)
            for sheet in self._found.sheets
            for posted in (entry.posted for entry in sheet.entries)
            if posted.day in days
        ]

    def _sections(self, sheets: Sheets) -> list[Section]:
        """The chapters of the page, in order."""
        making, found, portfolio = self._making, self._found, self._found.portfolio
        days = range(self._wanted.first, self._wanted.last + 1)
        first, last = self._wanted.first, self._wanted.last
        aged, rolled = portfolio.vintages, portfolio.rolls
        return [
            Section("terms", [making.terms(found.versions)]),
            Section("volumes", [making.volumes(portfolio.volumes), making.balances(first, last)]),
            Section(
                "exceptions",
                [
                    making.rules(found.exceptions, self._meanings()),
                    making.exceptions(found.exceptions),
                ],
            ),
            Section("sample", [sheets.sample(found.sheets)]),
            Section("triangles", [making.triangle(aged, view) for view in View], paper=True),
            Section("vintages", [making.vintages(aged, view) for view in View]),
            Section(
                "rolls",
                [
                    *(making.roll_rates(rolled, view) for view in View),
                    *(making.rolls(rolled, view) for view in View),
                ],
            ),
            Section("fees", [making.fees(portfolio.fees.rows()), making.costs(portfolio.costs)]),
            Section(
                "signatures",
                [
                    making.acts(found.acts),
                    making.days(found.days),
                    making.statements(days),
                    making.settlements(days, self._references()),
                ],
            ),
        ]

    def _report(self, tables: Sequence[Table]) -> Report:
        head, wanted, found = self._pinned.head, self._wanted, self._found
        population = len(found.portfolio.population)
        first, last = date_of(wanted.first), date_of(wanted.last)
        facts = (
            Fact("deal", wanted.deal),
            Fact("window", text("report.window_days", first=first, last=last)),
            Fact("audit_population", population, Unit.COUNT),
            Fact("audit_sampled", len(found.sheets), Unit.COUNT),
            Fact("audit_exceptions", len(found.exceptions), Unit.COUNT),
            *self._view_facts(),
            Fact("audit_bank", self._bank_words()),
            Fact("audit_seed", str(wanted.seed)),
            Fact("audit_chain", str(self._pinned.ledger.settings.chain_id)),
            Fact("head_block", head.number, Unit.COUNT),
            Fact("head_hash", "0x" + head.block_hash.hex()),
            Fact("audit_head_at", moment(head.timestamp)),
            Fact("audit_version", own_version()),
            Fact("audit_command", wanted.command),
        )  # fmt: skip
        rules = {one.rule for one in found.exceptions}
        return Report(
            title=text("audit.title", deal=wanted.deal, first=first, last=last),
            verdict=text(
                "audit.summary", loans=population, sampled=len(found.sheets),
                exceptions=len(found.exceptions), rules=len(rules),
            ),
            facts=facts,
            tables=tuple(tables),
            notes=(text("audit.note_chain"), text("audit.note_views"), text("audit.note_buckets")),
            document=self._document(facts, tables),
        )  # fmt: skip

    def _view_facts(self) -> list[Fact]:
        portfolio = self._found.portfolio
        found = []
        for view in View:
            totals = portfolio.closing[view]
            found += [
                Fact(f"audit_balance_{view.value}", totals.balance_minor, Unit.AMOUNT),
                Fact(f"audit_past_due_{view.value}", totals.past_due_90_minor, Unit.AMOUNT),
                Fact(f"audit_loss_{view.value}", totals.loss_minor, Unit.AMOUNT),
            ]
        return found

    def _document(self, facts: Sequence[Fact], tables: Sequence[Table]) -> dict[str, Any]:
        return {
            "format": "pledger-audit-data/1",
            "facts": {
                f"{fact.key}_minor" if fact.unit is Unit.AMOUNT else fact.key: fact.value
                for fact in facts
            },
            "currency": self._shape.currency,
            "tables": {table.key.removeprefix("audit_"): table.documents() for table in tables},
        }

    def _inputs(self) -> dict[str, Any]:
        refs = {entry.ref for sheet in self._found.sheets for entry in sheet.entries}
        return {"format": "pledger-audit-inputs/1", **self._found.known.document(refs)}

    def _bank_words(self) -> str:
        bank = self._found.known.bank
        if bank is None:
            return text("audit.bank_none")
        return text(
            "audit.bank_file",
            name=bank.name,
            member=bank.member,
            matched=bank.matched_lines,
            lines=bank.lines,
            sha256=bank.sha256,
        )

    def _references(self) -> dict[tuple[int, int], str]:
        """Settlement and payment to the bank's references with which it was paid."""
        found: dict[tuple[int, int], list[str]] = {}
        for line in reading.settlement_lines(self._pinned.book, self._found.deal.deal):
            if line.kind is PaymentKind.PAID and not line.reversed:
                own = found.setdefault((line.number, line.payment), [])
                own.append(self._pinned.ledger.ref(line.reference_id))
        return {key: ", ".join(own) for key, own in found.items()}

    def _meanings(self) -> dict[str, str]:
        """What each rule says, in the user's language."""
        own = {one.value: text(f"audit.rule.{one.value}") for one in RuleId}
        own["limits"] = text("audit.rule.limits")
        own |= {one.rule: text(f"report.code.{one.rule}") for one in self._breaks()}
        at, deal = self._pinned, self._found.deal
        held = documents(at.ledger, at.book, deal).values()
        named = {rule for one in held for rule in one.rules}
        for pack in packs().values():
            for rule in pack.rules:
                if pack.id in named or rule.id not in own:
                    own[rule.id] = f"{rule.summary} ({rule.basis})"
        return own

    def _breaks(self) -> list[Exceptional]:
        codes = {one.code for one in self._found.known.breaks}
        return [one for one in self._found.exceptions if one.rule in codes]


def _json(document: Any) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()
