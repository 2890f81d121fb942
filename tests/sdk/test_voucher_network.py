"""Vouchers on a network: each part that was sent stays, and running again sends the rest."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger import consortium, reading, terms
from ledger.errors import EntryRejected
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.posting import Submitted
from ledger.voucher_entries import VoucherEntry
from tests.anvil import Anvil
from tests.cli.chain_credit import BANK, CONSORTIUM, CORE, FIRST, PLATFORM, SCF
from tests.cli.voucher_office import FREE_TERMS
from tests.sdk.test_voucher_planning import confirm, issue, pay, pledge, split


def approve(ledger: Ledger, done: Submitted, by: str) -> None:
    for action in done.actions:
        ledger.approve(action, by=by)


def test_each_member_sends_its_part_and_a_dry_run_says_so(
    start_anvil: Callable[[int], Anvil], tmp_path: Path
) -> None:
    members = consortium.read(tomllib.loads(CONSORTIUM))
    url = start_anvil(members.chain_id).url
    found(tmp_path / "ledger", members, rpc_url=url, passphrases=lambda *_: "")
    with Ledger.open(tmp_path / "ledger", passphrases=lambda *_: "") as ledger:
        agreed = terms.read(tomllib.loads(FREE_TERMS))
        ledger.propose(agreed, by=PLATFORM)
        for party in agreed.parties:
            ledger.approve(ledger.sign(SCF, by=party).hex(), by=party)

        def run(entries: list[VoucherEntry], by: str) -> tuple[int, int, int]:
            dry = ledger.submit(entries, deal=SCF, by=by, dry_run=True)
            done = ledger.submit(entries, deal=SCF, by=by)
            told = done.posted, done.already_posted, done.waiting
            assert (dry.posted, dry.already_posted, dry.waiting) == told
            approve(ledger, done, by)
            return told

        refs = ["A", "B"]
        assert run([issue(ref) for ref in refs], FIRST) == (2, 0, 0)
        assert run([confirm(ref) for ref in refs], CORE) == (0, 0, 2)
        assert run([confirm(ref) for ref in refs], CORE) == (0, 2, 0)
        financed: list[VoucherEntry] = [pledge(ref) for ref in refs]
        assert run(financed, PLATFORM) == (0, 0, 2)
        assert run(financed, FIRST) == (2, 0, 0)
        # Booked and pledged: of a dry run the second cannot be tried, and is not held against it.
        assert run(financed, PLATFORM) == (2, 0, 0)
        paid: list[VoucherEntry] = [pay(ref, 100_000) for ref in refs]
        for by in (CORE, PLATFORM, BANK):
            assert run(paid, by) == (2, 0, 0)
        assert run(paid, CORE) == (0, 2, 0)
        vouchers = reading.vouchers(ledger.book(), ledger.deal(SCF).deal)
        assert [voucher.status for voucher in vouchers] == ["paid", "paid"]

        # What went before a refused batch stays, and the rest follows after the repair.
        assert run([issue("C"), issue("D")], FIRST) == (2, 0, 0)
        assert run([confirm("C"), confirm("D")], CORE) == (0, 0, 2)
        assert run([split("C", "C-1")], FIRST) == (1, 0, 0)
        dear = pledge("D").model_copy(update={"amount_minor": 85_001})
        assert run([pledge("C"), dear], FIRST) == (2, 0, 0)
        with pytest.raises(EntryRejected) as refused:
            ledger.submit([pledge("C"), dear], deal=SCF, by=PLATFORM)
        assert [(row.ref, row.reason) for row in refused.value.rows] == [
            ("F-D", "ADVANCE_OVER_LIMIT")
        ]
        assert run([pledge("C")], PLATFORM) == (1, 0, 0)
        assert run([pledge("C")], PLATFORM) == (0, 1, 0)


