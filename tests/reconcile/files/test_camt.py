"""camt.053: what is written is read, in every version; what does not add up is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import StatementInvalid, TotalsDiffer
from ledger.reconcile.files import read
from ledger.reconcile.files.camt_writing import VERSIONS, write
from ledger.reconcile.lines import CashLine, Kind, Statement
from tests.reconcile.files.made import DAY, NOW, days, save

# XML has no control characters, and ISO 20022 no reference over 35 characters.
signed = st.integers(-(10**14), 10**14)
words = st.text(
    st.characters(min_codepoint=33, max_codepoint=126) | st.sampled_from("中文备注"), max_size=35
).filter(lambda word: word not in ("NOTPROVIDED", "NONREF") and not word.startswith("RVSL"))


@st.composite
def statements(draw: st.DrawFn) -> tuple[Statement, list[list[int]]]:
    rows = draw(st.lists(st.tuples(words, days, signed, words, words), max_size=8))
    lines = [CashLine(2, *row) for row in rows]
    batches = []
    if len(lines) > 2 and draw(st.booleans()):
        first = draw(st.integers(0, len(lines) - 2))
        for at in (first, first + 1):
            same = lines[first]
            amount = abs(lines[at].amount_minor) * (1 if same.amount_minor >= 0 else -1)
            lines[at] = lines[at]._replace(value_date=same.value_date, amount_minor=amount)
        batches = [[first, first + 1]]
    opening, day = draw(signed), draw(days)
    made = Statement(kind=Kind.CASH, file="", lines=list(lines), opening_minor=opening, date=day)
    return made, batches


@pytest.mark.parametrize("version", VERSIONS)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=10
)
@given(made=statements())
def test_what_is_written_is_read(version: str, tmp_path: Path, made: Any) -> None:
    statement, batches = made
    path = tmp_path / "f.xml"
    write(
        path, statement, account="110-2", currency="CNY", decimals=2, created=NOW, version=version,
        batches=batches,
    )  # fmt: skip
    found = read(path, kind="cash", currency="CNY", account="110-2")
    assert [line._replace(line=2) for line in found.lines] == statement.lines
    assert found.opening_minor == statement.opening_minor
    moved = sum(line.amount_minor for line in statement.lines)
    assert found.closing_minor == (statement.opening_minor or 0) + moved
    assert found.date == statement.date


LINES = [
    CashLine(2, "W-1", DAY, 102_300, "PLATFORM", "还款"),
    CashLine(2, "F-1", DAY, -780_000, "", ""),
    CashLine(2, "W-2", DAY + 1, 500, "", "RVSL 退回"),
]


@pytest.fixture
def document(tmp_path: Path) -> str:
    statement = Statement(
        kind=Kind.CASH, file="", lines=list(LINES), opening_minor=1_000_000, date=DAY + 1
    )
    path = tmp_path / "made.xml"
    write(path, statement, account="110-2", currency="CNY", decimals=2, created=NOW)
    return path.read_text("utf-8").replace("><", ">\n<")


def refused(tmp_path: Path, document: str, **options: Any) -> list[tuple[str, str, str]]:
    path = save(tmp_path / "f.xml", document)
    with pytest.raises(StatementInvalid) as caught:
        read(path, kind="cash", **options)
    for one in caught.value.problems:
        assert one.file == str(path)
        assert one.line
    return [(one.column, one.what, one.expected) for one in caught.value.problems]


def changed(document: str, old: str, new: str, count: int = 1) -> str:
    assert old in document
    return document.replace(old, new, count)


def test_lines_are_where_the_file_has_them(document: str, tmp_path: Path) -> None:
    path = save(tmp_path / "f.xml", document)
    found = read(path, kind="cash").lines
    rows = document.splitlines()
    assert [rows[line.line - 1] for line in found] == ["<TxDtls>"] * 3


def test_the_sign_is_the_indicators_also_for_a_reversal(document: str, tmp_path: Path) -> None:
    assert document.count("<RvslInd>true</RvslInd>") == 1
    found = read(save(tmp_path / "f.xml", document), kind="cash").lines
    assert [line.amount_minor for line in found] == [102_300, -780_000, 500]
    assert found[2].text == "RVSL 退回"


def test_references_are_taken_in_order(document: str, tmp_path: Path) -> None:
    references = [
        line.reference for line in read(save(tmp_path / "a", document), kind="cash").lines
    ]
    assert references == ["W-1", "F-1", "W-2"]
    text = re.sub(
        r"<EndToEndId>W-1", "<AcctSvcrRef>S-1</AcctSvcrRef>\n<EndToEndId>NOTPROVIDED", document
    )
    assert read(save(tmp_path / "a", text), kind="cash").lines[0].reference == "S-1"
    text = re.sub(r"<EndToEndId>.*</EndToEndId>", "<EndToEndId>NOTPROVIDED</EndToEndId>", document)
    found = read(save(tmp_path / "a", text), kind="cash").lines
    assert [line.reference for line in found] == ["1", "2", "3"]
    text = text.replace("</ValDt>", "</ValDt>\n<AcctSvcrRef>bank</AcctSvcrRef>")
    found = read(save(tmp_path / "a", text), kind="cash").lines
    assert [line.reference for line in found] == ["bank"] * 3


def test_names_of_persons_are_not_kept(document: str, tmp_path: Path) -> None:
    party = "<Dbtr>\n<Pty>\n<Nm>张三</Nm>\n<Id>\n<PrvtId>\n<Othr>\n<Id>110101199003071</Id>\n</Othr>\n</PrvtId>\n</Id>\n</Pty>\n</Dbtr>"
    text = re.sub(r"<Dbtr>.*?</Dbtr>", party, document, count=1, flags=re.DOTALL)
    assert text != document
    found = read(save(tmp_path / "f.xml", text), kind="cash")
    assert "张三" not in repr(found) and "110101199003071" not in repr(found)
    assert found.lines[0].counterparty == ""


def test_an_institution_is_the_counterparty(document: str, tmp_path: Path) -> None:
    assert read(save(tmp_path / "f", document), kind="cash").lines[0].counterparty == "PLATFORM"
    text = re.sub(
        r"<OrgId>.*?</OrgId>",
        "<OrgId>\n<AnyBIC>BKCHCNBJ</AnyBIC>\n</OrgId>",
        document,
        flags=re.DOTALL,
    )
    assert read(save(tmp_path / "f", text), kind="cash").lines[0].counterparty == "BKCHCNBJ"


def test_what_is_not_booked_is_no_line_and_no_part_of_the_balance(
    document: str, tmp_path: Path
) -> None:
    text = changed(document, "<Cd>BOOK</Cd>", "<Cd>PDNG</Cd>")
    assert [one[0].rsplit("/", 1)[1] for one in refused(tmp_path, text)] == [
        "Stmt[1]", "NbOfNtries", "Sum", "NbOfNtries", "Sum",
    ]  # fmt: skip


def test_balances_that_do_not_add_up_are_refused_with_the_difference(
    document: str, tmp_path: Path
) -> None:
    text = changed(document, ">10000.00<", ">10000.01<")
    with pytest.raises(TotalsDiffer, match=r"expected 3228.00; found 3228.01; difference 0.01"):
        read(save(tmp_path / "f.xml", text), kind="cash")


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (r"(<TtlNtries>\n<NbOfNtries>)3", r"\g<1>4", "TtlNtries/NbOfNtries"),
        (r"(<TtlCdtNtries>\n<NbOfNtries>.*\n<Sum>)1028.00", r"\g<1>1028.01", "TtlCdtNtries/Sum"),
        (r"(<TtlDbtNtries>\n<NbOfNtries>)1", r"\g<1>0", "TtlDbtNtries/NbOfNtries"),
    ],
)
def test_summaries_that_do_not_add_up_are_refused(
    old: str, new: str, where: str, document: str, tmp_path: Path
) -> None:
    text = re.sub(old, new, document)
    ((column, _, _),) = refused(tmp_path, text)
    assert column.endswith("/TxsSummry/" + where)


def batch(tmp_path: Path) -> str:
    lines = [CashLine(2, f"W-{i}", DAY, 100 + i, "", "") for i in range(3)]
    statement = Statement(kind=Kind.CASH, file="", lines=list(lines), date=DAY)
    path = tmp_path / "batch.xml"
    write(
        path, statement, account="1", currency="CNY", decimals=2, created=NOW, batches=[[0, 1, 2]]
    )
    return path.read_text("utf-8").replace("><", ">\n<")


def test_a_batch_is_a_line_for_each_transaction(tmp_path: Path) -> None:
    found = read(save(tmp_path / "f", batch(tmp_path)), kind="cash").lines
    assert [(line.reference, line.amount_minor) for line in found] == [
        ("W-0", 100), ("W-1", 101), ("W-2", 102),
    ]  # fmt: skip


def test_a_batch_without_its_transactions_is_one_line(tmp_path: Path) -> None:
    text = re.sub(r"<TxDtls>.*</TxDtls>", "", batch(tmp_path), flags=re.DOTALL)
    (line,) = read(save(tmp_path / "f", text), kind="cash").lines
    assert (line.reference, line.amount_minor) == ("1", 303)


def test_a_batch_whose_transactions_do_not_make_its_total_is_refused(tmp_path: Path) -> None:
    text = changed(batch(tmp_path), ">1.01<", ">1.02<")
    found = refused(tmp_path, text)
    assert [one[0].rsplit("/", 1)[1] for one in found] == ["TtlAmt", "Ntry[1]"]
    text = changed(batch(tmp_path), "<NbOfTxs>3", "<NbOfTxs>2")
    assert [one[1] for one in refused(tmp_path, text)] == [
        "number of transactions is not the batch's"
    ]


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("<CdtDbtInd>CRDT</CdtDbtInd>\n<RvslInd>", "<RvslInd>", "Ntry[3]", "element missing"),
        ("<MsgId>110-2-20260106</MsgId>", "", "GrpHdr", "element missing"),
        ("<BkTxCd>", "<Nix/>\n<BkTxCd>", "Ntry[1]/Nix", "element in a wrong place"),
        ("<BookgDt>", "<NtryRef>2</NtryRef>\n<BookgDt>", "Ntry[1]/NtryRef", "element in a wrong place"),
        ("<NtryRef>1</NtryRef>", "<NtryRef>1</NtryRef>\n<NtryRef>1</NtryRef>", "Ntry[1]/NtryRef",
         "element there too often"),
        ("<Cd>BOOK</Cd>", "<Cd>LATE</Cd>", "Ntry[1]/Sts", "value not allowed here"),
        ("<RvslInd>true", "<RvslInd>yes", "Ntry[3]/RvslInd", "value not allowed here"),
        ('"CNY">7800.00<', '"USD">7800.00<', "Ntry[2]/Amt", "another currency than the account's"),
        ('"CNY">7800.00<', '"CNY">7800.001<', "Ntry[2]/Amt", "more decimals than the currency has"),
        ('"CNY">7800.00<', '"CNY">-7800.00<', "Ntry[2]/Amt", "negative amount"),
        ('Ccy="CNY">7800.00<', ">7800.00<", "Ntry[2]/Amt", "element missing"),
        ("<ValDt>\n<Dt>2026-01-05", "<ValDt>\n<Dt>2026-02-30", "Ntry[1]/ValDt", "not a date"),
        ("<Cd>OPBD", "<Cd>ITBD", "Stmt[1]/Bal", "element missing"),
        ("<NbOfNtries>3", "<NbOfNtries>three", "TtlNtries/NbOfNtries", "value not allowed here"),
    ],
)  # fmt: skip
def test_what_is_out_of_place_is_named_by_its_path(
    old: str, new: str, where: str, what: str, document: str, tmp_path: Path
) -> None:
    found = refused(tmp_path, changed(document, old, new))
    assert found[0][0].endswith(where)
    assert found[0][1] == what


def test_zeros_beyond_the_currencys_decimals_say_nothing(document: str, tmp_path: Path) -> None:
    text = document.replace(">7800.00<", ">7800.00000<").replace(">5.00<", ">5<")
    found = read(save(tmp_path / "f", text), kind="cash").lines
    assert [line.amount_minor for line in found] == [102_300, -780_000, 500]


def test_another_currency_than_the_deals_is_refused(document: str, tmp_path: Path) -> None:
    assert (
        refused(tmp_path, document, currency="USD")[0][1] == "another currency than the account's"
    )


def _two(document: str, account: str, opening: str) -> str:
    start, end = document.index("<Stmt>"), document.index("</Stmt>") + len("</Stmt>")
    second = document[start:end].replace("110-2", account)
    second = re.sub(r"\n<Ntry>.*</Ntry>", "", second, flags=re.DOTALL)
    second = re.sub(r"<TxsSummry>.*</TxsSummry>\n?", "", second, flags=re.DOTALL)
    second = re.sub(r'">[0-9.]+</Amt>', f'">{opening}</Amt>', second)
    return document[:end] + second + document[end:]


def test_statements_of_one_account_follow_one_another(document: str, tmp_path: Path) -> None:
    found = read(save(tmp_path / "f", _two(document, "110-2", "3228.00")), kind="cash")
    assert (found.opening_minor, found.closing_minor, len(found.lines)) == (1_000_000, 322_800, 3)
    what = refused(tmp_path, _two(document, "110-2", "3228.01"))
    assert what[0][1] == "opening balance is not the closing balance before"


def test_of_several_accounts_one_has_to_be_named(document: str, tmp_path: Path) -> None:
    text = _two(document, "110-3", "7.00")
    save(tmp_path / "g", text)
    with pytest.raises(StatementInvalid, match="several accounts"):
        read(tmp_path / "g", kind="cash")
    assert read(tmp_path / "g", kind="cash", account="110-3").closing_minor == 700
    with pytest.raises(StatementInvalid, match="no statement of this account"):
        read(tmp_path / "g", kind="cash", account="110-4")


@pytest.mark.parametrize("declared", ["GB18030", "gbk"])
def test_chinese_encodings_are_read(declared: str, document: str, tmp_path: Path) -> None:
    text = changed(document, 'encoding="utf-8"', f'encoding="{declared}"')
    found = read(save(tmp_path / "f", text, "gb18030"), kind="cash").lines
    assert found[0].text == "还款"


def test_a_bank_statement_is_of_cash(document: str, tmp_path: Path) -> None:
    with pytest.raises(StatementInvalid, match="holds bank lines"):
        read(save(tmp_path / "f", document), kind="loans")


# ---- attacks


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE Document [<!ENTITY a "b">]>',
        '<!DOCTYPE Document [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
        '<!DOCTYPE Document [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1/x.dtd">',
        '<!DOCTYPE Document [<!ENTITY % a SYSTEM "file:///etc/hostname"> %a;]>',
    ],
)
def test_document_types_and_entities_are_refused(
    doctype: str, document: str, tmp_path: Path
) -> None:
    text = changed(document, "<Document", doctype + "<Document")
    with pytest.raises(StatementInvalid, match="document type or entities"):
        read(save(tmp_path / "f", text), kind="cash")


@pytest.mark.parametrize("element", ["x", "Nm", "NtryDtls"])
def test_huge_depth_is_refused(element: str, document: str, tmp_path: Path) -> None:
    text = changed(document, "<Ntry>", "<Ntry>" + f"<{element}>" * 20_000)
    found = refused(tmp_path, text)
    assert found[-1][1] == "elements nested too deep"


def test_texts_without_end_are_refused(document: str, tmp_path: Path) -> None:
    text = changed(document, "<NtryRef>1", "<NtryRef>" + "1" * 100_000)
    assert refused(tmp_path, text)[0][1] == "text of an element too long"


def test_what_is_not_whole_is_refused(document: str, tmp_path: Path) -> None:
    for text in (document[: len(document) // 2], "<a>", "<a/>", "< not xml", document + "<b/>"):
        with pytest.raises(StatementInvalid):
            read(save(tmp_path / "f", text), kind="cash")


@pytest.mark.parametrize("other", ["camt.053.001.09", "camt.052.001.08", "pain.001.001.03"])
def test_other_messages_are_refused(other: str, document: str, tmp_path: Path) -> None:
    text = changed(document, "camt.053.001.08", other)
    assert refused(tmp_path, text)[0][1] == "not a bank statement that is read here"


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(at=st.integers(0, 3_000), what=st.binary(max_size=6), size=st.integers(0, 30))
def test_damage_anywhere_is_refused_or_read_and_never_a_crash(
    at: int, what: bytes, size: int, document: str, tmp_path: Path
) -> None:
    raw = document.encode()
    path = tmp_path / "f.xml"
    path.write_bytes(raw[:at] + what + raw[at + size :])
    try:
        read(path, kind="cash")
    except StatementInvalid:
        pass
