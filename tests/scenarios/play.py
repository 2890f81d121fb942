"""Play: a folder of files that a banker can read, run through `pledger` step by step.

The README beside this file says what a folder holds and which steps and facts there are. A step
is one run of the command line; a fact is looked up with it too. Nothing here divides or adds up
money: what must come out stands in the folder.
"""

from __future__ import annotations

import csv
import re
import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.office import Office, Outcome

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent for path in HERE.glob("*/steps.csv"))
COLUMNS = ["date", "who", "does", "deal", "with", "expect", "note"]
_REASON = re.compile(r"[A-Z]+(_[A-Z]+)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of steps.csv."""

    line: int
    date: str
    who: str
    does: str
    deal: str
    with_: str
    expect: str

    @property
    def reason(self) -> str:
        """Why it must be refused; empty when it must be done."""
        first = self.expect.split(" ")[0]
        return first if _REASON.fullmatch(first) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A scenario as it lies on the disk."""

    path: Path
    story: str
    """The head of steps.csv."""
    steps: tuple[Step, ...]

    @property
    def consortium(self) -> Path:
        """Its own members, or those that most folders share."""
        own = self.path / "consortium.toml"
        return own if own.exists() else HERE / "consortium.toml"

    @property
    def deals(self) -> list[str]:
        """The deals that are agreed in it, in order."""
        return list(dict.fromkeys(s.deal for s in self.steps if s.does == "deal agree"))


def read(path: Path) -> Folder:
    """The steps of a folder with their lines. An empty deal is that of the line before."""
    lines = (path / "steps.csv").read_text("utf-8").splitlines()
    story = " ".join(line.strip("# ") for line in lines if line.startswith("#"))
    table = [(n, line) for n, line in enumerate(lines, 1) if line and line[0] != "#"]
    assert table[0][1].split(",") == COLUMNS, path
    steps: list[Step] = []
    for number, line in table[1:]:
        cells = [cell.strip() for cell in next(csv.reader([line]))]
        assert len(cells) == len(COLUMNS), f"{path.name}: line {number}"
        day, who, does, deal, with_, expect, _ = cells
        deal = deal or (steps[-1].deal if steps else "")
        steps.append(
            Step(line=number, date=day, who=who, does=does, deal=deal, with_=with_, expect=expect)
        )
    return Folder(path=path, story=story, steps=tuple(steps))


def play(office: Office, folder: Folder) -> None:
    """Play every step, then compare every deal with expected.csv. The ledger is founded."""
    generator = folder.path / "generate.py"
    if generator.exists():
        runpy.run_path(str(generator))["write"](office.folder)
    for step in folder.steps:
        where = f"{folder.path.name}/steps.csv:{step.line}: {step.does} {step.with_}"
        if step.does == "fact":
            found = fact(office, step)
            assert found == (minor(step.expect) if isinstance(found, int) else step.expect), where
        elif step.reason:
            _refused(office, folder, step, where)
        else:
            done = _run(office, folder, step)
            assert done.exit_code == 0, f"{where}\n{done.stderr}"
            if step.expect:
                assert f"{done.document['posted']} posted" == step.expect, where
    expected = read_expected(folder.path / "expected.csv")
    found_all = {deal: non_zero(_balances(office, deal)) for deal in folder.deals}
    assert {deal: found for deal, found in found_all.items() if found} == expected
    health = office.run("check")
    assert health.exit_code == 0, health.stdout


# ---- steps


def _run(office: Office, folder: Folder, step: Step) -> Outcome:
    if step.does == "deal agree":
        return _agree(office, folder, step)
    return office.run(*arguments(folder, step, office.folder), "--as", step.who, "--json")


def _agree(office: Office, folder: Folder, step: Step) -> Outcome:
    """Terms proposed, or amended from the step's date, and signed by every party."""
    known = office.run("deal", "list", "--json").document["deals"]
    amends = step.deal in {deal["deal"] for deal in known}
    proposed = office.run(
        *arguments(folder, step, office.folder, "deal amend" if amends else "deal propose"),
        "--as", step.who, "--json",
    )  # fmt: skip
    if proposed.exit_code == 0:
        for party in proposed.document["parties"]:
            signed = office.run("deal", "sign", step.deal, "--as", party)
            assert signed.exit_code == 0, signed.stderr
    return proposed


def _refused(office: Office, folder: Folder, step: Step, where: str) -> None:
    """Refused for exactly this reason, the further words said too, and nothing changed."""
    known = step.deal in {
        deal["deal"] for deal in office.run("deal", "list", "--json").document["deals"]
    }
    before = _balances(office, step.deal) if known else {}
    outcome = _run(office, folder, step)
    code = {"INPUT_INVALID": 2, "CLAIM_UNCOVERED": 0}.get(step.reason, 3)
    assert outcome.exit_code == code, f"{where}\n{outcome.stdout}{outcome.stderr}"
    if step.reason != "INPUT_INVALID":
        assert step.reason in _reasons(outcome.document), f"{where}\n{outcome.stderr}"
    for word in step.expect.split(" ")[1:]:
        assert word in outcome.stderr, f"{where}: {word}\n{outcome.stderr}"
    if known:
        assert _balances(office, step.deal) == before, where


def _reasons(document: Any) -> set[str]:
    # A loan that no layer pays for stands in nobody's way: it is skipped and named.
    rows = [*document.get("rejected", ()), *document.get("skipped", ())]
    return {row["reason"] for row in rows} or {document["error"]["where"]}


def arguments(folder: Folder, step: Step, made: Path, does: str = "") -> list[str]:
    """The words of the command, without `--as` and `--json`. `made`: where generated files lie."""
    does = does or step.does
    noun, verb = does.split(" ", 1)
    words = step.with_.split(" ")
    file = str(next((p for p in (folder.path / words[0], made / words[0]) if p.is_file()), ""))
    deal = ["--deal", step.deal]
    dated = ["--date", step.date]
    rest: dict[str, Callable[[], list[str]]] = {
        "deal propose": lambda: [file, *(["--from", step.date] if step.date else [])],
        "deal amend": lambda: [step.deal, file, "--from", step.date],
        "deal suspend": lambda: [step.deal],
        "deal resume": lambda: [step.deal],
        "deal close": lambda: [step.deal],
        "entry reverse": lambda: [*words, *deal, *(dated if step.date else [])],
        "deposit pay": lambda: [*deal, "--amount", words[0], *dated],
        "deposit release": lambda: [*deal, "--amount", words[0], *dated],
        "claim run": lambda: [step.deal, *dated],
        "period close": lambda: [step.deal, "--month", words[0]],
        "figure declare": lambda: [
            "--figure", words[0], "--amount", words[1], "--currency", "CNY", "--from", step.date,
        ],
        "figure group": lambda: ["--party", words[0], "--group", words[1]],
        "list add": lambda: _listing(step, words),
        "list remove": lambda: _listing(step, words),
        "voucher confirm": lambda: [
            *(["--all"] if words == ["all"] else words), *deal, *dated,
        ],
        "voucher cancel": lambda: [*words, *deal],
        "voucher dispute": lambda: [*words, *deal],
        "voucher recourse": lambda: [*words, *deal, *dated],
        "voucher sell offer": lambda: [
            words[0], "--buyer", words[1], "--price", words[2], *deal, *dated,
        ],
        "voucher sell accept": lambda: [words[0], "--price", words[1], *deal, *dated],
        "voucher sell confirm": lambda: [words[0], *deal, *dated],
        "voucher limit": lambda: [
            "--bank", step.who, "--core", words[0], "--amount", words[1],
        ],
    }  # fmt: skip
    if noun == "voucher" and does not in rest:
        assert file, f"{folder.path.name}: line {step.line}: no file {words[0]}"
        return [noun, verb, file, *deal]
    if verb == "submit":
        assert file, f"{folder.path.name}: line {step.line}: no file {words[0]}"
        return [noun, verb, file, *deal]
    return [noun, *verb.split(" "), *rest[does]()]


def _listing(step: Step, words: list[str]) -> list[str]:
    bank = step.who
    if words[0] == "of":
        _, bank, *words = words
    party, role, *until = words
    own = ["--bank", bank, "--party", party, "--role", role, "--from", step.date]
    return [*own, *(["--to", until[1]] if until else [])]


# ---- facts


def fact(office: Office, step: Step) -> int | str:
    """What a fact comes to now: minor units, or a word."""
    name, *rest = step.with_.split(" ")
    known: dict[str, Callable[[], int | str]] = {
        "loan": lambda: _of_loan(office, step, rest),
        "schedule": lambda: _of_schedule(office, step, rest),
        "voucher": lambda: _of_voucher(office, step, rest),
        "piece": lambda: _of_piece(office, step, rest),
        "total": lambda: sum(own[rest[0]] for own in _balances(office, step.deal).values()),
        "deposit": lambda: int(_shown(office, "deposit", "show", step)["deposit_minor"]),
        "top-up": lambda: int(_shown(office, "deposit", "show", step)["top_up_minor"]),
        "statement": lambda: int(
            _shown(office, "period", "show", step, "--month", rest[0])[f"{'_'.join(rest[1:])}_minor"]
        ),
        "listed": lambda: _listed(office, step, *rest),
        "status": lambda: str(_deal(office, step)["status"]),
        "version": lambda: str(_deal(office, step, "--at", step.date)["version"]),
    }
    if name in known:
        return known[name]()
    return int(_balances(office, step.deal)[name][rest[0]])


def _of_loan(office: Office, step: Step, words: list[str]) -> int | str:
    ref, what, *party = words
    dated = ("--date", step.date) if step.date else ()
    loan = office.run("loan", "show", ref, "--deal", step.deal, *dated, "--json").document
    if what == "status":
        return str(loan["status"])
    if what == "days":
        return str(loan["days_past_due"])
    if what == "version":
        return str(loan["version"])
    if what == "claim":
        return int(loan["claims"].get(party[0], 0))
    return int(loan["legs"][party[0]] if what == "part" else loan["outstanding_minor"])


def _of_voucher(office: Office, step: Step, words: list[str]) -> int | str:
    ref, what = words
    shown = office.run("voucher", "show", ref, "--deal", step.deal, "--json").document
    return str(shown["status"]) if what == "status" else int(shown["outstanding_minor"])


def _of_piece(office: Office, step: Step, words: list[str]) -> int | str:
    ref, what = words
    shown = office.run("voucher", "show", ref, "--deal", step.deal, "--json").document
    (piece,) = [piece for piece in shown["pieces"] if piece["piece_ref"] == ref]
    return int(piece["amount_minor"]) if what == "amount" else str(piece[what])


def _of_schedule(office: Office, step: Step, words: list[str]) -> int:
    ref, what, *period = words
    shown = office.run("loan", "schedule", ref, "--deal", step.deal, "--json").document
    place = shown["instalments"][int(period[0]) - 1] if period else shown
    return int(place[f"{what}_minor"])


def _listed(office: Office, step: Step, party: str, role: str) -> str:
    shown = office.run(
        "list", "show", "--bank", step.who, "--party", party, "--role", role,
        "--at", step.date, "--json",
    )  # fmt: skip
    return "yes" if shown.document["is_listed"] else "no"


def _shown(office: Office, noun: str, verb: str, step: Step, *options: str) -> Any:
    place = ("--deal", step.deal) if noun == "deposit" else (step.deal,)
    outcome = office.run(noun, verb, *place, *options, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    return outcome.document


def _deal(office: Office, step: Step, *options: str) -> Any:
    outcome = office.run("deal", "show", step.deal, *options, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    return outcome.document


# ---- balances


def _balances(office: Office, deal: str) -> dict[str, dict[str, int]]:
    outcome = office.run("balances", deal, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    accounts: dict[str, dict[str, int]] = outcome.document["accounts"]
    return accounts


def non_zero(balances: dict[str, dict[str, int]]) -> dict[tuple[str, str], int]:
    """Account and party to balance, those at 0 left out."""
    return {
        (account, party): amount
        for party, own in balances.items()
        for account, amount in own.items()
        if amount
    }


def read_expected(file: Path) -> dict[str, dict[tuple[str, str], int]]:
    """The trial balances of expected.csv by deal, those at 0 left out."""
    balances: dict[str, dict[tuple[str, str], int]] = {}
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            own = balances.setdefault(row.pop("deal"), {})
            account = row.pop("account")
            own |= {(account, party): minor(cell) for party, cell in row.items() if minor(cell)}
    return balances


def minor(text: str) -> int:
    """Minor units of an amount in major units; an empty cell is 0."""
    whole, _, decimals = text.lstrip("-").partition(".")
    assert re.fullmatch(r"\d*", whole) and re.fullmatch(r"(\d\d)?", decimals), text
    amount = int(whole or 0) * 100 + int(decimals or 0)
    return -amount if text.startswith("-") else amount
