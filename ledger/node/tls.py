"""TLS: a node's certificate and its key, from files."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import UsageInvalid
from ledger.messages import text

_OTHERS = 0o007


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate with those that lead to its root, and its key; both PEM."""

    chain: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """What a server listens with: TLS 1.2 and later. Raises `UsageInvalid`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        self.load(context)
        return context

    def load(self, context: ssl.SSLContext) -> None:
        """Read the files, again if they were renewed: connections made from now on use them.

        Raises `UsageInvalid`; the context is then as it was.
        """
        try:
            mode = self.key.stat().st_mode & 0o777
            if mode & _OTHERS:
                raise UsageInvalid(
                    text("node.tls_key_open"),
                    where=str(self.key),
                    expected="0640",
                    found=f"{mode:04o}",
                    fix=text("node.tls_key_open_fix", path=self.key),
                )
            # Tried on one of its own: a pair that does not match must not spoil the one in use.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                self.chain, self.key, _no_passphrase
            )
            context.load_cert_chain(self.chain, self.key, _no_passphrase)
        except (OSError, ValueError) as error:
            # ssl.SSLError is an OSError whose text names the library's line; its reason does not.
            found = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            raise UsageInvalid(
                text("node.tls_unusable"),
                where=f"{self.chain}, {self.key}",
                expected=text("node.tls_expected"),
                found=str(found),
            ) from None


def _no_passphrase() -> str:
    """Instead of a prompt on the terminal, which would wait for ever."""
    raise ValueError(text("node.tls_passphrase"))
