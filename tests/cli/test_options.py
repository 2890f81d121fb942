"""Options and environment that all commands share, exit codes, languages, and how fast help is."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version

import pytest

from tests.cli.office import DEAL, LOANS, SERVICER, Office


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "deal", "list"),
        ("deal", "--json", "list"),
        ("deal", "list", "--json"),
    ],
)
def test_json_may_stand_before_and_after_the_verb(office: Office, arguments: tuple[str, ...]) -> None:
    outcome = office.run(*arguments)
    assert outcome.exit_code == 0
    assert outcome.document["deals"][0]["deal"] == DEAL


@pytest.mark.parametrize("place", [0, 1, 3])
def test_ledger_and_member_may_stand_anywhere(office: Office, place: int) -> None:
    file = office.file("loans.csv", LOANS)
    words: list[str] = ["loan", "submit", str(file)]
    words[place:place] = ["--ledger", str(office.home), "--as", SERVICER]
    outcome = office.run(*words, "--deal", DEAL, "--json", PLEDGER_HOME="/nowhere")
    assert outcome.exit_code == 0
    assert outcome.document["posted"] == 3


def test_innermost_option_counts(office: Office) -> None:
    outcome = office.run("--ledger", "/nowhere", "deal", "list", "--ledger", office.home, "--json")
    assert outcome.exit_code == 0


def test_home_and_member_come_from_the_environment(office: Office) -> None:
    file = office.file("loans.csv", LOANS)
    outcome = office.run("loan", "submit", file, "--deal", DEAL, "--json", PLEDGER_AS=SERVICER)
    assert outcome.document["posted"] == 3


def test_option_overrules_the_environment(office: Office) -> None:
    file = office.file("loans.csv", LOANS)
    outcome = office.run(
        "loan", "submit", file, "--deal", DEAL, "--as", SERVICER, PLEDGER_AS="bank-a"
    )
    assert outcome.exit_code == 0


def test_no_acting_member_is_a_usage_error(office: Office) -> None:
    file = office.file("loans.csv", LOANS)
    with office.unchanged():
        outcome = office.run("loan", "submit", file, "--deal", DEAL)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert outcome.stderr == "no acting member; name one with --as MEMBER\n"


def test_acting_member_without_key_here_is_an_input_error(office: Office) -> None:
    (office.home / "keys" / "platform-p-maker.json").unlink()
    file = office.file("loans.csv", LOANS)
    outcome = office.run("loan", "submit", file, "--deal", DEAL, "--as", SERVICER)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "the key of platform-p cannot be used" in outcome.stderr


@pytest.mark.parametrize("content", ["", "{}", "[]", "no json", '{"address": "zz"}'])
def test_damaged_keystore_is_an_input_error(office: Office, content: str) -> None:
    (office.home / "keys" / "platform-p-maker.json").write_text(content)
    file = office.file("loans.csv", LOANS)
    outcome = office.run("loan", "submit", file, "--deal", DEAL, "--as", SERVICER)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "the key of platform-p cannot be used" in outcome.stderr


@pytest.mark.parametrize("member", ["nobody", "../keys/bank-a", ""])
def test_unknown_acting_member_is_an_input_error(office: Office, member: str) -> None:
    file = office.file("loans.csv", LOANS)
    with office.unchanged():
        outcome = office.run("loan", "submit", file, "--deal", DEAL, "--as", member)
    assert outcome.exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("loan", "frobnicate"),
        ("loan", "submit"),
        ("loan", "submit", "x.csv"),
        ("loan", "show", "L-1"),
        ("deal", "list", "--dry-run"),
        ("balances", DEAL, "extra"),
        ("--lock-timeout", "-1", "deal", "list"),
        ("--lang", "fr", "deal", "list"),
        ("replay", "--engine", "abacus"),
    ],
)
def test_usage_errors_exit_with_2(office: Office, arguments: tuple[str, ...]) -> None:
    outcome = office.run(*arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("Usage: pledger ")


def test_error_with_json_is_one_document_on_stdout(office: Office) -> None:
    outcome = office.run("balances", DEAL, "--json", "--ledger", office.folder / "none")
    assert outcome.exit_code == 4
    assert outcome.document["error"]["where"] == str(office.folder / "none")
    assert sorted(outcome.document["error"]) == [
        "expected", "fix", "found", "problems", "what", "where",
    ]  # fmt: skip


def test_installed_command_gives_the_same_as_in_process(lent: Office) -> None:
    for arguments in (("balances", DEAL), ("balances", DEAL, "--json"), ("member", "list")):
        assert lent.process(*arguments) == lent.run(*arguments)


def test_installed_command_leaves_with_the_exit_codes(office: Office) -> None:
    file = office.file("loans.csv", LOANS)
    submit = ("loan", "submit", file, "--deal", DEAL)
    assert office.process(*submit, "--as", "bank-a").exit_code == 3
    assert office.process(*submit).exit_code == 2
    assert office.process(*submit, "--as", SERVICER, PLEDGER_HOME="/nowhere").exit_code == 4
    assert office.process(*submit, "--as", SERVICER).exit_code == 0


def test_default_folder_is_ledger_data_here(office: Office) -> None:
    office.home.rename(office.folder / "ledger-data")
    outcome = office.process("deal", "list", "--json", PLEDGER_HOME="")
    assert outcome.exit_code == 0
    assert outcome.document["deals"][0]["deal"] == DEAL


def test_language_by_option_and_by_environment(office: Office) -> None:
    for outcome in (
        office.process("--lang", "zh", "balances", DEAL),
        office.process("balances", DEAL, "--lang=zh", PLEDGER_LANG="en"),
        office.process("balances", DEAL, PLEDGER_LANG="zh_CN.UTF-8"),
    ):
        assert outcome.stdout.splitlines()[-1] == "借贷平衡"
    assert office.process("balances", DEAL, PLEDGER_LANG="fr").stdout.endswith("in balance\n")


def test_help_exists_in_both_languages(office: Office) -> None:
    english, chinese = (office.process("--lang", lang, "--help").stdout for lang in ("en", "zh"))
    assert "Trial balance of a deal by party and account." in english
    assert "协议试算平衡表" in chinese
    assert office.process("--lang", "zh", "loan", "submit", "--help").exit_code == 0


def test_every_noun_has_help(office: Office) -> None:
    listed = office.run("--help").stdout.split("Commands:\n")[1]
    nouns = [line.split()[0] for line in listed.splitlines() if line[:2] == "  " != line[2:4]]
    assert {"init", "deal", "loan", "write-off", "entry", "replay", "demo"} <= set(nouns)
    for noun in nouns:
        assert office.run(noun, "--help").exit_code == 0, noun


def test_version_is_the_packages(office: Office) -> None:
    assert version("partnership-ledger") in office.run("--version").stdout


def test_help_loads_neither_chain_nor_models(office: Office) -> None:
    script = (
        "import sys, ledger.cli.root as root; root.pledger.main(['--help'], standalone_mode=False);"
        "heavy = {'web3', 'eth', 'lmdb', 'pydantic', 'rich', 'eth_abi'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_document_is_one_line_of_utf8(office: Office) -> None:
    outcome = office.process("member", "list", "--json")
    assert outcome.stdout.count("\n") == 1
    assert "南方城商行" in outcome.stdout
    assert json.loads(outcome.stdout)


def test_file_that_is_no_file_is_an_input_error(office: Office) -> None:
    for name in ("none.csv", "."):
        outcome = office.run(
            "loan", "submit", office.folder / name, "--deal", DEAL, "--as", SERVICER, "--json"
        )
        assert outcome.exit_code == 2
        assert "file cannot be read" in outcome.stderr
        assert outcome.document["posted"] == 0
