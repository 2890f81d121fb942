"""Agreement: the versions of a deal's terms, whether it is stopped, and its sealed days."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.contracts.sandbox.days import Statement
from tests.contracts.sandbox.entries import LAST_DAY
from tests.contracts.sandbox.terms import Demand, Limits, Rule, Terms
from tests.stateful.days import Days
from tests.stateful.membership import Four, Membership
from tests.stateful.refusal import demand


def segments(terms: Terms) -> tuple[Limits, ...]:
    """The limits of terms, one after another."""
    return (terms.limits,) if isinstance(terms.limits, Limits) else terms.limits


def from_date(terms: Terms, limits: Limits) -> int:
    """The first day of a segment."""
    return terms.effective_date if limits.from_date is None else limits.from_date


@dataclass(kw_only=True)
class Agreement(Days):
    """What the parties of a deal agreed on."""

    name: str
    members: Membership
    lenders: frozenset[str]
    """Members with a licence to lend."""
    proposals: list[Terms] = field(default_factory=list)
    signatures: list[set[str]] = field(default_factory=list)
    in_force: list[int] = field(default_factory=list)
    """Versions that came into force, in order."""
    suspended_by: str | None = None
    closed: bool = False
    closings: dict[int, set[str]] = field(default_factory=dict)
    """Who signed the closing, by the version in force at the time."""

    # ---- terms
    def terms(self, version: int) -> Terms:
        """The terms of a version."""
        return self.proposals[version - 1]

    @property
    def newest(self) -> Terms:
        """The terms in force."""
        demand(bool(self.in_force), "DEAL_NOT_ACTIVE")
        return self.terms(self.in_force[-1])

    def propose(self, sender: str, terms: Terms) -> None:
        """A party proposes terms."""
        proposer = self.members.maker(sender)
        demand(proposer in terms.parties, "SENDER_NOT_PARTY")
        if terms.demands & Demand.LENDING_LICENCE:
            funders = {name for name, _ in terms.funding}
            demand(funders <= self.lenders, "LENDING_LICENCE_MISSING")
        demand(not self.closed, "DEAL_CLOSED")
        if self.in_force:
            self._check_amendment(terms)
        self.proposals.append(terms)
        self.signatures.append(set())

    def _check_amendment(self, terms: Terms) -> None:
        before = self.newest
        demand(terms.effective_date > before.effective_date, "VERSION_NOT_LATER")
        demand(terms.parties == before.parties, "VERSION_PARTIES_DIFFER")
        demand(terms.currency == before.currency, "VERSION_CURRENCY_DIFFERS")
        deposits = [self.terms(version).deposit for version in self.in_force]
        held = [(one.by, one.custodian) for one in deposits if one]
        if held and terms.deposit:
            same = held[-1] == (terms.deposit.by, terms.deposit.custodian)
            demand(same, "VERSION_DEPOSIT_DIFFERS")
        ruled = [one.period.rule != Rule.NONE for one in (before, terms)]
        demand(ruled[0] == ruled[1], "VERSION_PERIOD_DIFFERS")

    def sign(self, act: Four, version: int, terms: Terms) -> None:
        """A party signs its copy of the terms."""
        party = self.members.confirmed(act)
        demand(0 < version <= len(self.proposals), "VERSION_UNKNOWN")
        demand(version == len(self.proposals), "VERSION_SUPERSEDED")
        demand(terms == self.terms(version), "TERMS_DIFFER")
        demand(party in terms.parties, "SENDER_NOT_PARTY")
        signed = self.signatures[version - 1]
        demand(party not in signed, "SIGNATURE_REPEATED")
        demand(not self.closed, "DEAL_CLOSED")
        signed.add(party)
        if signed == set(terms.parties):
            self.in_force.append(version)

    def ruled_until(self, version: int) -> int:
        """First day that a later version rules."""
        position = self.in_force.index(version)
        later = self.in_force[position + 1 : position + 2]
        return self.terms(later[0]).effective_date if later else LAST_DAY

    def ruling(self, version: int) -> Terms:
        """The terms of a version that is or was in force."""
        demand(version in self.in_force, "DEAL_NOT_ACTIVE")
        return self.terms(version)

    def limits_on(self, version: int, day: int) -> Limits:
        """The limits on a loan that starts on a day, if one may be booked."""
        terms = self.ruling(version)
        demand(not self.closed, "DEAL_CLOSED")
        demand(self.suspended_by is None, "DEAL_SUSPENDED")
        in_force = terms.effective_date <= day < self.ruled_until(version)
        demand(in_force, "VERSION_NOT_IN_FORCE")
        return [one for one in segments(terms) if from_date(terms, one) <= day][-1]

    # ---- suspension and closing
    @property
    def signing_parties(self) -> set[str]:
        """Every funder and the servicer."""
        return {name for name, _ in self.newest.funding} | {str(self.newest.servicer)}

    def suspend(self, act: Four) -> None:
        """A signing party stops new loans, or takes the stop of another over."""
        party = self.members.confirmed(act)
        demand(party in self.signing_parties, "SENDER_NOT_SIGNING_PARTY")
        demand(not self.closed, "DEAL_CLOSED")
        demand(self.suspended_by != party, "DEAL_SUSPENDED")
        self.suspended_by = party

    def resume(self, act: Four) -> None:
        """Who suspended the deal lets it book again."""
        party = self.members.confirmed(act)
        demand(not self.closed, "DEAL_CLOSED")
        demand(self.suspended_by is not None, "DEAL_NOT_SUSPENDED")
        demand(self.suspended_by == party, "SENDER_NOT_SUSPENDER")
        self.suspended_by = None

    def close(self, act: Four) -> None:
        """A signing party signs that the deal ends."""
        party = self.members.confirmed(act)
        demand(party in self.signing_parties, "SENDER_NOT_SIGNING_PARTY")
        demand(not self.closed, "DEAL_CLOSED")
        signed = self.closings.setdefault(self.in_force[-1], set())
        demand(party not in signed, "SIGNATURE_REPEATED")
        signed.add(party)
        self.closed = signed == self.signing_parties

    # ---- business days
    def seal(self, act: Four, day: int, statement: Statement) -> None:
        """A party signs its statement of a day."""
        party = self.members.confirmed(act)
        demand(party in self.signing_parties, "SENDER_NOT_SIGNING_PARTY")
        demand(day <= LAST_DAY, "ENTRY_DATE_INVALID")
        demand(sum(statement.clearing) == 0, "CLEARING_UNBALANCED")
        rising = sorted({*statement.breaks, bytes(32)})[1:]
        demand(list(statement.breaks) == rising, "BREAKS_UNORDERED")
        demand(day > self.sealed_through, "DAY_SEALED")
        self.sign_day(party, self.signing_parties, day, statement)
