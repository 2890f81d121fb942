"""Console blocks of the documentation: run, and compared with what the page says.

A block fenced as ```console holds commands after `$ ` and their output. A line `...` stands for
any lines, `...` within a line for any text. ```console no-run is not run. A block fenced as
```toml file=NAME or ```csv file=NAME is a file that the reader saves.

    python -m tests.docs.console docs/tutorial.md    rewrite the outputs; then review the diff
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ELLIPSIS = "..."
_FENCE = re.compile(r"^```(\w+)?(.*)$")


@dataclass(slots=True)
class Command:
    line: int
    text: str
    output: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Block:
    """A fenced block; `first` is the index of its first line within the page."""

    language: str
    info: str
    first: int
    lines: list[str]

    @property
    def file(self) -> str:
        found = re.search(r"file=(\S+)", self.info)
        return found[1] if found else ""

    @property
    def runs(self) -> bool:
        return self.language == "console" and "no-run" not in self.info

    def commands(self) -> Iterator[Command]:
        command: Command | None = None
        for at, line in enumerate(self.lines):
            if line.startswith("$ "):
                if command is not None:
                    yield command
                command = Command(self.first + at + 1, line.removeprefix("$ "))
            elif command is not None and command.text.endswith("\\") and not command.output:
                command.text += "\n" + line
            elif command is not None:
                command.output.append(line)
        if command is not None:
            yield command


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page."""
    found: list[Block] = []
    block: Block | None = None
    for at, line in enumerate(text.splitlines()):
        fence = _FENCE.match(line)
        if block is not None:
            if line == "```":
                found.append(block)
                block = None
            else:
                block.lines.append(line)
        elif fence:
            block = Block(fence[1] or "", fence[2], at + 1, [])
    assert block is None, "a block without an end"
    return found


def run(command: str, folder: Path) -> str:
    """What a command prints on a terminal, in order."""
    environment = {name: value for name, value in os.environ.items() if "PLEDGER" not in name}
    # Compiling the contracts' sources takes half a minute in every replay.
    environment["PLEDGER_COMPILER"] = "none"
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    return done.stdout.decode("utf-8")


def fits(expected: list[str], found: list[str]) -> bool:
    """Whether an output is what a page says."""
    parts = []
    for line in expected:
        if line == ELLIPSIS:
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(r"[^\n]*".join(map(re.escape, line.split(ELLIPSIS))) + r"\n")
    return re.fullmatch("".join(parts), "".join(f"{line}\n" for line in found)) is not None


@dataclass(slots=True)
class Difference:
    command: Command
    found: list[str]

    def __str__(self) -> str:
        return "\n".join(
            [
                f"line {self.command.line}: $ {self.command.text}",
                *(f"-{line}" for line in self.command.output),
                *(f"+{line}" for line in self.found),
            ]
        )


def differences(text: str, folder: Path) -> list[Difference]:
    """Run a page in a folder; commands whose output is not what the page says."""
    wrong = []
    # `export` in one block holds for the next: the reader has one shell.
    exported = ""
    for block in blocks(text):
        if block.file:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text("".join(f"{line}\n" for line in block.lines), "utf-8")
        if not block.runs:
            continue
        for command in block.commands():
            found = [line.rstrip() for line in run(exported + command.text, folder).splitlines()]
            if command.text.startswith("export "):
                exported += command.text + "\n"
            if not fits(command.output, found):
                wrong.append(Difference(command, found))
    return wrong


def rewrite(path: Path) -> None:
    """Put the outputs that the commands give into a page."""
    text = path.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        wrong = differences(text, Path(folder))
    lines = text.splitlines()
    for difference in reversed(wrong):
        start = difference.command.line + difference.command.text.count("\n")
        lines[start : start + len(difference.command.output)] = difference.found
    path.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        rewrite(ROOT / name)
