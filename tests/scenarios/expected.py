"""Expected: what every folder must come to, worked out from its files alone.

A reading of the money rules of its own, in exact fractions, that imports nothing of the ledger: no
split, rounding or posting of the code under test is used to say what is right. It plays the same
steps, takes what must be refused as refused, compares every fact, which was written by hand, and
writes the folder's expected.csv.

    python tests/scenarios/expected.py [--check] [FOLDER...]

With `--check` nothing is written; a trial balance that differs is named.
"""

from __future__ import annotations

import calendar
import copy
import csv
import re
import runpy
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ACCOUNTS = (
    "CASH", "CLEARING", "LOANS", "INTEREST", "PENALTY", "FEES", "DEPOSIT_PLACED", "DEPOSIT_HELD",
    "CLAIMS", "LOSSES", "RECOVERIES", "VOUCHERS_HELD", "VOUCHERS_OWED", "DISCOUNT",
)  # fmt: skip
REASON = re.compile(r"[A-Z]+(_[A-Z]+)+\b")
ONE = Fraction(1)


# ---- texts and divisions


def fen(text: str) -> int:
    """Minor units of an amount in major units."""
    amount = Fraction(text or 0) * 100
    assert amount.denominator == 1, text
    return int(amount)


def percent(text: str) -> Fraction:
    """Share or yearly rate of a percent text."""
    return Fraction(text.rstrip("%")) / 100


def half_up(amount: Fraction) -> int:
    """To the fen; half a fen goes up."""
    return int((2 * amount + 1) // 2)


def apportion(amount: int, weights: list[Fraction]) -> list[int]:
    """M2: from the last weight down to the second; the first takes what is left."""
    parts, left, total = [0] * len(weights), amount, sum(weights)
    for i in range(len(weights) - 1, 0, -1):
        parts[i] = half_up(left * weights[i] / total) if total else 0
        left, total = left - parts[i], total - weights[i]
    return [left, *parts[1:]]


def days_between(start: date, end: date, day_count: str) -> int:
    """The start day counts, the end day does not."""
    if day_count != "30/360":
        return (end - start).days
    months = 12 * (end.year - start.year) + end.month - start.month
    return 30 * months + min(end.day, 30) - min(start.day, 30)


def basis(day_count: str) -> int:
    return 365 if day_count == "ACT/365" else 360


# ---- a loan


class Loan:
    def __init__(self, row: dict[str, str], terms: dict[str, Any], version: int) -> None:
        self.terms, self.version = terms, version
        self.start = date.fromisoformat(row["start_date"])
        self.end = date.fromisoformat(row["maturity_date"])
        self.method = row["method"]
        self.rate = percent(row["annual_rate_pct"])
        self.principal = self.outstanding = fen(row["principal"])
        self.history = [(self.start, self.outstanding)]
        self.interest_settled = 0  # received or waived
        self.since: date | None = None
        self.lost = 0  # written off and not yet recovered
        self.status = "active"
        self.compensated = False
        self.claims = [0] * len(terms.get("loss", []))

    def lower(self, on: date, principal: int) -> None:
        assert 0 <= principal <= self.outstanding
        self.outstanding -= principal
        self.history.append((on, self.outstanding))

    def unpaid_interest(self, on: date) -> int:
        ends = [*(day for day, _ in self.history[1:]), on]
        count = self.terms["day_count"]
        accrued = sum(
            outstanding * days_between(day, end, count) * self.rate / basis(count)
            for (day, outstanding), end in zip(self.history, ends, strict=True)
        )
        return max(0, half_up(Fraction(accrued)) - self.interest_settled)

    def schedule(self) -> list[tuple[int, int]]:
        """Principal and interest of each month, or of the whole term for a bullet."""
        months = 12 * (self.end.year - self.start.year) + self.end.month - self.start.month
        dues = [self._month(n) for n in range(1, months + 1)]
        assert dues[-1] == self.end, "whole months"
        if self.method == "bullet":
            dues = [self.end]
        count = self.terms["day_count"]
        starts = [self.start, *dues[:-1]]
        rates = [
            self.rate * days_between(start, due, count) / basis(count)
            for start, due in zip(starts, dues, strict=True)
        ]
        factor, worth = ONE, Fraction(0)
        for rate in rates:
            factor /= 1 + rate
            worth += factor
        level, left, made = half_up(self.principal / worth), self.principal, []
        for n, rate in enumerate(rates, 1):
            interest = half_up(left * rate)
            part = {
                "equal_installment": level - interest,
                "equal_principal": half_up(Fraction(self.principal, len(dues))),
            }.get(self.method, 0)
            part = left if n == len(dues) else part
            made.append((part, interest))
            left -= part
        return made

    def _month(self, n: int) -> date:
        year, month = divmod(self.start.year * 12 + self.start.month - 1 + n, 12)
        day = min(self.start.day, calendar.monthrange(year, month + 1)[1])
        return date(year, month + 1, day)


# ---- a voucher


class Voucher:
    def __init__(self, row: dict[str, str]) -> None:
        self.core, self.supplier = row["core"], row["supplier"]
        self.due = date.fromisoformat(row["due_date"])
        self.amount = self.outstanding = fen(row["amount"])
        self.state = "issued"
        self.pieces: list[Piece] = []


class Piece:
    def __init__(self, voucher: Voucher, amount: int, holder: str) -> None:
        self.voucher, self.amount, self.holder = voucher, amount, holder
        self.state = "held"
        self.terms: dict[str, Any] = {}  # of its financing
        self.loan = ""
        self.price = 0
        self.buyer = ""
        voucher.pieces.append(self)


# ---- a deal


class Deal:
    def __init__(self, name: str) -> None:
        self.name = name
        self.versions: list[tuple[date, dict[str, Any]]] = []
        self.loans: dict[str, Loan] = {}
        self.balances: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.entries: dict[str, tuple[str, Loan | None, list[Any], list[Any]]] = {}
        self.deposit = self.disbursed = 0
        self.used: list[int] = []
        self.statements: dict[str, dict[str, int]] = {}
        self.moves: list[tuple[date, str, int]] = []  # not yet in a statement
        self.carried = self.opening = 0
        self.status = "active"
        self.closing: set[str] = set()
        self.vouchers: dict[str, Voucher] = {}
        self.pieces: dict[str, Piece] = {}
        self.open: tuple[list[Any], list[Any]] = ([], [])

    @property
    def terms(self) -> dict[str, Any]:
        return self.versions[-1][1]

    @property
    def outstanding(self) -> int:
        return sum(loan.outstanding for loan in self.loans.values())

    def post(self, party: str, account: str, amount: int) -> None:
        self.balances[account, party] += amount
        self.open[0].append((account, party, amount))

    def move(self, on: date, what: str, amount: int) -> None:
        self.moves.append((on, what, amount))
        self.open[1].append((on, what, amount))

    def entry(self, ref: str, loan_ref: str) -> None:
        """What follows belongs to this entry."""
        self.open = ([], [])
        assert ref not in self.entries, ref
        self.entries[ref] = (loan_ref, copy.deepcopy(self.loans.get(loan_ref)), *self.open)

    def reverse(self, ref: str) -> None:
        loan_ref, before, postings, moves = self.entries[ref]
        for account, party, amount in postings:
            self.balances[account, party] -= amount
        self.moves += [(on, what, -amount) for on, what, amount in moves]
        if before is None:
            self.disbursed -= self.loans[loan_ref].principal
            self.loans[loan_ref].outstanding, self.loans[loan_ref].status = 0, "reversed"
        else:
            self.loans[loan_ref] = before

    # -- entries of the submitted files

    def book(self, row: dict[str, str]) -> None:
        ref, start = row["loan_ref"], date.fromisoformat(row["start_date"])
        self.entry(ref, ref)
        version = max(n for n, (since, _) in enumerate(self.versions, 1) if since <= start)
        terms = self.versions[version - 1][1]
        loan = self.loans[ref] = Loan(row, terms, version)
        self.disbursed += loan.principal
        self.post(terms["disbursed_by"], "CASH", -loan.principal)
        self.post(terms["disbursed_by"], "CLEARING", loan.principal)
        for party, part in self._by_funder(terms, loan.principal):
            self.post(party, "LOANS", part)
            self.post(party, "CLEARING", -part)
        self.move(start, "principal", loan.principal)
        self.move(start, "disbursed", loan.principal)
        fee = terms.get("fee", {})
        due = fen(fee.get("per_loan", "0")) + half_up(
            loan.principal * percent(fee.get("per_loan_share", "0%"))
        )
        if due:
            for party, part in self._by_funder(terms, due):
                self._pay(party, fee["to"], "FEES", part)

    def repay(self, row: dict[str, str]) -> None:
        loan = self.loans[row["loan_ref"]]
        principal, interest, penalty, fee = (
            fen(row[name]) for name in ("principal", "interest", "penalty", "fee")
        )
        if loan.compensated or loan.status == "written_off":
            late = {"amount": principal + interest + penalty + fee, "cost": 0}
            self.recover(row["entry_ref"], row["loan_ref"], row["date"], **late)
            return
        self.entry(row["entry_ref"], row["loan_ref"])
        on, terms = date.fromisoformat(row["date"]), loan.terms
        self._collect(terms, principal + interest + penalty + fee)
        before = loan.outstanding
        loan.lower(on, principal)
        for party, part in self._principal(terms, before, loan.outstanding):
            self._give(party, "LOANS", part)
        for party, part in self._interest(terms, interest, loan.rate):
            self._give(party, "INTEREST", part)
        for party, part in self._shared(terms, terms.get("penalty", []), penalty):
            self._give(party, "PENALTY", part)
        if fee:
            rest = fee
            for tier in terms["fee"].get("split", []):
                taken = half_up(rest * percent(tier["share"]))
                self._give(tier["to"], "FEES", taken)
                rest -= taken
            self._give(terms["fee"]["to"], "FEES", rest)
        loan.interest_settled += interest
        if not loan.outstanding:
            loan.status = "settled"
        self.move(on, "principal", -principal)
        self.move(on, "interest", interest)

    def overdue(self, row: dict[str, str]) -> None:
        loan = self.loans[row["loan_ref"]]
        loan.since = date.fromisoformat(row["since_date"]) if row["since_date"] else None
        loan.status = "overdue" if loan.since else "active"

    def waive(self, row: dict[str, str]) -> None:
        self.entry(row["entry_ref"], row["loan_ref"])
        self.loans[row["loan_ref"]].interest_settled += fen(row["interest"])

    def write_off(self, row: dict[str, str]) -> None:
        loan, on = self.loans[row["loan_ref"]], date.fromisoformat(row["date"])
        self.entry(f"write-off/{row['loan_ref']}/{row['date']}", row["loan_ref"])
        loan.lost = loan.outstanding
        for party, part in self._by_funder(loan.terms, loan.lost):
            self.post(party, "LOSSES", part)
            self.post(party, "LOANS", -part)
        loan.lower(on, loan.lost)
        loan.status = "written_off"
        self.move(on, "principal", -loan.lost)
        self.move(on, "loss", loan.lost)

    def recover(self, ref: str, loan_ref: str, day: str, amount: int, cost: int) -> None:
        """M7; also what arrives after compensation or write-off."""
        self.entry(ref, loan_ref)
        loan, on = self.loans[loan_ref], date.fromisoformat(day)
        terms, cash = loan.terms, amount - cost
        residual = loan.lost if loan.status == "written_off" else loan.outstanding
        to_residual, to_layers, surplus = recovered(
            cash, residual, loan.claims, terms.get("loss", []),
            terms.get("claim", {}).get("recovery_order", "reverse"),
        )  # fmt: skip
        self._collect(terms, cash)
        for i, layer in enumerate(terms.get("loss", [])):
            self._give(layer["payer"], "CLAIMS", to_layers[i])
            loan.claims[i] -= to_layers[i]
            if layer.get("reinstates"):
                self.used[i] -= to_layers[i]
        account = "RECOVERIES" if loan.status == "written_off" else "LOANS"
        for party, part in self._principal(terms, residual, residual - to_residual):
            self._give(party, account, part)
        for party, part in self._by_funder(terms, surplus):
            self._give(party, "PENALTY", part)
        if loan.status == "written_off":
            loan.lost -= to_residual
            self.move(on, "loss", -to_residual)
        else:
            loan.lower(on, to_residual)
            self.move(on, "principal", -to_residual)

    # -- deposit, claims, periods

    def pay_deposit(self, amount: int) -> None:
        own = self.terms["deposit"]
        self.deposit += amount
        self.post(own["by"], "DEPOSIT_PLACED", amount)
        self.post(own["by"], "CASH", -amount)
        self.post(own["custodian"], "CASH", amount)
        self.post(own["custodian"], "DEPOSIT_HELD", -amount)

    def claim(self, on: date) -> int:
        """M6 for every loan past the trigger, in the order of booking."""
        claimed = 0
        for ref, loan in self.loans.items():
            rule = loan.terms["claim"]
            late = (on - loan.since).days if loan.since and loan.outstanding else -1
            if late >= rule["days_past_due"] and not loan.compensated:
                self.entry(f"claim of {ref}", ref)
                whole = rule.get("base") == "principal+interest"
                self._compensate(loan, on, loan.unpaid_interest(on) if whole else 0)
                claimed += 1
        return claimed

    def _compensate(self, loan: Loan, on: date, interest: int) -> None:
        terms, reach, paid = loan.terms, loan.outstanding + interest, 0
        for i, layer in enumerate(terms["loss"]):
            from_deposit = layer.get("source") == "deposit"
            pay = half_up(reach * percent(layer.get("share", "100%")))
            room = self._cap(layer.get("cap"))
            pay = pay if room is None else min(pay, max(0, room - self.used[i]))
            pay = min(pay, self.deposit) if from_deposit else pay
            self.used[i] += pay
            self.post(layer["payer"], "CLAIMS", pay)
            if from_deposit:
                self.deposit -= pay
                self.post(layer["payer"], "DEPOSIT_PLACED", -pay)
                self.post(terms["deposit"]["custodian"], "DEPOSIT_HELD", pay)
                self.post(terms["deposit"]["custodian"], "CLEARING", -pay)
            else:
                self.post(layer["payer"], "CLEARING", -pay)
            loan.claims[i], reach, paid = pay, reach - pay, paid + pay
        assert paid, "somebody pays"
        before, principal = loan.outstanding, min(paid, loan.outstanding)
        loan.lower(on, principal)
        for party, part in self._principal(terms, before, loan.outstanding):
            self._give(party, "LOANS", part)
        for party, part in self._by_funder(terms, paid - principal):
            self._give(party, "INTEREST", part)
        loan.compensated, loan.status = True, "compensated"
        self.move(on, "principal", -principal)
        self.move(on, "interest", paid - principal)

    def _cap(self, cap: dict[str, str] | None) -> int | None:
        if not cap:
            return None
        if "amount" in cap:
            return fen(cap["amount"])
        base = self.disbursed if "disbursed" in cap else self.outstanding
        return half_up(base * percent(next(iter(cap.values()))))

    def close_period(self, month: str) -> None:
        """M8. What came too late for an earlier month counts here, its days too."""
        rule, terms = self.terms["period"], self.terms
        first = date.fromisoformat(f"{month}-01")
        length = calendar.monthrange(first.year, first.month)[1]
        end = first + timedelta(days=length)
        own = [move for move in self.moves if move[0] < end]
        self.moves = [move for move in self.moves if move[0] >= end]
        made = {
            name: sum(amount for _, what, amount in own if what == name)
            for name in ("interest", "loss", "disbursed", "principal")
        }
        made["balance_days"] = self.opening * length + sum(
            amount * (end - on).days for on, what, amount in own if what == "principal"
        )
        self.opening += made["principal"]
        made |= {"outstanding": self.opening, "carried": self.carried, "carry": 0}
        if rule["rule"] == "excess":
            rate = percent(rule["bank_return"])
            made["bank_return"] = half_up(made["balance_days"] * rate / basis(terms["day_count"]))
            excess = made["interest"] - made["bank_return"] - made["loss"] + self.carried
            share = half_up(max(0, excess) * percent(rule["share"]))
            made["carry"] = self.carried = min(0, excess)
        else:
            share = volume_share(rule, made["interest"], made["disbursed"])
        late = sum(
            loan.outstanding for loan in self.loans.values()
            if loan.since and (end - loan.since).days > 90
        )  # fmt: skip
        for band in rule.get("risk", []):
            if "up_to" not in band or late <= percent(band["up_to"]) * self.opening:
                share = half_up(share * percent(band["multiplier"]))
                break
        self.statements[month] = made | {"platform": share}
        for party, part in self._by_funder(terms, share):
            self._pay(party, rule["to"], "INTEREST", part)

    # -- vouchers

    def issue(self, row: dict[str, str]) -> None:
        self.vouchers[row["voucher_ref"]] = Voucher(row)

    def confirm(self, ref: str) -> None:
        voucher = self.vouchers[ref]
        assert voucher.state == "issued"
        voucher.state = "confirmed"
        self.post(voucher.core, "VOUCHERS_OWED", -voucher.amount)
        self.post(voucher.supplier, "VOUCHERS_HELD", voucher.amount)
        self.pieces[ref] = Piece(voucher, voucher.amount, voucher.supplier)

    def split(self, row: dict[str, str]) -> None:
        parent, amount = self.pieces[row["piece_ref"]], fen(row["amount"])
        assert parent.state == "held" and 0 < amount < parent.amount
        parent.amount -= amount
        self.pieces[row["child_ref"]] = Piece(parent.voucher, amount, parent.holder)

    def transfer(self, row: dict[str, str]) -> None:
        self.entry(row["entry_ref"], "")
        piece = self.pieces[row["piece_ref"]]
        assert piece.state == "held"
        self.post(piece.holder, "VOUCHERS_HELD", -piece.amount)
        piece.holder = row["to"]
        self.post(piece.holder, "VOUCHERS_HELD", piece.amount)

    def finance(self, row: dict[str, str]) -> None:
        piece, on = self.pieces[row["piece_ref"]], date.fromisoformat(row["date"])
        assert piece.state == "held"
        version = max(n for n, (since, _) in enumerate(self.versions, 1) if since <= on)
        piece.terms = self.versions[version - 1][1]
        if row["form"] == "pledge":
            loan = {"start_date": row["date"], "maturity_date": str(piece.voucher.due)}
            self.book({"loan_ref": row["loan_ref"], "principal": row["amount"], "method": "bullet",
                       "annual_rate_pct": row["annual_rate_pct"], **loan})  # fmt: skip
            piece.state, piece.loan = "pledged", row["loan_ref"]
            return
        self.entry(row["entry_ref"], "")
        self._discount(piece, on, percent(row["annual_rate_pct"]))

    def _discount(self, piece: Piece, on: date, rate: Fraction) -> None:
        terms, amount = piece.terms, piece.amount
        days = days_between(on, piece.voucher.due, terms["day_count"])
        discount = half_up(amount * rate * days / basis(terms["day_count"]))
        cost = percent(terms.get("receivable", {}).get("core_cost", "0%"))
        by_core = half_up(discount * cost)
        proceeds = amount - discount + by_core
        self.post(piece.holder, "VOUCHERS_HELD", -amount)
        self.post(piece.holder, "DISCOUNT", discount - by_core)
        self.post(piece.holder, "CASH", proceeds)
        self.post(piece.voucher.core, "DISCOUNT", by_core)
        self.post(piece.voucher.core, "CLEARING", -by_core)
        self.post(terms["disbursed_by"], "CASH", -proceeds)
        self.post(terms["disbursed_by"], "CLEARING", proceeds)
        self._held_by_funders(terms, amount, 0)
        for party, part in self._interest(terms, discount, rate):
            self._give(party, "DISCOUNT", part)
        piece.state = "discounted"

    def settle(self, row: dict[str, str]) -> None:
        """The core enterprise pays; every live piece gets its part, a loan on it before its holder."""
        voucher, paid = self.vouchers[row["voucher_ref"]], fen(row["amount"])
        live = [piece for piece in voucher.pieces if piece.amount]
        parts = apportion(paid, [Fraction(piece.amount) for piece in live])
        voucher.outstanding -= paid
        for n, (piece, part) in enumerate(zip(live, parts, strict=True)):
            if piece.loan and self.loans[piece.loan].outstanding:
                self._repay_by(piece, row, n, part)
            self.entry(f"{row['entry_ref']}/{n}", "")
            self._owe_less(voucher, part)
            if piece.state == "discounted":
                self._collect(piece.terms, part)
                self._held_by_funders(piece.terms, piece.amount - part, piece.amount)
            else:
                self.post(piece.holder, "VOUCHERS_HELD", -part)
                self.post(piece.holder, "CASH", part)
            piece.amount -= part

    def _repay_by(self, piece: Piece, row: dict[str, str], n: int, part: int) -> None:
        loan = self.loans[piece.loan]
        interest = min(part, loan.unpaid_interest(date.fromisoformat(row["date"])))
        amounts = {
            "principal": min(part - interest, loan.outstanding), "interest": interest,
            "penalty": 0, "fee": 0,
        }  # fmt: skip
        self.repay(
            {"entry_ref": f"{row['entry_ref']}/loan/{n}", "loan_ref": piece.loan,
             "date": row["date"], **{name: yuan(own) for name, own in amounts.items()}}
        )  # fmt: skip

    def recourse(self, ref: str) -> None:
        piece = self.pieces[ref]
        assert piece.state == "discounted"
        self.entry(f"recourse of {ref}", "")
        self.post(piece.holder, "VOUCHERS_HELD", piece.amount)
        self.post(piece.holder, "CASH", -piece.amount)
        self._collect(piece.terms, piece.amount)
        self._held_by_funders(piece.terms, 0, piece.amount)
        piece.state = "held"

    def convert(self, row: dict[str, str]) -> None:
        """A loan of the deal to the core enterprise pays the piece."""
        piece = self.pieces[row["piece_ref"]]
        loan = row | {"start_date": row["date"], "principal": yuan(piece.amount)}
        self.book(loan | {"method": "bullet"})
        self.entry(row["entry_ref"], "")
        self._owe_less(piece.voucher, piece.amount)
        self.post(piece.terms["disbursed_by"], "CASH", piece.amount)
        self.post(piece.terms["disbursed_by"], "CLEARING", -piece.amount)
        self._held_by_funders(piece.terms, 0, piece.amount)
        piece.voucher.outstanding -= piece.amount
        piece.amount = 0

    def sell(self, ref: str) -> None:
        piece = self.pieces[ref]
        seller = piece.holder
        if piece.state == "discounted":
            (seller,) = (funder["party"] for funder in piece.terms["funding"])
        self.entry(f"sale of {ref}", "")
        for party, sign in ((seller, -1), (piece.buyer, 1)):
            self.post(party, "VOUCHERS_HELD", sign * piece.amount)
            self.post(party, "CASH", -sign * piece.price)
            self.post(party, "DISCOUNT", sign * (piece.price - piece.amount))
        piece.holder, piece.state = piece.buyer, "held"

    def _owe_less(self, voucher: Voucher, amount: int) -> None:
        self.post(voucher.core, "CASH", -amount)
        self.post(voucher.core, "VOUCHERS_OWED", amount)

    def _held_by_funders(self, terms: dict[str, Any], after: int, before: int) -> None:
        for party, part in self._principal(terms, after, before):
            self.post(party, "VOUCHERS_HELD", part)
            self.post(party, "CLEARING", -part)

    # -- postings

    def _pay(self, payer: str, payee: str, account: str, amount: int) -> None:
        self.post(payer, account, amount)
        self.post(payer, "CLEARING", -amount)
        self._give(payee, account, amount)

    def _give(self, party: str, account: str, amount: int) -> None:
        self.post(party, "CLEARING", amount)
        self.post(party, account, -amount)

    def _collect(self, terms: dict[str, Any], amount: int) -> None:
        self.post(terms["collected_by"], "CASH", amount)
        self.post(terms["collected_by"], "CLEARING", -amount)

    @staticmethod
    def _by_funder(terms: dict[str, Any], amount: int) -> Iterator[tuple[str, int]]:
        parts = apportion(amount, [percent(funder["share"]) for funder in terms["funding"]])
        yield from zip((funder["party"] for funder in terms["funding"]), parts, strict=True)

    def _principal(
        self, terms: dict[str, Any], before: int, after: int
    ) -> Iterator[tuple[str, int]]:
        """M3: by difference."""
        remain = dict(self._by_funder(terms, after))
        for party, part in self._by_funder(terms, before):
            yield party, part - remain[party]

    def _interest(
        self, terms: dict[str, Any], amount: int, rate: Fraction
    ) -> Iterator[tuple[str, int]]:
        """M4."""
        rest = amount
        for tier in terms.get("interest", []):
            taken = (
                half_up(rest * percent(tier["share"])) if "share" in tier
                else min(rest, half_up(amount * percent(tier["rate"]) / rate))
            )  # fmt: skip
            rest -= taken
            yield from self._to(terms, tier["to"], taken)
        yield from self._by_funder(terms, rest)

    def _shared(
        self, terms: dict[str, Any], tiers: list[dict[str, str]], amount: int
    ) -> Iterator[tuple[str, int]]:
        rest = amount
        for tier in tiers:
            taken = half_up(rest * percent(tier["share"]))
            rest -= taken
            yield from self._to(terms, tier["to"], taken)
        yield from self._by_funder(terms, rest)

    def _to(self, terms: dict[str, Any], to: str, amount: int) -> Iterator[tuple[str, int]]:
        yield from self._by_funder(terms, amount) if to == "funders" else [(to, amount)]


def recovered(
    cash: int, residual: int, claims: list[int], layers: list[dict[str, Any]], order: str
) -> tuple[int, list[int], int]:
    """M7: to the funders' residual, to each layer, above all claims."""
    owed = [residual, *claims]
    surplus = max(0, cash - sum(owed))
    cash -= surplus
    if order == "pro_rata":
        open_claims = [i for i, amount in enumerate(owed) if amount]
        parts = apportion(cash, [Fraction(owed[i]) for i in open_claims])
        given = dict(zip(open_claims, parts, strict=True))
        return given.get(0, 0), [given.get(i, 0) for i in range(1, len(owed))], surplus
    to_layers = []
    for i, layer in enumerate(layers):
        beyond = residual + sum(claims[i + 1 :])
        if percent(layer.get("share", "100%")) == 1:
            own = max(0, cash - beyond)
        else:
            own = apportion(cash, [Fraction(beyond), Fraction(claims[i])])[1] if claims[i] else 0
        to_layers.append(own)
        cash -= own
    return cash, to_layers, surplus


def volume_share(rule: dict[str, Any], interest: int, disbursed: int) -> int:
    """M8: the tier reached for the whole interest, or each slice at its own share."""
    lower, weighted, reached = 0, Fraction(0), Fraction(0)
    for tier in rule["tier"]:
        upper = fen(tier["up_to"]) if "up_to" in tier else max(disbursed, lower)
        if disbursed > lower or not lower:
            reached = percent(tier["share"])
        weighted += max(0, min(disbursed, upper) - lower) * percent(tier["share"])
        lower = upper
    if rule["reading"] == "whole":
        return half_up(interest * reached)
    return half_up(interest * weighted / disbursed) if disbursed else 0


# ---- a folder


class Folder:
    def __init__(self, path: Path, made: Path) -> None:
        self.path, self.made = path, made
        self.deals: dict[str, Deal] = {}
        self.listed: list[tuple[date, str, str, str, str, bool]] = []
        if (path / "generate.py").exists():
            runpy.run_path(str(path / "generate.py"))["write"](made)

    def file(self, name: str) -> Path:
        return next(p for p in (self.path / name, self.made / name) if p.exists())

    def rows(self, name: str) -> list[dict[str, str]]:
        with self.file(name).open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def play(self) -> None:
        lines = (self.path / "steps.csv").read_text("utf-8").splitlines()
        name = ""
        for step in csv.DictReader(line for line in lines if line and line[0] != "#"):
            name = step["deal"] or name
            if REASON.match(step["expect"]):
                continue
            deal = self.deals.setdefault(name, Deal(name))
            where = f"{self.path.name}: {step}"
            if step["does"] == "fact":
                found = self.fact(deal, step)
                wanted = fen(step["expect"]) if isinstance(found, int) else step["expect"]
                assert found == wanted, f"{where}: {found}"
                continue
            posted = self.step(deal, step)
            assert step["expect"] in ("", f"{posted} posted"), f"{where}: {posted}"

    def step(self, deal: Deal, step: dict[str, str]) -> int:
        does, words = step["does"], step["with"].split(" ")
        on = date.fromisoformat(step["date"]) if step["date"] else date.min
        if does == "deal agree":
            terms = tomllib.loads(self.file(words[0]).read_text("utf-8"))
            deal.versions.append((on, terms))
            deal.used = deal.used or [0] * len(terms.get("loss", []))
        elif does in ("deal suspend", "deal resume"):
            deal.status = "suspended" if does == "deal suspend" else "active"
        elif does == "deal close":
            deal.closing.add(step["who"])
            everybody = {funder["party"] for funder in deal.terms["funding"]}
            if deal.closing >= everybody | {deal.terms["servicer"]}:
                deal.status = "closed"
        elif does == "entry reverse":
            for ref in words:
                deal.reverse(ref)
        elif does == "deposit pay":
            deal.pay_deposit(fen(words[0]))
        elif does == "deposit release":
            deal.pay_deposit(-fen(words[0]))
        elif does == "claim run":
            return deal.claim(on)
        elif does == "period close":
            deal.close_period(words[0])
        elif does in ("list add", "list remove"):
            until = date.fromisoformat(words[3]) if len(words) > 2 else date.max
            self.listed.append((on, until, step["who"], *words[:2], does == "list add"))
        elif does.startswith("voucher "):
            return self._voucher(deal, does.removeprefix("voucher "), words)
        elif does not in ("figure declare", "figure group", "deal propose"):
            return self._submit(deal, does, words[0])
        return 0

    def _voucher(self, deal: Deal, does: str, words: list[str]) -> int:
        by_file = {
            "issue": deal.issue, "split": deal.split, "transfer": deal.transfer,
            "finance": deal.finance, "settle": deal.settle, "convert": deal.convert,
        }  # fmt: skip
        if does in by_file:
            for row in self.rows(words[0]):
                by_file[does](row)
            return len(self.rows(words[0]))
        if does == "confirm":
            refs = [ref for ref, own in deal.vouchers.items() if own.state == "issued"]
            for ref in refs if words == ["all"] else words:
                deal.confirm(ref)
        elif does == "cancel":
            for ref in words:
                deal.vouchers[ref].state = "cancelled"
        elif does == "recourse":
            for ref in words:
                deal.recourse(ref)
        elif does == "sell offer":
            piece = deal.pieces[words[0]]
            piece.buyer, piece.price = words[1], fen(words[2])
        elif does == "sell confirm":
            deal.sell(words[0])
        else:
            assert does in ("evidence", "dispute", "limit", "sell accept"), does
        return len(self.rows(words[0])) if does == "evidence" else 0

    def _submit(self, deal: Deal, does: str, name: str) -> int:
        rows = [row for row in self.rows(name) if row.get("entry_ref") not in deal.entries]
        for row in rows:
            if does == "recovery submit":
                amounts = {key: fen(row[key]) for key in ("amount", "cost")}
                deal.recover(row["entry_ref"], row["loan_ref"], row["date"], **amounts)
            else:
                {
                    "loan submit": deal.book,
                    "repayment submit": deal.repay,
                    "overdue submit": deal.overdue,
                    "waiver submit": deal.waive,
                    "write-off submit": deal.write_off,
                }[does](row)
        return len(rows)

    def fact(self, deal: Deal, step: dict[str, str]) -> int | str:
        name, *rest = step["with"].split(" ")
        on = date.fromisoformat(step["date"]) if step["date"] else date.max
        if name == "loan":
            return self._of_loan(deal.loans[rest[0]], rest[1:], on, deal)
        if name == "schedule":
            periods = deal.loans[rest[0]].schedule()
            chosen = [periods[int(rest[2]) - 1]] if len(rest) > 2 else periods
            kinds = {"principal": (1, 0), "interest": (0, 1), "instalment": (1, 1)}[rest[1]]
            return sum(p * kinds[0] + i * kinds[1] for p, i in chosen)
        if name == "total":
            return sum(v for (account, _), v in deal.balances.items() if account == rest[0])
        if name == "deposit":
            return deal.deposit
        if name == "top-up":
            own = deal.terms["deposit"]
            short = deal.deposit < percent(own["warn"]) * deal.outstanding
            target = half_up(percent(own["target"]) * deal.outstanding)
            return max(0, target - deal.deposit) if short else 0
        if name == "statement":
            return deal.statements[rest[0]]["_".join(rest[1:])]
        if name == "voucher":
            voucher = deal.vouchers[rest[0]]
            known = {"outstanding": voucher.outstanding, "status": voucher.state}
            return known[rest[1]]
        if name == "piece":
            piece = deal.pieces[rest[0]]
            own = {"amount": piece.amount, "holder": piece.holder, "status": piece.state}
            return own[rest[1]]
        if name == "listed":
            about = [
                yes for since, until, bank, *what, yes in self.listed
                if (bank, *what) == (step["who"], *rest) and since <= on <= until
            ]  # fmt: skip
            return "yes" if about and about[-1] else "no"
        if name == "status":
            return deal.status
        if name == "version":
            return str(max(n for n, (since, _) in enumerate(deal.versions, 1) if since <= on))
        return deal.balances[rest[0], name]

    @staticmethod
    def _of_loan(loan: Loan, words: list[str], on: date, deal: Deal) -> int | str:
        what, *party = words
        if what == "status":
            return loan.status
        if what == "version":
            return str(loan.version)
        if what == "days":
            return str((on - loan.since).days if loan.since else 0)
        if what == "claim":
            layers = zip(loan.terms["loss"], loan.claims, strict=True)
            return sum(own for layer, own in layers if layer["payer"] == party[0])
        if what == "part":
            return dict(deal._by_funder(loan.terms, loan.outstanding))[party[0]]
        return loan.outstanding

    def expected(self) -> str:
        """The trial balances as expected.csv has them."""
        for deal in self.deals.values():
            assert sum(deal.balances.values()) == 0, deal.name
        agreed = [deal for deal in self.deals.values() if deal.versions]
        parties: dict[str, None] = {}
        for deal in agreed:
            parties |= {party: None for _, party in deal.balances}
        lines = [",".join(["deal", "account", *parties])]
        for deal in agreed:
            for account in ACCOUNTS:
                cells = [deal.balances.get((account, party), 0) for party in parties]
                if any(cells):
                    lines.append(",".join([deal.name, account, *map(yuan, cells)]))
        return "\n".join(lines) + "\n"


def yuan(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02}"


def work_out(path: Path) -> str:
    """The text that a folder's expected.csv must have. Raises `AssertionError` for a wrong fact."""
    with tempfile.TemporaryDirectory() as made:
        folder = Folder(path, Path(made))
        folder.play()
        return folder.expected()


def main(arguments: list[str]) -> int:
    names = [name for name in arguments if name != "--check"]
    paths = [HERE / n for n in names] or sorted(file.parent for file in HERE.glob("*/steps.csv"))
    stale = []
    for path in paths:
        text, file = work_out(path), path / "expected.csv"
        if "--check" not in arguments:
            file.write_text(text, "utf-8")
        elif not file.exists() or file.read_text("utf-8") != text:
            stale.append(path.name)
    print("\n".join(f"differs: {name}" for name in stale) or f"{len(paths)} folders")
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
