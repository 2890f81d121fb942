"""Beancount agrees: its programs read every party's file, check it and come to the same balances.

They are run as programs; nothing of Beancount, which is GPL, is imported here or in the product.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest

from ledger.exports import beancount
from ledger.exports.beancount import ACCOUNTS, account_name, quoted
from ledger.waterfall import Account
from tests.cli.office import DEAL, LEAD, SERVICER, Office
from tests.exports.conftest import REFS, SEALED, exported, trial_balance

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
Made = dict[tuple[str, str], Path]


def bean(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAMS / f"bean-{program}", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def query(file: Path, words: str) -> list[list[str]]:
    done = bean("query", "-f", "csv", file, words)
    assert done.returncode == 0, done.stderr
    return [[cell.strip() for cell in row] for row in csv.reader(StringIO(done.stdout))][1:]


@pytest.mark.parametrize("name", ["sealed", "covered", "partnership", "supplied"])
def test_bean_check_finds_nothing_in_any_file(made: Made, name: str) -> None:
    files = sorted(made[name, "beancount"].iterdir())
    assert files and all(file.suffix == ".beancount" for file in files)
    for file in files:
        checked = bean("check", file)
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, ""), file


@pytest.mark.parametrize("name", ["sealed", "covered", "partnership", "supplied"])
def test_balances_that_beancount_computes_are_those_of_the_ledger(
    made: Made, all_offices: dict[str, Office], name: str
) -> None:
    computed = {}
    ours = trial_balance(all_offices[name])
    names = {account_name(deal, Account(account)): (deal, account) for deal, _, account in ours}
    for file in made[name, "beancount"].iterdir():
        for account, number in query(file, "SELECT account, sum(number) GROUP BY account"):
            # What balances a voucher that came from or went to another holder is on no account.
            if Decimal(number) and not account.startswith("Equity:"):
                deal, own = names[account]
                computed[deal, file.stem, own] = int(Decimal(number) * 100)
    assert computed == ours


def test_each_sealed_day_is_asserted_on_the_morning_after_with_what_was_signed(
    made: Made, all_offices: dict[str, Office]
) -> None:
    text = (made["sealed", "beancount"] / f"{LEAD}.beancount").read_text("utf-8")
    for day, morning in zip(SEALED, ("2026-02-01", "2026-04-01"), strict=True):
        show = all_offices["sealed"].run("day", "show", DEAL, "--date", day, "--json")
        (signed,) = {one["digest"] for one in show.document["signed"]}
        assert f'{morning} event "sealed {DEAL}" "{signed}"\n  day: {day}\n' in text
        clearing = show.document["book"]["clearing_minor"][LEAD]
        asserted = re.findall(rf"^{morning} balance \S+:Clearing +(\S+) ~ 0 CNY$", text, re.M)
        assert [int(Decimal(one) * 100) for one in asserted] == [clearing]


# ---- what bean-check finds


def _amount(text: str) -> str:
    """A fen more on both sides of one transaction: it still balances."""
    postings = list(re.finditer(r"^( +\S+ +)(-?\d+\.\d\d)( CNY)$", text, re.M))
    first, second = postings[:2]
    for posting, change in ((second, "-0.01"), (first, "0.01")):
        amount = Decimal(posting[2]) + Decimal(change)
        text = text[: posting.start(2)] + str(amount) + text[posting.end(2) :]
    return text


def _one_side(text: str) -> str:
    return re.sub(r"^( +\S+ +)(\d+)(\.\d\d CNY)$", r"\g<1>1\2\3", text, count=1, flags=re.M)


def _dropped(text: str) -> str:
    """A whole transaction."""
    return re.sub(r"^\d{4}-\d\d-\d\d \* .*?\n\n", "", text, count=1, flags=re.M | re.S)


def _twice(text: str) -> str:
    found = re.search(r"^\d{4}-\d\d-\d\d \* .*?\n\n", text, flags=re.M | re.S)
    assert found
    return text + "\n" + found[0]


def _assertion(text: str) -> str:
    """A fen less in the first assertion."""
    found = re.search(r"^\S+ balance \S+ +(-?\d+\.\d\d) ~ 0 CNY$", text, re.M)
    assert found
    changed = Decimal(found[1]) - Decimal("0.01")
    return text[: found.start(1)] + str(changed) + text[found.end(1) :]


def _backdated(text: str) -> str:
    """A late entry, moved from its business day to its value date: into a sealed day."""
    late = re.compile(r"^2026-02-01 \*( .*?\n  value-date: 2026-01-25\n)", re.M | re.S)
    assert late.search(text)
    return late.sub(r"2026-01-25 *\1", text, count=1)


@pytest.mark.parametrize("tamper", [_amount, _one_side, _dropped, _twice, _assertion, _backdated])
def test_bean_check_finds_what_was_altered(
    made: Made, tmp_path: Path, tamper: Callable[[str], str]
) -> None:
    text = (made["sealed", "beancount"] / f"{LEAD}.beancount").read_text("utf-8")
    altered = tmp_path / "altered.beancount"
    altered.write_text(tamper(text), "utf-8")
    assert altered.read_text("utf-8") != text
    checked = bean("check", altered)
    assert checked.returncode == 1
    assert "altered.beancount:" in checked.stderr


# ---- what is in the files


def test_refs_and_names_of_any_kind_come_back_as_they_were(made: Made) -> None:
    file = made["sealed", "beancount"] / f"{LEAD}.beancount"
    rows = query(file, "SELECT DISTINCT any_meta('loan') AS loan, any_meta('reference') AS ref")
    assert {row[0] for row in rows} - {""} == {*REFS}
    assert {row[1] for row in rows} - {""} == {'银行 "7"\\'}
    assert 'option "title" "南方城商行 (bank-a)"' in file.read_text("utf-8")


def test_an_entry_has_its_place_on_the_chain_and_its_value_date(made: Made) -> None:
    text = (made["sealed", "beancount"] / f"{LEAD}.beancount").read_text("utf-8")
    found = re.search(r'^2026-02-01 \* "joint-2026-01" "repayment"\n(?:  .*\n)+', text, re.M)
    assert found
    keys = re.findall(r"^  ([a-z-]+): (.*)$", found[0], re.M)
    assert dict(keys) | {"block": "", "log": ""} == {
        "entry": r'"late \\N"', "loan": r'"\\N"', "value-date": "2026-01-25",
        "by": f'"{SERVICER}"', "block": "", "transaction": "0", "log": "",
    }  # fmt: skip


def test_ids_stand_for_refs_that_the_folder_does_not_know(without_refs: Office) -> None:
    folder = exported(without_refs, "beancount")
    text = (folder / f"{LEAD}.beancount").read_text("utf-8")
    assert len({*re.findall(r'^  loan: "(0x[0-9a-f]{64})"$', text, re.M)}) == len(REFS)
    assert not any(ref in text for ref in REFS[:2])
    assert bean("check", folder / f"{LEAD}.beancount").returncode == 0


def test_the_same_ledger_gives_the_same_bytes_whatever_became_of_its_book(sealed: Office) -> None:
    first = {path.name: path.read_bytes() for path in exported(sealed, "beancount").iterdir()}
    for path in sealed.home.glob("book.sqlite*"):
        path.unlink()
    again = sealed.folder / "again"
    form = "book", "export", "--format", "beancount", "-o", again, "--lang", "zh"
    assert sealed.process(*form).exit_code == 0
    assert {path.name: path.read_bytes() for path in again.iterdir()} == first


def test_one_party_gets_one_file_and_the_deals_it_has_a_part_in(
    all_offices: dict[str, Office], tmp_path: Path
) -> None:
    done = all_offices["covered"].run(
        "book", "export", "--format", "beancount", "-o", tmp_path, "--member", "bank-c", "--json"
    )
    assert done.document["files"] == ["bank-c.beancount"]
    assert done.document["deals"] == ["short"]
    assert [path.name for path in tmp_path.iterdir()] == ["bank-c.beancount"]
    assert bean("check", tmp_path / "bank-c.beancount").returncode == 0


def test_whoever_holds_vouchers_has_a_file_though_no_party(
    all_offices: dict[str, Office], made: Made, tmp_path: Path
) -> None:
    form = "book", "export", "--format", "beancount", "-o", tmp_path, "--member", "tier-3"
    done = all_offices["supplied"].run(*form, "--json")
    assert done.document["files"] == ["tier-3.beancount"] and done.document["agrees"]
    assert done.document["deals"] == ["chain"]
    whole = made["supplied", "beancount"] / "tier-3.beancount"
    assert (tmp_path / "tier-3.beancount").read_bytes() == whole.read_bytes()
    traded = query(whole, "SELECT sum(number) WHERE account = 'Equity:Chain:Trade'")
    # 10 000.00 passed on to it, which it discounted.
    assert [[Decimal(cell) for cell in row] for row in traded] == [[Decimal("-10000.00")]]


def test_files_need_not_all_be_open_at_a_time(
    all_offices: dict[str, Office], made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beancount, "_PENDING_CHARACTERS", 100)
    form = "book", "export", "--format", "beancount", "-o", tmp_path
    assert all_offices["supplied"].run(*form).exit_code == 0
    whole = {path.name: path.read_bytes() for path in made["supplied", "beancount"].iterdir()}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == whole
    assert len(whole) == 9


def test_one_deal_alone(all_offices: dict[str, Office], made: Made, tmp_path: Path) -> None:
    office = all_offices["covered"]
    form = "book", "export", "--format", "beancount", "-o"
    assert office.run(*form, tmp_path, "--deal", "volume").exit_code == 0
    text = (tmp_path / "bank-a.beancount").read_text("utf-8")
    assert "Volume:" in text and "Shield:" not in text
    assert bean("check", tmp_path / "bank-a.beancount").returncode == 0


def test_every_account_has_a_legal_name_of_its_own() -> None:
    assert {*ACCOUNTS} == {*Account}
    names = {account_name(deal, account) for deal in ("a", "a-1", "9-x") for account in Account}
    assert len(names) == 3 * len(Account)
    for name in names:
        assert re.fullmatch(
            "(Assets|Liabilities|Equity|Income|Expenses)(:[A-Z0-9][A-Za-z0-9-]*)+", name
        )


def test_the_names_of_accounts_are_documented() -> None:
    page = (ROOT / "docs" / "reference" / "accounts.md").read_text("utf-8")
    named = re.findall(r"^\| `(\w+)` \| `(\S+)` \|$", page.split("## In Beancount")[1], re.M)
    assert named == [(one.value, account_name(DEAL, one)) for one in Account]


def test_nothing_in_a_text_ends_its_string() -> None:
    assert quoted('a"b\\') == '"a\\"b\\\\"'
    assert quoted("a\nb\x00c") == '"a b\N{REPLACEMENT CHARACTER}c"'


def test_the_product_imports_nothing_of_beancount() -> None:
    for path in (*ROOT.glob("ledger/**/*.py"), *ROOT.glob("cli/*.py"), *ROOT.glob("tests/**/*.py")):
        assert not re.search(r"^\s*(import|from) bean(count|query)", path.read_text("utf-8"), re.M)
