"""Sets of daily files: written and read, their totals held against their details."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import StatementInvalid, TotalsDiffer
from ledger.reconcile.files import read
from ledger.reconcile.files.jiebei import CONTROLS, ITEMS, UNCHECKED
from ledger.reconcile.files.set_contents import (
    AccrualLine,
    DayContents,
    DepositLine,
    InstalmentLine,
    ListLine,
    ShareLine,
    WaiverLine,
)
from ledger.reconcile.files.sets import layouts, read_set, write_set
from ledger.reconcile.lines import (
    CashLine,
    CompensationLine,
    DayTotal,
    Kind,
    LoanBalanceLine,
    LoanLine,
    RecoveryLine,
    RepaymentLine,
    State,
)
from tests.reconcile.files.made import DAY

money = st.integers(0, 10**12)
names = st.text("ABCabc0123-", min_size=1, max_size=12)
UNITS = [None, "yuan", "fen"]


@st.composite
def contents(draw: st.DrawFn) -> DayContents:
    def some(make: Any) -> list[Any]:
        return [make(i) for i in range(draw(st.integers(0, 3)))]

    loans = some(
        lambda i: LoanLine(
            i + 2, f"N{i}-{draw(names)}", DAY, draw(money), DAY + draw(st.integers(1, 800)),
            draw(st.integers(0, 240_000)), draw(st.sampled_from(State)), None, draw(names),
        )
    )  # fmt: skip
    return DayContents(
        date=DAY,
        loans=loans,
        repayments=some(
            lambda i: RepaymentLine(
                i + 2, f"R{i}", f"L{i}", DAY, draw(money), draw(money), draw(money), 0,
                cash_ref=draw(names),
            )
        ),
        waivers=some(lambda i: WaiverLine(f"X{i}", f"L{i}", DAY, draw(money), draw(money))),
        compensations=some(
            lambda i: CompensationLine(i + 2, f"C{i}", f"L{i}", DAY, draw(money), draw(names))
        ),
        recoveries=some(lambda i: RecoveryLine(i + 2, f"V{i}", f"L{i}", DAY, draw(money), 0)),
        balances=some(
            lambda i: LoanBalanceLine(
                i + 2, f"L{i}", draw(money), DAY - draw(st.integers(1, 200)) if i else 0,
                draw(money), draw(st.integers(1, 5)),
            )
        ),
        accruals=some(lambda i: AccrualLine(f"L{i}", draw(money), draw(money))),
        cash=some(lambda i: CashLine(i + 2, f"W{i}", DAY, draw(money) - 10**11, "", "")),
        shares=[ShareLine("2026-01", "platform-p", 100, "1", 200_000, 20, -3)],
        list_changes=[ListLine(DAY, "bank-a", "platform-p", "assist", "add", DAY)],
        deposit=[DepositLine("D1", DAY, "paid", 100, 500), DepositLine("D2", DAY, "drawn", 40, 460)],
    )  # fmt: skip


ROUND = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=8
)


def lines(found: Any, kind: Kind) -> list[Any]:
    return [line._replace(line=2) for line in found.statements[kind].lines]


def plain(rows: Any) -> list[Any]:
    return [line._replace(line=2) for line in rows]


@pytest.mark.parametrize("unit", UNITS)
@ROUND
@given(made=contents())
def test_the_thirteen_files_are_read_as_they_were_written(
    unit: str | None, made: DayContents, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("set")
    assert len(write_set(folder, made, layout="jiebei", unit=unit)) == 13
    found = read_set(folder, unit=unit)
    assert (found.layout, found.date, found.breaks) == ("jiebei", DAY, ())
    # Rates by the day have too few digits to compare; what did not go through has its own file.
    through = [one for one in made.loans if one.state is State.SUCCESS]
    others = [one for one in made.loans if one.state is not State.SUCCESS]
    expected = [one._replace(annual_rate_ppm=None) for one in [*through, *others]]
    assert lines(found, Kind.LOANS) == plain(expected)
    assert lines(found, Kind.REPAYMENTS) == plain(made.repayments)
    assert lines(found, Kind.BALANCES) == plain(made.balances)
    assert [one[:4] for one in lines(found, Kind.CASH)] == [one[:4] for one in plain(made.cash)]
    assert found.statements[Kind.BALANCES].date == DAY
    assert found.statements[Kind.LOANS].totals == (
        DayTotal(
            date=DAY, kind=Kind.LOANS, count=None,
            amount_minor=sum(one.principal_minor for one in through),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
@ROUND
@given(made=contents())
def test_the_ten_files_are_read_as_they_were_written(
    unit: str | None, made: DayContents, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("set")
    assert len(write_set(folder, made, layout="assisted", unit=unit)) == 10
    found = read_set(folder, unit=unit)
    assert (found.layout, found.breaks) == ("assisted", ())
    assert lines(found, Kind.LOANS) == plain(made.loans)
    assert lines(found, Kind.REPAYMENTS) == plain(made.repayments)
    assert lines(found, Kind.COMPENSATIONS) == plain(made.compensations)
    assert lines(found, Kind.RECOVERIES) == plain(made.recoveries)
    assert lines(found, Kind.BALANCES) == plain(made.balances)
    (total,) = found.statements[Kind.LOANS].totals
    through = [one.principal_minor for one in made.loans if one.state is State.SUCCESS]
    assert (total.count, total.amount_minor) == (len(through), sum(through))
    assert found.tables["profit_shares"].columns["adjustment"] == [-3]


DAY_ONE = DayContents(
    date=DAY,
    loans=[
        LoanLine(2, "N1", DAY, 500_000, DAY + 365, 140_700, cash_ref="F1"),
        LoanLine(3, "N2", DAY, 100, DAY + 30, None, State.IN_TRANSIT),
    ],
    plans=[
        InstalmentLine("N1", 1, DAY, DAY + 30, 200_000, 5),
        InstalmentLine("N1", 2, DAY + 30, DAY + 365, 300_000, 4),
    ],
    repayments=[
        RepaymentLine(2, "R1", "L9", DAY, 1000, 20, 3, cash_ref="W1"),
        RepaymentLine(3, "R2", "L8", DAY, 500, 10),
    ],
    waivers=[WaiverLine("X1", "L9", DAY, 5, 6)],
    compensations=[CompensationLine(2, "C1", "L9", DAY, 9000, "guarantor-g")],
    recoveries=[RecoveryLine(2, "V1", "L9", DAY, 100, 10)],
    balances=[
        LoanBalanceLine(2, "L9", 9000, DAY - 100, 30, 3),
        LoanBalanceLine(3, "L8", 7000, 0, 3, 1),
        LoanBalanceLine(4, "L7", 7000, DAY - 1, 3, 2),
        LoanBalanceLine(5, "L6", 7000, DAY - 91, 3, 2),
    ],
    accruals=[AccrualLine("L9", 3, 1), AccrualLine("L8", 2)],
    cash=[CashLine(2, "W1", DAY, 1023, "某平台"), CashLine(3, "F1", DAY, -500_000)],
    deposit=[DepositLine("D1", DAY, "paid", 100, 1000), DepositLine("D2", DAY, "drawn", 40, 960)],
)


@pytest.fixture(params=["jiebei", "assisted"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    write_set(tmp_path / "set", DAY_ONE, layout=request.param)
    return tmp_path / "set"


@pytest.fixture
def jiebei(tmp_path: Path) -> Path:
    write_set(tmp_path / "set", DAY_ONE, layout="jiebei")
    return tmp_path / "set"


@pytest.fixture
def assisted(tmp_path: Path) -> Path:
    write_set(tmp_path / "set", DAY_ONE, layout="assisted")
    return tmp_path / "set"


def change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / f"{name}_20260105.csv"
    text = path.read_text("utf-8")
    found, count = re.subn(old, new, text, count=1)
    assert count == 1, text
    path.write_text(found, "utf-8")


def test_every_total_is_held_against_its_details() -> None:
    assert len(ITEMS) == len(set(ITEMS)) == 43
    assert set(ITEMS) == {item for one in CONTROLS for item in one.items} | set(UNCHECKED)


@pytest.mark.parametrize("item", [item for item in ITEMS if item not in UNCHECKED])
def test_a_total_that_differs_is_refused_with_the_difference(item: str, jiebei: Path) -> None:
    change(jiebei, "accounting", rf"(?m)^{item},(\d+)$", rf"{item},1\g<1>")
    with pytest.raises(TotalsDiffer) as caught:
        read_set(jiebei)
    (problem,) = caught.value.problems
    assert item in problem.column.split(" + ")
    assert problem.file.endswith("accounting_20260105.csv") and "difference -" in problem.fix


@pytest.mark.parametrize("name", ["disbursements", "repayments", "waivers", "deposit_lines"])
def test_counts_and_sums_of_the_ten_files_are_checked(name: str, assisted: Path) -> None:
    change(assisted, "totals", rf"{name},(\d+),(\d+)\.", rf"{name},9\g<1>,8\g<2>.")
    with pytest.raises(TotalsDiffer) as caught:
        read_set(assisted)
    assert [one.column for one in caught.value.problems] == [name, name]


def test_rows_and_instalments_have_to_make_their_totals(jiebei: Path) -> None:
    change(jiebei, "repay_plan", "200000", "200001")
    change(jiebei, "repay_instmnt_detail", ",500,10,0,0", ",500,11,0,0")
    with pytest.raises(TotalsDiffer) as caught:
        read_set(jiebei)
    assert [(Path(one.file).name, one.line, one.column) for one in caught.value.problems] == [
        ("loan_detail_20260105.csv", 2, "encash_amt"),
        ("repay_instmnt_detail_20260105.csv", 3, "repay_amt"),
    ]


def test_a_deposit_whose_lines_do_not_follow_is_refused(assisted: Path) -> None:
    change(assisted, "deposit_lines", "9.60", "9.70")
    with pytest.raises(TotalsDiffer, match=r"deposit_lines_20260105.csv:3: balance"):
        read_set(assisted)


def test_a_missing_file_is_a_break_and_the_others_are_read(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        path.unlink()
        found = read_set(folder)
        (missing,) = found.breaks
        assert (missing.code, missing.cause, missing.field) == ("B14", "file_missing", path.name)
        assert (missing.ref, missing.date) == ("2026-01-05", DAY)
        path.write_bytes(content)


def test_a_folder_is_read_like_a_file(folder: Path) -> None:
    assert [line[1] for line in read(folder, kind="loans").lines] == ["N1", "N2"]
    (folder / next(p.name for p in folder.iterdir() if "repay" in p.name)).unlink()
    for name in ("repay_loan_detail", "repayments"):
        (folder / f"{name}_20260105.csv").unlink(missing_ok=True)
    without = read(folder, kind="repayments")
    assert without.missing is not None
    assert (without.missing.code, without.missing.ref, without.lines) == ("B14", "2026-01-05", [])


def test_a_kind_that_the_set_has_no_file_of_is_refused(jiebei: Path) -> None:
    with pytest.raises(StatementInvalid, match="no file of this kind"):
        read(jiebei, kind="recoveries")


def test_everything_wrong_in_any_file_is_named_at_once(jiebei: Path) -> None:
    change(jiebei, "loan_detail", ",500000,", ",5000.00,")
    change(jiebei, "loan_init", "OVD", "LATE")
    change(jiebei, "accounting", "encash_amt", "encash")
    with pytest.raises(StatementInvalid) as caught:
        read_set(jiebei)
    assert [(Path(one.file).stem[:-9], one.line, one.column) for one in caught.value.problems] == [
        ("loan_detail", 2, "encash_amt"), ("loan_init", 2, "status"),
    ]  # fmt: skip
    change(jiebei, "loan_detail", ",5000.00,", ",500000,")
    change(jiebei, "loan_init", "LATE", "OVD")
    with pytest.raises(StatementInvalid) as caught:
        read_set(jiebei)
    assert {one.what for one in caught.value.problems} == {"item missing", "unknown item"}


def test_names_of_borrowers_are_dropped(jiebei: Path) -> None:
    change(jiebei, "loan_detail", "N1,F1,,,,,1", "N1,F1,p,张三,01,110101199003071,1")
    found = read_set(jiebei)
    assert "张三" not in repr(found) and "110101199003071" not in repr(found)
    assert found.statements[Kind.LOANS].lines[0][1] == "N1"


def test_a_header_in_other_words_is_read_by_position(jiebei: Path) -> None:
    path = jiebei / "repay_plan_20260105.csv"
    header, _, rest = path.read_text("utf-8").partition("\n")
    chinese = ",".join(f"列{i}" for i in range(header.count(",") + 1))
    path.write_text(chinese + "\n" + rest, "utf-8")
    assert read_set(jiebei).tables["repay_plan"].columns["prin_amt"] == [200_000, 300_000]


def test_columns_of_the_banks_database_may_be_there(jiebei: Path) -> None:
    path = jiebei / "repay_plan_20260105.csv"
    rows = path.read_text("utf-8").splitlines()
    more = ["busi_date,file_order," + rows[0], *(f"20260105,1,{row}" for row in rows[1:])]
    path.write_text("\n".join(more) + "\n", "utf-8")
    assert len(read_set(jiebei).tables["repay_plan"].lines) == 2


@pytest.mark.parametrize(
    ("old", "new"), [("term_no", "nix"), ("term_no,", "term_no,nix,"), ("term_no", "contract_no")]
)
def test_headers_of_set_files_are_checked(old: str, new: str, jiebei: Path) -> None:
    change(jiebei, "repay_plan", old, new)
    with pytest.raises(StatementInvalid, match=r"repay_plan_20260105.csv:1"):
        read_set(jiebei)


def test_the_loan_that_went_through_is_not_in_transit_as_well(jiebei: Path) -> None:
    source, target = (jiebei / f"{name}_20260105.csv" for name in ("loan_detail", "lending_detail"))
    row = source.read_text("utf-8").splitlines()[1].replace("N1,F1,,,,,1", "N1,F1,,,,,3")
    target.write_text(target.read_text("utf-8") + row + "\n", "utf-8")
    found = read_set(jiebei).statements[Kind.LOANS].lines
    assert [(line[1], line.state) for line in found if isinstance(line, LoanLine)] == [
        ("N1", State.SUCCESS), ("N2", State.IN_TRANSIT),
    ]  # fmt: skip


def test_refunds_give_back_what_was_taken(jiebei: Path) -> None:
    change(jiebei, "fund_detail", r"P_DLGATE,1023,0", "P_WITHDRAW,-1023,1023")
    assert [line[3] for line in read(jiebei, kind="cash").lines] == [0, -500_000]


def test_days_are_kept_apart(jiebei: Path) -> None:
    for path in list(jiebei.iterdir()):
        (jiebei / path.name.replace("20260105", "20260106")).write_bytes(path.read_bytes())
    with pytest.raises(StatementInvalid, match="several business days"):
        read_set(jiebei)
    assert read_set(jiebei, date=DAY).date == DAY


def test_two_files_in_one_place_are_refused(jiebei: Path) -> None:
    (jiebei / "copy of repay_plan 20260105.txt").write_bytes(b"x")
    with pytest.raises(StatementInvalid, match="two files for one place"):
        read_set(jiebei)


def test_a_folder_without_a_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loans.csv").write_bytes(b"x")
    with pytest.raises(StatementInvalid, match="no set of daily files"):
        read(tmp_path, kind="loans")
    with pytest.raises(StatementInvalid, match="file cannot be read"):
        read_set(tmp_path / "none")


def test_files_in_gb18030_are_read(jiebei: Path) -> None:
    path = jiebei / "fund_detail_20260105.csv"
    path.write_bytes(path.read_text("utf-8").encode("gb18030"))
    assert read(jiebei, kind="cash").lines[0][4] == "某平台"


def test_no_layout_has_a_name_that_another_has_too() -> None:
    found = [one.name for layout in layouts().values() for one in layout.files]
    assert len(found) == len(set(found)) == 23
