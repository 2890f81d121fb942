"""The Merkle root as RFC 9162 defines it, written a second time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def root_by_the_rfc(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, as it stands there."""
    n = len(leaves)
    if n == 0:
        return hashlib.sha256().digest()
    if n == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < n:
        k *= 2
    halves = root_by_the_rfc(leaves[:k]) + root_by_the_rfc(leaves[k:])
    return hashlib.sha256(b"\1" + halves).digest()
