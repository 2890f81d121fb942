"""Nesting: JSON that comes from others, read only if it is not nested beyond any sense.

The parser follows lists and objects within each other by recursion, and py-evm raises Python's
limit of that so far that the process would end before Python says no. So the depth is counted
before anything is read.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any

DEEPEST = 32
"""Lists and objects within each other; nothing of ours has more than ten."""
# A text without an end goes to the end of all: nothing after it is read either.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEPS)


def read_json(encoded: bytes, **options: Any) -> Any:
    """What UTF-8 JSON says; `options` as of `json.loads`. Raises `ValueError`."""
    if depth_of(encoded) > DEEPEST:
        raise ValueError(f"nested deeper than {DEEPEST}")
    return json.loads(encoded.decode("utf-8"), **options)


def depth_of(encoded: bytes) -> int:
    """How deep lists and objects lie in each other, where it could be too deep; else 0."""
    if encoded.count(b"[") + encoded.count(b"{") <= DEEPEST:
        return 0
    brackets = _TEXT.sub(b"", encoded).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)
