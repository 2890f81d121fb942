"""2 466 real invoices as vouchers: issued, confirmed, pledged at 85 %, paid; to the last minor unit.

What it must come to is worked out here from the file alone, in exact fractions. The data lie beside
the repository.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import pytest

from tests.cli.office import Office

DATA = Path(__file__).parents[3] / "shared" / "data" / "receivables"
DEAL = "receivables"
LEAD, PARTNER, PLATFORM = "bank-a", "bank-b", "platform-p"
ADVANCE, RATE, TO_PLATFORM, TO_PARTNER = (
    Fraction(85, 100), Fraction(6, 100), Fraction(5, 100), Fraction(30, 100),
)  # fmt: skip
HEAD = """\
name = "receivables"
chain_id = 20251001
genesis_time = 2012-01-02T01:00:00Z
clock = "stepped"
"""
MEMBER = """\
[[member]]
id = "{0}"
name = "{0}"
roles = [{1}]
"""
BANK = 'licences = ["lending"]\nvalidator = true\n'
TERMS = """\
id = "receivables"
mode = "receivable"
currency = "USD"
day_count = "ACT/360"
servicer = "platform-p"
disbursed_by = "bank-a"
collected_by = "bank-a"
[[funding]]
party = "bank-a"
share = "70%"
[[funding]]
party = "bank-b"
share = "30%"
[[interest]]
to = "platform-p"
share = "5%"
[receivable]
cores = [{cores}]
advance = "85%"
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not DATA.is_dir(), reason="the receivables data are not beside the repository"
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """A line of the file."""

    ref: str
    core: str
    supplier: str
    issued: date
    due: date
    amount: int
    disputed: bool
    settled: date

    @property
    def principal(self) -> int:
        """85 %, never a part of a cent more; nothing of a disputed one."""
        return 0 if self.disputed else floor(self.amount * ADVANCE)

    @property
    def interest(self) -> int:
        """At 6 % from the issue date to the day on which it was settled, late or not."""
        days = (self.settled - self.issued).days
        return half_up(self.principal * RATE * days / 360)


def half_up(amount: Fraction) -> int:
    return floor(amount + Fraction(1, 2))


def divided(amount: int) -> tuple[int, int]:
    """Between the two banks: the lead takes what is left."""
    partner = half_up(amount * TO_PARTNER)
    return amount - partner, partner


@pytest.fixture(scope="module")
def invoices() -> list[Invoice]:
    with (DATA / "invoices.csv").open(encoding="utf-8", newline="") as file:
        return [
            Invoice(
                ref=row["voucher_ref"],
                core=row["core"],
                supplier=row["supplier"],
                issued=date.fromisoformat(row["issue_date"]),
                due=date.fromisoformat(row["due_date"]),
                amount=int(Fraction(row["amount"]) * 100),
                disputed=row["disputed"] == "yes",
                settled=date.fromisoformat(row["settled_date"]),
            )
            for row in csv.DictReader(file)
        ]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, invoices: list[Invoice]) -> Office:
    """The members and the deal."""
    office = Office(folder=tmp_path_factory.mktemp("receivables"))
    cores = sorted({one.core for one in invoices})
    suppliers = sorted({one.supplier for one in invoices})
    members = [
        MEMBER.format(LEAD, '"bank", "custodian"') + BANK,
        MEMBER.format(PARTNER, '"bank"') + BANK,
        MEMBER.format(PLATFORM, '"platform"'),
        *(MEMBER.format(core, '"core"') for core in cores),
        *(MEMBER.format(supplier, '"supplier"') for supplier in suppliers),
    ]
    config = office.file("consortium.toml", HEAD + "".join(members))
    done(office, "init", office.home, "--config", config, "--dev")
    terms = TERMS.format(cores=", ".join(f'"{core}"' for core in cores))
    proposed = done(office, "deal", "propose", office.file("deal.toml", terms), "--as", PLATFORM)
    for party in proposed["parties"]:
        done(office, "deal", "sign", DEAL, "--as", party)
    return office


def done(office: Office, *arguments: str | Path) -> Any:
    outcome = office.process(*arguments, "--json", timeout_seconds=900)
    assert outcome.exit_code == 0, outcome
    return outcome.document


def voucher(office: Office, verb: str, *arguments: str | Path, by: str = PLATFORM) -> Any:
    return done(office, "voucher", verb, *arguments, "--deal", DEAL, "--as", by)


def file_of(office: Office, name: str, head: str, rows: Iterable[tuple[Any, ...]]) -> Path:
    lines = [head, *(",".join(str(cell) for cell in row) for row in rows)]
    return office.file(name, "\n".join(lines) + "\n")


def money(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02}"


def balances(office: Office) -> Any:
    document = done(office, "balances", DEAL)
    assert document["in_balance"] is True
    return document["accounts"]


@pytest.fixture(scope="module")
def issued(office: Office, invoices: list[Invoice]) -> dict[str, Any]:
    """All of them issued and confirmed on their issue dates; the disputed ones are held."""
    report = voucher(office, "issue", DATA / "invoices.csv", "--allow-extra")
    assert (report["rows"], report["posted"], report["rejected"]) == (2466, 2466, [])
    for core in sorted({one.core for one in invoices}):
        voucher(office, "confirm", "--all", by=core)
        refs = [one.ref for one in invoices if one.disputed and one.core == core]
        voucher(office, "dispute", *refs, by=core)
    return dict(balances(office))


def finance_file(office: Office, name: str, chosen: Iterable[Invoice]) -> Path:
    rows = (
        (f"ZY-{one.ref}", one.ref, one.issued, "pledge", 6, f"L-{one.ref}",
         money(floor(one.amount * ADVANCE)))
        for one in chosen
    )  # fmt: skip
    head = "entry_ref,piece_ref,date,form,annual_rate_pct,loan_ref,amount"
    return file_of(office, name, head, rows)


@pytest.fixture(scope="module")
def financed(
    office: Office, invoices: list[Invoice], issued: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """The undisputed ones pledged at 85 % on their issue date."""
    file = finance_file(office, "finance.csv", [one for one in invoices if not one.disputed])
    return voucher(office, "finance", file), dict(balances(office))


@pytest.fixture(scope="module")
def paid(
    office: Office, invoices: list[Invoice], financed: tuple[Any, dict[str, Any]]
) -> dict[str, Any]:
    """Every one paid on the day on which it was settled."""
    rows = ((f"DF-{one.ref}", one.ref, one.settled, money(one.amount), one.ref) for one in invoices)
    head = "entry_ref,voucher_ref,date,amount,reference"
    report = voucher(office, "settle", file_of(office, "payments.csv", head, rows))
    assert report["rejected"] == []
    return dict(balances(office))


def account(accounts: dict[str, Any], name: str) -> dict[str, int]:
    """By members; those at 0 left out."""
    return {member: own[name] for member, own in accounts.items() if own[name]}


def sums(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for name, amount in pairs:
        found[name] += amount
    return {name: amount for name, amount in found.items() if amount}


def test_the_file_is_the_one_that_is_known(invoices: list[Invoice]) -> None:
    assert len(invoices) == 2466
    assert sum(one.disputed for one in invoices) == 561
    assert sum(one.settled > one.due for one in invoices) == 877
    assert sum(one.amount for one in invoices) == 14_770_318


def test_what_was_confirmed_is_owed_and_held_by_each(
    invoices: list[Invoice], issued: dict[str, Any]
) -> None:
    owed = sums((one.core, -one.amount) for one in invoices)
    assert account(issued, "VOUCHERS_OWED") == owed
    held = sums((one.supplier, one.amount) for one in invoices)
    assert account(issued, "VOUCHERS_HELD") == held


def test_disputed_vouchers_are_not_financed(
    office: Office, invoices: list[Invoice], issued: dict[str, Any]
) -> None:
    held = [one for one in invoices if one.disputed][:3]
    file = finance_file(office, "disputed.csv", held)
    outcome = office.process(
        "voucher", "finance", file, "--deal", DEAL, "--as", PLATFORM, "--json", timeout_seconds=900
    )
    assert outcome.exit_code == 3, outcome
    reasons = {row["reason"] for row in outcome.document["rejected"]}
    assert reasons == {"VOUCHER_DISPUTED"}


def test_each_bank_lends_its_share_of_85_percent(
    invoices: list[Invoice], financed: tuple[Any, dict[str, Any]]
) -> None:
    report, accounts = financed
    assert report["rejected"] == [] and report["rows"] == 1905
    parts = [divided(one.principal) for one in invoices]
    lent = sum(lead for lead, _ in parts), sum(partner for _, partner in parts)
    assert account(accounts, "LOANS") == {LEAD: lent[0], PARTNER: lent[1]}
    assert account(accounts, "CASH") == {LEAD: -sum(lent)}
    assert account(accounts, "CLEARING") == {LEAD: lent[1], PARTNER: -lent[1]}


def test_every_core_enterprise_paid_what_it_owed(
    invoices: list[Invoice], paid: dict[str, Any]
) -> None:
    assert account(paid, "VOUCHERS_OWED") == {}
    cash = account(paid, "CASH")
    for core, amount in sums((one.core, -one.amount) for one in invoices).items():
        assert cash[core] == amount


def test_every_supplier_got_its_invoices_and_each_loan_was_repaid_out_of_them(
    office: Office, invoices: list[Invoice], paid: dict[str, Any]
) -> None:
    """What a supplier keeps is its invoices less the interest; its loan passed through it."""
    assert account(paid, "VOUCHERS_HELD") == account(paid, "LOANS") == {}
    cash = account(paid, "CASH")
    for supplier, amount in sums((one.supplier, one.amount) for one in invoices).items():
        assert cash[supplier] == amount
    late = [one for one in invoices if one.settled > one.due and not one.disputed]
    chosen = (*late[::150], next(one for one in invoices if not one.interest and one.principal))
    for one in chosen:
        shown = done(office, "loan", "show", f"L-{one.ref}", "--deal", DEAL)
        assert (shown["status"], shown["outstanding_minor"]) == ("settled", 0)
        repaid = [own for own in shown["entries"] if own["kind"] == "repayment"]
        found = [(own["principal_minor"], own["interest_minor"], own["date"]) for own in repaid]
        assert found == [(one.principal, one.interest, str(one.settled))]


def test_each_bank_and_the_platform_earned_their_part_of_each_interest(
    invoices: list[Invoice], paid: dict[str, Any]
) -> None:
    platform = [half_up(one.interest * TO_PLATFORM) for one in invoices]
    banks = [divided(one.interest - own) for one, own in zip(invoices, platform, strict=True)]
    earned = {
        LEAD: sum(lead for lead, _ in banks),
        PARTNER: sum(partner for _, partner in banks),
        PLATFORM: sum(platform),
    }
    assert account(paid, "INTEREST") == {name: -amount for name, amount in earned.items()}
    cash, clearing = account(paid, "CASH"), account(paid, "CLEARING")
    assert cash[LEAD] == sum(earned.values())
    assert clearing == {
        LEAD: -earned[PARTNER] - earned[PLATFORM],
        PARTNER: earned[PARTNER],
        PLATFORM: earned[PLATFORM],
    }


def test_every_account_adds_up_and_nothing_else_was_posted(paid: dict[str, Any]) -> None:
    used = {name for own in paid.values() for name, amount in own.items() if amount}
    assert used == {"CASH", "CLEARING", "INTEREST"}
    assert sum(amount for own in paid.values() for amount in own.values()) == 0


def test_register_and_calendar_are_empty_in_the_end(office: Office, paid: dict[str, Any]) -> None:
    register = done(office, "voucher", "register", "--deal", DEAL)
    assert (register["total_minor"], register["in_balance"]) == (0, True)
    calendar = done(office, "voucher", "calendar", "--deal", DEAL)
    assert calendar["outstanding_minor"] == 0


def test_files_again_post_nothing(office: Office, paid: dict[str, Any]) -> None:
    report = voucher(office, "issue", DATA / "invoices.csv", "--allow-extra")
    assert (report["posted"], report["already_posted"]) == (0, 2466)
    for verb, name in (("finance", "finance.csv"), ("settle", "payments.csv")):
        report = voucher(office, verb, office.folder / name)
        assert (report["posted"], report["rejected"]) == (0, [])
    assert balances(office) == paid


def test_export_replays_ok(office: Office, paid: dict[str, Any]) -> None:
    exported = done(office, "export", office.folder / "export")
    report = done(office, "replay", exported["directory"], "--engine", "revm")
    assert (report["ok"], report["failures"]) == (True, [])
