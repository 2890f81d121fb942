"""Files in our own layout: what was written is read, and everything wrong is named."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import StatementInvalid, ValueInvalid
from ledger.reconcile.files import FileForm, detect, read
from ledger.reconcile.lines import Kind, LoanBalanceLine, LoanLine, RepaymentLine, State
from tests.reconcile.files.made import DAY, LINES, save, table, written

ROUND = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=12
)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@ROUND
@given(data=st.data())
def test_what_is_written_is_read(kind: Kind, encoding: str, tmp_path: Path, data: Any) -> None:
    lines = data.draw(LINES[kind])
    header, rows = table(lines)
    if not lines:
        return
    path = save(tmp_path / "day.csv", written(header, rows), encoding)
    # A single character in GB18030 may be UTF-8 as well: then only its sender knows.
    found = read(path, kind=kind, encoding=encoding if encoding == "gb18030" else None)
    assert found.lines == lines
    assert found.kind is kind
    dated = isinstance(lines[0], LoanBalanceLine)
    assert found.date == (DAY if dated else None)


def problems(path: Path, kind: Kind | str, **options: Any) -> list[tuple[int, str, str]]:
    with pytest.raises(StatementInvalid) as caught:
        read(path, kind=kind, **options)
    assert caught.value.exit_code == 2
    assert all(one.file == str(path) for one in caught.value.problems)
    return [(one.line, one.column, one.what) for one in caught.value.problems]


def test_optional_columns_may_be_missing(tmp_path: Path) -> None:
    path = save(tmp_path / "f", "principal,loan_ref,start_date\n10.5,007,2026-01-05\n")
    assert read(path, kind="loans").lines == [LoanLine(2, "007", DAY, 1050)]
    path = save(tmp_path / "f", "entry_ref,loan_ref,date,principal,interest\nR,L,2026-01-05,1,2\n")
    assert read(path, kind="repayments").lines == [RepaymentLine(2, "R", "L", DAY, 100, 200)]
    path = save(tmp_path / "f", "loan_ref,date,outstanding,overdue_since\nL,2026-01-05,1,\n")
    (line,) = read(path, kind="balances").lines
    assert line == LoanBalanceLine(2, "L", 100, 0, None, None)


def test_columns_in_any_order_read_the_same(tmp_path: Path) -> None:
    names = {"entry_ref": "R", "loan_ref": "L", "date": "2026-01-05", "amount": "3.00"}
    for order in permutations(names):
        path = save(tmp_path / "f", written(order, [[names[name] for name in order]]))
        (line,) = read(path, kind="compensations").lines
        assert line[:5] == (2, "R", "L", DAY, 300)


def test_columns_about_persons_are_dropped_whatever_they_are_called(tmp_path: Path) -> None:
    text = "loan_ref,姓名,start_date,ID_NUM,principal,手机号\nL,张三,2026-01-05,11010119900307457X,1,139\n"
    found = read(save(tmp_path / "f", text), kind="loans")
    assert "张三" not in repr(found) and "11010119900307457X" not in repr(found)
    assert len(found.lines) == 1


def test_numbers_of_identity_cards_in_texts_are_blotted_out(tmp_path: Path) -> None:
    card = "11010119900307109X"
    text = f"reference,value_date,amount,counterparty,text\nB,2026-01-05,1,p,还款 {card} 备注\n"
    (line,) = read(save(tmp_path / "f", text), kind="cash").lines
    assert line.text == f"还款 {'*' * 18} 备注"


def test_a_number_as_long_that_is_no_card_is_kept(tmp_path: Path) -> None:
    other = "110101199003071091"
    text = f"reference,value_date,amount,counterparty,text\nB,2026-01-05,1,p,{other}\n"
    (line,) = read(save(tmp_path / "f", text), kind="cash").lines
    assert line.text == other


def test_same_ref_twice_is_not_refused(tmp_path: Path) -> None:
    text = "loan_ref,start_date,principal\nL,2026-01-05,1\nL,2026-01-05,1\n"
    assert len(read(save(tmp_path / "f", text), kind="loans").lines) == 2


def test_every_bad_cell_of_every_row_is_named_with_line_and_column(tmp_path: Path) -> None:
    rows = ["a,b,2026-01-05,1.00,2.00,success"] * 9_000
    rows[3] = "a,b,2026-02-30,1.00,2.00,success"
    rows[8_500] = ",b,2026-01-05,1.005,-2.00,done"
    path = save(
        tmp_path / "f",
        "entry_ref,loan_ref,date,principal,interest,state\n" + "\n".join(rows) + "\n",
    )
    assert problems(path, "repayments") == [
        (5, "date", "not a date"),
        (8502, "entry_ref", "empty reference"),
        (8502, "principal", "more decimals than the currency has"),
        (8502, "interest", "negative amount"),
        (8502, "state", "unknown state"),
    ]


def test_rows_of_another_width_are_named_and_the_others_read(tmp_path: Path) -> None:
    text = "loan_ref,start_date,principal\nL,2026-01-05\nL,2026-01-05,1,2\nL,x,1\n"
    assert problems(save(tmp_path / "f", text), "loans") == [
        (2, "", "wrong number of columns"),
        (3, "", "wrong number of columns"),
        (4, "start_date", "not a date"),
    ]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("loan_ref,start_date", [("principal", "column missing")]),
        ("loan_ref,start_date,principal,principal", [("'principal'", "column there twice")]),
        ("loan_ref,start_date,principal,nix", [("'nix'", "unknown column")]),
        ("loan_ref,start_date,principal,leg:", [("'leg:'", "unknown column")]),
        ("a,b", [("'a'", "unknown column"), ("'b'", "unknown column")] + [
            (name, "column missing") for name in ("loan_ref", "start_date", "principal")
        ]),
    ],
)  # fmt: skip
def test_header_mistakes_are_named_at_once(
    header: str, found: list[tuple[str, str]], tmp_path: Path
) -> None:
    path = save(tmp_path / "f", header + "\n")
    assert [one[1:] for one in problems(path, "loans")] == found


def test_unknown_columns_may_be_allowed(tmp_path: Path) -> None:
    path = save(tmp_path / "f", "loan_ref,start_date,principal,nix\nL,2026-01-05,1,2\n")
    assert len(read(path, kind="loans", allow_extra=True).lines) == 1


def test_an_empty_file_is_refused_and_a_header_alone_is_an_empty_day(tmp_path: Path) -> None:
    assert problems(save(tmp_path / "f", ""), "loans") == [
        (1, "", "no row with the columns' names")
    ]
    path = save(tmp_path / "f", "loan_ref,start_date,principal\n")
    assert read(path, kind="loans").lines == []


def test_balances_of_two_days_are_refused(tmp_path: Path) -> None:
    text = "loan_ref,date,outstanding\nA,2026-01-05,1\nB,2026-01-06,1\n"
    assert problems(save(tmp_path / "f", text), "balances") == [
        (3, "date", "another day than the lines above")
    ]


def test_a_record_over_several_lines_keeps_the_line_where_it_starts(tmp_path: Path) -> None:
    text = 'reference,value_date,amount,text\nA,2026-01-05,1,"two\nlines"\n\nB,2026-01-05,-1,x\n'
    lines = read(save(tmp_path / "f", text), kind="cash").lines
    assert [line.line for line in lines] == [2, 5]


def test_open_quotes_are_named(tmp_path: Path) -> None:
    text = 'loan_ref,start_date,principal\n"L"x,2026-01-05,1\nM,2026-01-05,z\n'
    assert [one[0] for one in problems(save(tmp_path / "f", text), "loans")] == [2, 3]


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.csv", "loans")[0][2] == "file cannot be read"


def test_wrong_bytes_are_named_by_line_whatever_is_right_around_them(tmp_path: Path) -> None:
    path = tmp_path / "f"
    good = "L{},2026-01-05,1,张三\n"
    lines = [good.format(i).encode() for i in range(50)]
    lines[7] = b"L7,2026-01-05,1,\xff\xfe\n"
    lines[9] = b"L9,2026-01-05,x,ok\n"
    path.write_bytes(b"loan_ref,start_date,principal,\xe5\xa7\x93\xe5\x90\x8d\n" + b"".join(lines))
    assert problems(path, "loans") == [
        (9, "", "not text in this encoding"),
        (11, "principal", "not an amount"),
    ]


def test_wrong_bytes_in_gb18030_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "f"
    lines = ["loan_ref,start_date,principal,姓名\n", *("L,2026-01-05,1,张三\n" for _ in range(9))]
    raw = [line.encode("gb18030") for line in lines]
    raw[4] = b"L,2026-01-05,1,\xd5\xff\n"
    path.write_bytes(b"".join(raw))
    for encoding in (None, "gb18030", "GBK"):
        assert problems(path, "loans", encoding=encoding) == [(5, "", "not text in this encoding")]


def test_gb18030_read_as_utf8_is_refused_and_not_guessed_at(tmp_path: Path) -> None:
    path = save(tmp_path / "f", "loan_ref,start_date,principal\n张,2026-01-05,1\n", "gb18030")
    assert problems(path, "loans", encoding="utf-8") == [(2, "", "not text in this encoding")]


@pytest.mark.parametrize("word", ["某平台", "联通", "还款备注", "张三，李四"])
def test_chinese_in_gb18030_that_happens_to_be_utf8_is_known(word: str, tmp_path: Path) -> None:
    text = f"reference,value_date,amount,counterparty,text\nA,2026-01-05,1,p,{word}\n"
    for encoding in ("gb18030", "utf-8"):
        (line,) = read(save(tmp_path / "f", text, encoding), kind="cash").lines
        assert line.text == word


def test_letters_with_accents_do_not_make_a_file_chinese(tmp_path: Path) -> None:
    text = "reference,value_date,amount,counterparty,text\nA,2026-01-05,1,p,Café Zürich\n"
    (line,) = read(save(tmp_path / "f", text), kind="cash").lines
    assert line.text == "Café Zürich"


def test_nul_bytes_and_utf16_are_refused(tmp_path: Path) -> None:
    text = "loan_ref,start_date,principal\nL\0,2026-01-05,1\n"
    assert problems(save(tmp_path / "f", text), "loans") == [(2, "", "NUL byte")]
    assert problems(save(tmp_path / "f", text, "utf-16"), "loans") == [(1, "", "UTF-16 text")]


def test_an_encoding_that_is_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueInvalid, match="UTF-8 or GB18030"):
        read(save(tmp_path / "f", "x"), kind="loans", encoding="latin-1")


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"a,b\n", FileForm.CSV),
        (b"", FileForm.CSV),
        (b"\xef\xbb\xbf  <?xml version='1.0'?>", FileForm.XML),
        (b"<Document/>", FileForm.XML),
        (b"PK\x03\x04rest", FileForm.XLSX),
    ],
)
def test_a_file_is_known_by_its_content(content: bytes, form: FileForm, tmp_path: Path) -> None:
    path = tmp_path / "misleading.csv"
    path.write_bytes(content)
    assert detect(path) is form


def test_states_are_read(tmp_path: Path) -> None:
    text = "loan_ref,start_date,principal,state\n" + "".join(
        f"L{i},2026-01-05,1,{state}\n" for i, state in enumerate(["", *State])
    )
    found = read(save(tmp_path / "f", text), kind="loans").lines
    assert [line.state for line in found] == [State.SUCCESS, *State]


@pytest.mark.parametrize(
    "amount", ["1e5", "１２", "1,000.00", " 1", "+1", "0x1", "9" * 17, "nan", ""]
)
def test_amounts_in_any_other_form_are_refused(amount: str, tmp_path: Path) -> None:
    for other in ("1.00", "2"):
        rows = [["L", "2026-01-05", other], ["L", "2026-01-05", amount]]
        text = written(["loan_ref", "start_date", "principal"], rows)
        found = problems(save(tmp_path / "f", text), "loans")
        assert [one[:2] for one in found] == [(3, "principal")]


def test_amounts_have_the_decimals_of_the_currency(tmp_path: Path) -> None:
    text = "loan_ref,start_date,principal\nL,2026-01-05,{}\n"
    for amount, exponent, minor in (("7800", 0, 7800), ("1.234", 3, 1234), ("1.2", 3, 1200)):
        path = save(tmp_path / "f", text.format(amount))
        assert read(path, kind="loans", currency_exponent=exponent).lines[0][3] == minor
    path = save(tmp_path / "f", text.format("1.0"))
    assert problems(path, "loans", currency_exponent=0)


def test_refs_that_a_ledger_makes_up_are_longer_than_those_submitted(tmp_path: Path) -> None:
    text = "entry_ref,loan_ref,date,amount\n{},L,2026-01-05,1\n"
    for ref in ("compensation/" + "借" * 21 + "/2026-01-05", "x" * 128):
        (line,) = read(save(tmp_path / "f", text.format(ref)), kind="compensations").lines
        assert line[1] == ref
    for ref in ("x" * 129, "借" * 43, "借" * 30 + "\x01"):
        found = problems(save(tmp_path / "f", text.format(ref)), "compensations")
        assert [one[1] for one in found] == ["entry_ref"]


def test_a_hundred_thousand_lines_are_read_in_one_pass(tmp_path: Path) -> None:
    lines = [RepaymentLine(i + 2, f"R{i}", f"L{i % 7}", DAY, i, 2) for i in range(100_000)]
    header, rows = table(lines)
    found = read(save(tmp_path / "f", written(header, rows)), kind="repayments")
    assert found.lines == lines
