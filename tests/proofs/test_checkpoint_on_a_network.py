"""A checkpoint of a chain that a real node keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.anvil import Anvil
from tests.cli.office import DEAL, LEAD, LOANS, SERVICER, found_office, sign_deal
from tests.proofs import history


def test_members_of_a_network_sign_what_its_node_says(
    start_anvil: Callable[[int], Anvil], tmp_path: Path
) -> None:
    office = found_office(tmp_path / "network", "--dev", "--rpc", start_anvil(20251001).url)
    sign_deal(office)
    history.post(office, "loan", LOANS)
    history.seal(office, DEAL, "2026-01-10")
    old, new = office.folder / "old", office.folder / "new"
    assert office.run("checkpoint", "sign", "-o", old, "--as", LEAD).exit_code == 0
    history.seal(office, DEAL, "2026-02-01")
    assert office.run("checkpoint", "cosign", old, "--as", SERVICER).exit_code == 0
    assert office.run("checkpoint", "sign", "-o", new, "--as", SERVICER).exit_code == 0
    verified = office.run("checkpoint", "verify", new, "--extends", old, "--json")
    assert (verified.exit_code, verified.document["seals"]) == (0, 2)
    both = office.run("checkpoint", "verify", old, "--at-least", "2", "--json").document
    assert (both["signers"], both["seals"]) == ([LEAD, SERVICER], 1)
