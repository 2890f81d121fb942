"""What a person sees on a terminal: tables that fit, colour there alone, names by the Tab key."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.cli.office import PROGRAM

ESCAPE = "\x1b["
ZSH_SECONDS = 60
TABLES = (
    ("balances", "joint-2026-01"),
    ("position", "--as", "bank-a", "--date", "2026-03-05"),
    ("deal", "show", "joint-2026-01"),
    ("member", "list"),
    ("day", "list", "joint-2026-01"),
    ("help",),
)


def on_a_terminal(columns: int, *words: str, home: Path, **more: str) -> str:
    """What `pledger` writes to a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    environment |= {"PLEDGER_HOME": str(home), "TERM": "xterm-256color", "PLEDGER_LANG": "en", **more}
    process = subprocess.Popen(
        [PROGRAM, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            chunk = os.read(ours, 65_536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        written += chunk
    os.close(ours)
    process.wait()
    return written.decode().replace("\r\n", "\n")


def plain(text: str) -> str:
    for code in ("\x1b[1m", "\x1b[31m", "\x1b[0m"):
        text = text.replace(code, "")
    assert ESCAPE not in text
    return text


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("columns", [80, 200])
def test_tables_fit_the_terminal(demo_folder: Path, columns: int, language: str) -> None:
    for words in TABLES:
        said = on_a_terminal(columns, *words, home=demo_folder / "ledger", PLEDGER_LANG=language)
        for line in plain(said).splitlines():
            # A hash stands alone on its line, since one cut in two cannot be searched for.
            assert cell_len(line) <= columns or "0x" in line, (words, line)


def test_a_table_too_wide_becomes_a_list_with_every_value(demo_folder: Path) -> None:
    words = ("position", "--as", "bank-a", "--date", "2026-03-05")
    wide, narrow = (
        plain(on_a_terminal(columns, *words, home=demo_folder / "ledger")) for columns in (200, 80)
    )
    assert wide != narrow
    assert sorted(set(wide.split())) == sorted(set(narrow.split()))
    assert "due in 7 days  73,353.56\n" in narrow


def test_colour_is_on_a_terminal_alone_and_can_be_turned_off(demo_folder: Path) -> None:
    home = demo_folder / "ledger"
    assert ESCAPE in on_a_terminal(200, "balances", "joint-2026-01", home=home)
    assert "\x1b[31m" in on_a_terminal(200, "balances", "none", home=home)
    for more in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert ESCAPE not in on_a_terminal(200, "balances", "none", home=home, **more)
    piped = subprocess.run(
        [PROGRAM, "balances", "joint-2026-01"], capture_output=True, text=True, check=True,
        env={**os.environ, "PLEDGER_HOME": str(home)},
    )  # fmt: skip
    assert ESCAPE not in piped.stdout


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pledger repay", ["repayment"]),
        ("pledger loan s", ["schedule", "show", "submit"]),
        ("pledger loan show --deal ", ["joint-2026-01"]),
        ("pledger --as pla", ["platform-p"]),
        ("pledger balances --as b", ["bank-a"]),
        ("pledger balances --js", ["--json"]),
        ("pledger list show --bank b", ["bank-a"]),
        ("pledger help sim", ["simulate"]),
        ("pledger report chart co", ["concentration", "costs", "cover"]),
        ("pledger report write bal", ["balances"]),
        ("pledger simulate --stress g", ["guarantor-fails"]),
    ],
)
def test_bash_completes(demo_folder: Path, line: str, expected: list[str]) -> None:
    """A real bash takes the script and asks as its Tab key does."""
    words = line.split(" ")
    program = f"""
        eval "$({PROGRAM} completion bash)"
        COMP_WORDS=({" ".join(word or "''" for word in words)}); COMP_CWORD={len(words) - 1}
        _pledger_completion {PROGRAM}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ran = subprocess.run(
        ["bash", "-c", program], capture_output=True, text=True, check=True,
        env={**os.environ, "PLEDGER_HOME": str(demo_folder / "ledger")},
    )  # fmt: skip
    assert ran.stdout.split() == expected, ran


@pytest.mark.parametrize(("shell", "said"), [("zsh", "#compdef pledger"), ("fish", "complete")])
def test_other_shells_have_their_scripts(shell: str, said: str) -> None:
    ran = subprocess.run(
        [PROGRAM, "completion", shell], capture_output=True, text=True, check=True
    )
    assert said in ran.stdout and "_PLEDGER_COMPLETE" in ran.stdout


def shell_at(name: str) -> str:
    """A shell that is installed here."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} is installed")
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pledger loan s", ["schedule", "show", "submit"]),
        ("pledger loan show --deal ", ["joint-2026-01"]),
        ("pledger report chart co", ["concentration", "costs", "cover"]),
    ],
)
def test_fish_completes(demo_folder: Path, line: str, expected: list[str]) -> None:
    program = f'{PROGRAM} completion fish | source; complete -C "{line}"'
    ran = subprocess.run(
        [shell_at("fish"), "--no-config", "-c", program], capture_output=True, text=True, check=True,
        env={**os.environ, "PLEDGER_HOME": str(demo_folder / "ledger"),
             "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    said = [one.split("\t")[0] for one in ran.stdout.splitlines()]
    assert [one for one in said if one] == expected, ran


def test_zsh_completes(demo_folder: Path) -> None:
    """At its own prompt, by the Tab key."""
    zsh, (ours, theirs) = shell_at("zsh"), pty.openpty()
    environment = {
        **os.environ, "PLEDGER_HOME": str(demo_folder / "ledger"), "TERM": "dumb", "PS1": "> ",
        "PATH": f"{Path(PROGRAM).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    process = subprocess.Popen(
        [zsh, "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)

    def typed(keys: str, expected: str) -> None:
        """Type, and read until that stands there."""
        os.write(ours, keys.encode())
        seen = b""
        while expected.encode() not in seen:
            assert select.select([ours], [], [], ZSH_SECONDS)[0], seen
            seen += os.read(ours, 4_096)

    try:
        # The word is not in the line itself, which the terminal shows.
        typed("autoload -U compinit; compinit -u -D; print fi\"\"rst\n", "\nfirst")
        typed('eval "$(pledger completion zsh)"; print sec""ond\n', "\nsecond")
        typed("pledger loan sh\t", "loan show")
        typed("--deal j\t", "--deal joint-2026-01")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_a_shell_without_a_script_is_named() -> None:
    ran = subprocess.run(
        [PROGRAM, "completion"], capture_output=True, text=True, env={**os.environ, "SHELL": "/bin/tcsh"}
    )
    assert ran.returncode == 2 and "tcsh" in ran.stderr
