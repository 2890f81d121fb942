"""Node: a ledger's chain, open to answer requests and to seal what members send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ledger.chain.clock import Clock
from ledger.chain.local import LocalEngine
from ledger.errors import LedgerError, UsageInvalid
from ledger.founding import KEYS_FOLDER, Settings, open_engine, read_settings
from ledger.keys import Keyring, KeyUse, Passphrases, open_passphrases
from ledger.messages import text
from ledger.node.callers import Caller
from ledger.node.difficulty import TotalDifficulty
from ledger.node.filters import Filters
from ledger.node.methods import methods
from ledger.node.moment import Moment
from ledger.node.pool import Pool, PoolLimits
from ledger.node.recent import RecentStates
from ledger.node.refusals import RpcRefused, failed, method_unknown
from ledger.node.values import Arguments

__all__ = ["Node", "RpcRefused"]

BLOCK_SECONDS = 1
LOCK_TIMEOUT_SECONDS = 30


class Node:
    """Answers requests from many threads; one thread of its own seals."""

    def __init__(
        self,
        directory: Path,
        *,
        passphrases: Passphrases = open_passphrases,
        clock: Clock | None = None,
        block_seconds: int = BLOCK_SECONDS,
        limits: PoolLimits | None = None,
        lock_timeout_seconds: int = LOCK_TIMEOUT_SECONDS,
    ) -> None:
        """Open the chain of a ledger's folder with the validators' keys that are there.

        `block_seconds`: at least so long between two blocks. Raises `LedgerUnusable`,
        `UsageInvalid` where the chain is on a network, and `KeyUnavailable`.
        """
        self.settings = read_settings(directory)
        if self.settings.rpc_url is not None:
            raise UsageInvalid(text("queue.chain_elsewhere"), where=str(directory))
        keyring = Keyring(
            directory / KEYS_FOLDER, open_passphrases if self.settings.dev else passphrases
        )
        engine = open_engine(
            directory, self.settings, keyring, lock_timeout_seconds=lock_timeout_seconds
        )
        assert isinstance(engine, LocalEngine)
        engine.clock = clock or engine.clock
        self.engine = engine
        try:
            _open_keys(keyring, self.settings)
        except BaseException:
            engine.close()
            raise
        self._recent = RecentStates(engine)
        self.pool = Pool(
            engine,
            block_seconds=block_seconds,
            limits=limits,
            copied=self.settings.imported,
            idle=self._recent.expire,
        )
        self._methods = methods(self.settings, Filters())
        self._totals = TotalDifficulty()

    def start(self) -> None:
        """Begin to seal."""
        with self.engine.reading() as view:
            self._totals.at(view, self.engine.head().number)
        self.pool.start()

    def stop(self) -> None:
        """Take nothing more, seal what was taken, and let go of the folder."""
        self.pool.stop()
        self._recent.close()
        self.engine.close()

    def answer(self, caller: Caller, method: str, params: list[Any]) -> Any:
        """The result of a request, from any thread. Raises `RpcRefused`."""
        found = self._methods.get(method)
        if found is None:
            raise method_unknown(method)
        arguments = Arguments(params, required=found.required, most=found.most)
        try:
            with self.engine.reading() as view:
                moment = Moment(
                    caller=caller,
                    engine=self.engine,
                    view=view,
                    pool=self.pool,
                    totals=self._totals,
                    recent=self._recent,
                )
                self._recent.note(moment.number)
                return found.function(moment, arguments)
        except LedgerError as error:
            raise failed(str(error)) from error


def _open_keys(keyring: Keyring, settings: Settings) -> None:
    """Open the validators' keys now, while somebody is there to type a passphrase."""
    for member in settings.validators:
        if keyring.holds(member, KeyUse.VALIDATOR):
            keyring.key(member, KeyUse.VALIDATOR)
