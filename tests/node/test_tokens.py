"""A token lets in who was given it, until it expires or is revoked, and is kept nowhere."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import ChainUnusable, UsageInvalid
from ledger.node.callers import Caller, Scope
from ledger.node.tokens import TOKENS_FILE, Tokens

NOON = 1_790_000_000


class Clock:
    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(tmp_path: Path, clock: Clock) -> Tokens:
    return Tokens(tmp_path, now=clock, randomness=counted())


def counted() -> Callable[[int], bytes]:
    numbers = iter(range(1, 100))
    return lambda size: bytes([next(numbers)] * size)


def test_a_token_names_its_member_and_scope(tokens: Tokens) -> None:
    token = tokens.add("bank-a", Scope.SUBMIT, None)
    assert tokens.caller(token) == Caller("bank-a", Scope.SUBMIT)


def test_nothing_else_lets_anybody_in(tokens: Tokens) -> None:
    token = tokens.add("bank-a", Scope.READ, None)
    other = tokens.add("bank-b", Scope.READ, None)
    mixed = token[:21] + other[21:]
    assert mixed != token
    assert len(mixed) == len(token)
    for shown in ("", " ", token[:-1], token + "A", token.upper(), mixed, "pledger_", "é" * 64):
        assert tokens.caller(shown) is None, shown


def test_a_token_ends_when_it_expires(tokens: Tokens, clock: Clock) -> None:
    token = tokens.add("bank-a", Scope.READ, NOON + 60)
    clock.at = NOON + 59
    assert tokens.caller(token) is not None
    clock.at = NOON + 60
    assert tokens.caller(token) is None


def test_a_revoked_token_ends_at_once_also_where_it_is_known_already(
    tokens: Tokens, tmp_path: Path
) -> None:
    token = tokens.add("bank-a", Scope.READ, None)
    elsewhere = Tokens(tmp_path)
    assert elsewhere.caller(token) is not None
    gone = tokens.revoke(tokens.list()[0].token_id)
    assert gone.revoked_at == NOON
    assert elsewhere.caller(token) is None


def test_revoking_again_changes_nothing(tokens: Tokens, clock: Clock) -> None:
    tokens.add("bank-a", Scope.READ, None)
    token_id = tokens.list()[0].token_id
    tokens.revoke(token_id)
    clock.at += 100
    assert tokens.revoke(token_id).revoked_at == NOON


def test_an_unknown_id_is_named_but_not_a_whole_token(tokens: Tokens) -> None:
    token = tokens.add("bank-a", Scope.READ, None)
    with pytest.raises(UsageInvalid) as refused:
        tokens.revoke(token)
    assert token not in str(refused.value)
    assert tokens.list()[0].token_id in refused.value.expected


def test_the_file_holds_no_secret_and_is_its_owners_alone(tokens: Tokens, tmp_path: Path) -> None:
    token = tokens.add("bank-a", Scope.READ, None)
    path = tmp_path / TOKENS_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = path.read_text("utf-8")
    assert token.split("_", 2)[2] not in kept
    assert json.loads(kept)["tokens"][0]["member"] == "bank-a"


def test_tokens_of_two_processes_are_both_kept(tokens: Tokens, tmp_path: Path) -> None:
    first = tokens.add("bank-a", Scope.READ, None)
    second = Tokens(tmp_path).add("bank-b", Scope.READ, None)
    assert tokens.caller(first) is not None
    assert tokens.caller(second) == Caller("bank-b", Scope.READ)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format":2,"tokens":[]}', '{"format":1}'])
def test_with_a_file_that_cannot_be_read_nobody_is_let_in(tmp_path: Path, content: str) -> None:
    (tmp_path / TOKENS_FILE).write_text(content)
    with pytest.raises(ChainUnusable):
        Tokens(tmp_path).caller("pledger_" + "0" * 12 + "_" + "A" * 43)
