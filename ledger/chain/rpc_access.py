"""Access: where a node is and what it wants to see of who asks: a token, over TLS."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ledger.errors import UsageInvalid
from ledger.messages import text

TOKEN_FILE = "node.token"
CA_FILE = "ca.pem"
TOKEN_VARIABLE = "PLEDGER_TOKEN"
_OTHERS = 0o077


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach a node."""

    url: str
    token: str = field(default="", repr=False)
    """Bearer token; empty where the node asks for none."""
    ca: Path | None = None
    """Certificates that vouch for the node; None: those that vouch for the public web."""


def read_access(
    directory: Path, url: str, *, token_file: Path | None = None, ca: Path | None = None
) -> Access:
    """What a ledger's folder and the environment say about reaching a node.

    The token is that of `token_file`, else of the environment variable `PLEDGER_TOKEN`, else of
    the folder's `node.token`. Raises `UsageInvalid` for an address or token that cannot be used,
    and for one that would go over the network in clear.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise UsageInvalid(
            text("node_access.url_invalid"), expected=text("node_access.url_expected"), found=url
        )
    token = _token(directory, token_file)
    if token and parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise UsageInvalid(
            text("node_access.token_in_clear"),
            where=url,
            fix=text("node_access.token_in_clear_fix"),
        )
    own = directory / CA_FILE
    return Access(url=url, token=token, ca=ca or (own if own.exists() else None))


def keep_token(directory: Path, token: str) -> None:
    """Write a folder's `node.token`, for its owner alone."""
    path = directory / TOKEN_FILE
    path.touch(mode=0o600)
    path.write_text(token + "\n", "ascii")


def _token(directory: Path, token_file: Path | None) -> str:
    own = directory / TOKEN_FILE
    if token_file is None and os.environ.get(TOKEN_VARIABLE):
        return _expect_token(os.environ[TOKEN_VARIABLE].strip(), TOKEN_VARIABLE)
    if token_file is None and not own.exists():
        return ""
    path = token_file or own
    try:
        mode = path.stat().st_mode
        found = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageInvalid(
            text("node_access.token_unreadable"), where=str(path), found=str(error)
        ) from None
    if os.name == "posix" and mode & _OTHERS:
        raise UsageInvalid(
            text("node_access.token_open"),
            where=str(path),
            expected="0600",
            found=f"{mode & 0o777:04o}",
            fix=f"chmod 600 {path}",
        )
    return _expect_token(found, str(path))


def _expect_token(token: str, where: str) -> str:
    # Whatever is no plain word could end the header and begin another.
    if not token or not all("!" <= letter <= "~" for letter in token):
        raise UsageInvalid(
            text("node_access.token_invalid"),
            where=where,
            expected=text("node_access.token_expected"),
        )
    return token


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
