"""Every command for deposits, claims, periods, lists, figures, keys and votes on a real anvil node.

A network keeps nothing of a dry run, so a dry run may know less there; it never changes anything,
and never fails where the real run does not.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.anvil import Anvil
from tests.cli.covered import COVERED, GUARANTOR, SHARED
from tests.cli.office import DEAL, LEAD, LOANS, SERVICER, Office, found_office, sign_deal

NEWCOMER = '[[member]]\nid = "bank-b"\nname = "B"\nroles = ["bank"]\n'
RECOVERY = "entry_ref,loan_ref,date,amount,cost\nZC-1,L-1,2026-06-20,500.00,20.00\n"

SHOWN: dict[tuple[str, ...], dict[str, object]] = {
    ("deposit", "show", "--deal", DEAL): {"deposit_minor": 17_000 - 100},
    ("claim", "show", DEAL): {"open_minor": {GUARANTOR: 429_470}},
    ("period", "show", DEAL, "--month", "2026-01"): {"status": "closed"},
    ("figure", "show", "--member", LEAD, "--at", "2026-06-01"): {"groups": {"outsider-o": SERVICER}},
    ("list", "show", "--bank", LEAD, "--at", "2027-01-01"): {"listed": []},
    ("deal", "show", DEAL): {"status": "active", "closing_signed": [LEAD]},
}
"""What a command shows once all of them ran."""


@pytest.fixture(scope="module")
def office(start_anvil: Callable[[int], Anvil], tmp_path_factory: pytest.TempPathFactory) -> Office:
    node = start_anvil(20251001)
    office = found_office(tmp_path_factory.mktemp("network"), "--dev", "--rpc", node.url)
    sign_deal(office, COVERED + SHARED[SHARED.index("[period]") :])
    office.file("member.toml", NEWCOMER)
    return office


def test_every_command_works_dry_and_real(office: Office) -> None:
    deal, bank = ["--deal", DEAL], ["--as", LEAD]
    listing = ["--bank", LEAD, "--party", GUARANTOR, "--role", "enhance", "--from", "2027-01-01"]
    loans, marks = office.file("l.csv", LOANS), office.file("o.csv", "loan_ref,since_date\nL-1,2026-02-10\n")
    steps: list[list[str | Path]] = [
        ["deposit", "pay", *deal, "--amount", "1000.00", "--date", "2026-01-09", "--as", GUARANTOR],
        ["deposit", "release", *deal, "--amount", "1.00", "--date", "2026-01-09", *bank],
        ["figure", "declare", "--figure", "all-loans", "--amount", "1.00", "--currency", "CNY",
         "--from", "2026-01-01", *bank],
        ["figure", "group", "--party", "outsider-o", "--group", SERVICER, *bank],
        ["loan", "submit", loans, *deal, "--as", SERVICER],
        ["overdue", "submit", marks, *deal, "--as", SERVICER],
        ["claim", "run", DEAL, "--date", "2026-05-11", "--as", SERVICER],
        ["recovery", "submit", office.file("r.csv", RECOVERY), *deal, "--as", SERVICER],
        ["write-off", "submit", office.file("w.csv", "loan_ref,date\nL-2,2026-06-01\n"), *deal, *bank],
        ["period", "close", DEAL, "--month", "2026-01", *bank],
        ["list", "add", *listing],
        ["list", "remove", *listing],
        ["deal", "suspend", DEAL, *bank],
        ["deal", "resume", DEAL, *bank],
        ["deal", "close", DEAL, *bank],
        ["member", "key", "add", *bank],
        ["member", "key", "replace", *bank],
        ["member", "admit", office.folder / "member.toml", *bank],
        ["member", "expel", "outsider-o", *bank],
        ["member", "replace-checker", SERVICER, *bank],
    ]  # fmt: skip
    for step in steps:
        with office.unchanged():
            dry = office.run(*step, "--dry-run", "--json")
        assert dry.exit_code == 0, (step, dry)
        real = office.run(*step, "--json")
        assert real.exit_code == 0, (step, real)
        counts = [name for name in ("posted", "approved", "waiting") if name in real.document]
        assert [dry.document[name] for name in counts] == [real.document[name] for name in counts]
    for arguments, keys in SHOWN.items():
        document = office.run(*arguments, "--json").document
        assert {name: document[name] for name in keys} == keys, arguments
