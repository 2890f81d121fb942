"""Finality: from which block on a chain may still change.

A *branch* is the newest final block with those on top of it, each the child of the one before; its
last is the head. What comes after the final block may fall out again: Clique has no rule by which a
block could not. More than half of the validators would have to seal another branch for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ledger.chain.rpc_blocks import RpcBlock, as_bytes, block_of, clique_signers, sealer_of
from ledger.chain.rpc_node import NodeError, RpcNode
from ledger.chain.rpc_rules import Finality, Rule
from ledger.errors import ChainUnusable
from ledger.messages import text

_ATTEMPTS = 20
"""How often a node may change its chain while it is asked for the end of it."""


@dataclass(frozen=True, slots=True)
class _Signers:
    """Who may seal."""

    addresses: frozenset[bytes]
    complete: bool = True
    """False: as of block 0; who was voted in since is known by what it seals alone."""

    def agree(self, sealers: set[bytes]) -> bool:
        """Whether those who sealed are more than half."""
        wanted = self.addresses if self.complete else self.addresses | sealers
        return 2 * len(wanted & sealers) > len(wanted)


class Branches:
    """Asks a node for the branch at the end of its chain."""

    def __init__(self, node: RpcNode, rule: Rule | None = None) -> None:
        """`rule`: None to find out what the chain is when it is first asked for."""
        self._node = node
        self._rule = rule
        self._listed: frozenset[bytes] = frozenset()
        self._last: list[RpcBlock] = []

    @property
    def rule(self) -> Rule:
        """By what blocks of this chain are final."""
        if self._rule is None:
            self._rule = self._found_rule()
        return self._rule

    def branch(self) -> list[RpcBlock]:
        """The newest final block and all those on top of it, the head last."""
        rule = self.rule
        for _ in range(_ATTEMPTS):
            newest, signers = self._newest(rule)
            if self._last and self._last[-1].head == newest.head:
                return self._last
            found = self._walk(newest, rule, signers)
            if found is not None:
                self._last = found
                return found
        raise self._node.unusable(text("chain.head_unsteady", attempts=_ATTEMPTS))

    def _newest(self, rule: Rule) -> tuple[RpcBlock, _Signers]:
        """The head, and who may seal by now."""
        if rule is not Finality.CLIQUE:
            head = self._node.read("eth_getBlockByNumber", "latest", False)
            return block_of(head), _Signers(frozenset())
        head, signers = self._node.batch(
            [("eth_getBlockByNumber", ("latest", False)), ("clique_getSigners", ("latest",))]
        )
        if isinstance(head, NodeError):
            raise self._node.unusable(str(head)) from head
        if isinstance(signers, list):
            return block_of(head), _Signers(frozenset(map(as_bytes, signers)))
        return block_of(head), _Signers(self._founders(), complete=False)

    def _walk(self, newest: RpcBlock, rule: Rule, signers: _Signers) -> list[RpcBlock] | None:
        """From the newest block down to the final one; None when the chain changed meanwhile."""
        found = [newest]
        sealers: set[bytes] = set()
        while not self._is_final(found, rule, signers, sealers):
            below = self._below(found[-1], max(1, _wanted(rule, signers) - len(found)))
            for block in below:
                if block is None or block.head.block_hash != found[-1].parent_hash:
                    return None
                found.append(block)
                if self._is_final(found, rule, signers, sealers):
                    break
        return found[::-1]

    def _below(self, block: RpcBlock, count: int) -> Iterable[RpcBlock | None]:
        numbers = range(block.number - 1, max(-1, block.number - 1 - count), -1)
        answers = self._node.batch([("eth_getBlockByNumber", (hex(at), False)) for at in numbers])
        return (block_of(one) if isinstance(one, dict) else None for one in answers)

    def _found_rule(self) -> Rule:
        if self._node.ours is not None:
            return Finality.HEAD
        self._listed = clique_signers(self._node.read("eth_getBlockByNumber", "0x0", False))
        return Finality.CLIQUE if self._listed else Finality.HEAD

    def _founders(self) -> frozenset[bytes]:
        if not self._listed:
            genesis: dict[str, Any] = self._node.read("eth_getBlockByNumber", "0x0", False)
            self._listed = clique_signers(genesis)
        if not self._listed:
            raise ChainUnusable(
                text("chain.not_clique"), where=self._node.access.url, expected=Finality.CLIQUE
            )
        return self._listed

    def _is_final(
        self, found: list[RpcBlock], rule: Rule, signers: _Signers, sealers: set[bytes]
    ) -> bool:
        """Whether the last of the blocks, the newest first, is final; notes who sealed it."""
        lowest = found[-1]
        if lowest.number == 0:
            return True
        if rule is not Finality.CLIQUE:
            return len(found) >= _wanted(rule, signers)
        try:
            sealers.add(sealer_of(lowest))
        except ValueError as error:
            raise self._node.unusable(f"{lowest.number}: {error}") from error
        return signers.agree(sealers)


def _wanted(rule: Rule, signers: _Signers) -> int:
    """How many blocks a branch has, as far as one can say."""
    if isinstance(rule, Finality):
        return len(signers.addresses) // 2 + 1 if rule is Finality.CLIQUE else 1
    return rule + 1
