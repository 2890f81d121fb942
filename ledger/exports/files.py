"""Files: those of an export take their names only when all of them are complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import UsageInvalid
from ledger.messages import text

_NO_FOLDER = (FileExistsError, FileNotFoundError, NotADirectoryError, PermissionError)


@contextmanager
def replaced(folder: Path, names: list[str]) -> Iterator[dict[str, Path]]:
    """Where to write each file; they replace those of an earlier export when all went well.

    Raises `UsageInvalid` where `folder` can be none.
    """
    partial = {name: folder / f"{name}.partial" for name in names}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _forget(partial)
    except _NO_FOLDER as error:
        raise UsageInvalid(
            text("cli.os_error"), where=str(folder), found=error.strerror or str(error)
        ) from None
    try:
        yield partial
        for name, path in partial.items():
            _on_disk(path)
            path.replace(folder / name)
    except OSError as error:
        # A write to an open file does not name it.
        error.filename = error.filename or str(folder)
        raise
    finally:
        _forget(partial)


def _on_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _forget(partial: dict[str, Path]) -> None:
    for path in partial.values():
        path.unlink(missing_ok=True)
