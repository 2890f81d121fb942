"""Commands: options that all share, errors as exit codes, one document or one text as output."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.names import BY_METAVAR, MEMBER
from ledger.cli.render import loud
from ledger.errors import DiskFull, EntryRejected, LedgerError, LedgerUnusable, UsageInvalid
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.keys import KeyUse, Passphrases
    from ledger.ledger import Ledger

_SHARED = "shared"
LOCK_TIMEOUT_SECONDS = 30


@dataclass(slots=True)
class Asked:
    """What the shared options say, wherever on the command line they stand."""

    ledger: Path | None = None
    member: str | None = None
    json: bool = False
    dry_run: bool = False
    passphrase_file: Path | None = None
    lock_timeout_seconds: int | None = None
    rpc: str | None = None
    token_file: Path | None = None
    no_wait: bool = False
    prompted: dict[str, str] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """The ledger's folder."""
        return self.ledger or Path(os.environ.get("PLEDGER_HOME") or "ledger-data")

    @property
    def rpc_url(self) -> str | None:
        """The node whose chain is used; None: what the ledger's folder says."""
        return self.rpc or os.environ.get("PLEDGER_RPC") or None

    def acting(self, otherwise: str = "") -> str:
        """The acting member. Raises `UsageInvalid` when none is named."""
        chosen = self.named() or otherwise
        if not chosen:
            raise UsageInvalid(text("cli.as_missing"), fix=text("cli.as_missing_fix"))
        return chosen

    def named(self) -> str | None:
        """The acting member, if one is named."""
        return self.member or os.environ.get("PLEDGER_AS") or None

    def open(self, *, passphrases: Passphrases | None = None) -> Ledger:
        """Open the ledger; its keys as the options say, or otherwise. Raises `LedgerUnusable`."""
        from ledger.ledger import Ledger

        seconds = self.lock_timeout_seconds
        return Ledger.open(
            self.directory,
            passphrases=passphrases or self.passphrase,
            lock_timeout_seconds=LOCK_TIMEOUT_SECONDS if seconds is None else seconds,
            rpc_url=self.rpc_url,
            token_file=self.token_file,
            wait=not self.no_wait,
        )

    def new_passphrase(self, member: str, use: KeyUse) -> str:
        """The passphrase of a key to be made, which must not be empty; a prompt asks twice."""
        passphrase = self._passphrase(member, use, confirm=True)
        if not passphrase:
            raise UsageInvalid(
                text("cli.passphrase_missing", key=f"{member}-{use}"),
                where=str(self.passphrase_file or ""),
                fix=text("cli.passphrase_missing_fix"),
            )
        return passphrase

    def passphrase(self, member: str, use: KeyUse, *, prompt: bool = True) -> str:
        """From the file, the environment or, with `prompt`, the terminal; never an argument."""
        return self._passphrase(member, use, prompt=prompt)

    def _passphrase(
        self, member: str, use: KeyUse, *, confirm: bool = False, prompt: bool = True
    ) -> str:
        if self.passphrase_file is not None:
            try:
                return self.passphrase_file.read_text("utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise UsageInvalid(
                    text("cli.passphrase_unreadable"),
                    where=str(self.passphrase_file),
                    found=str(error),
                ) from None
        for name in (
            f"PLEDGER_PASSPHRASE_{member}_{use}".upper().replace("-", "_"),
            "PLEDGER_PASSPHRASE",
        ):
            if os.environ.get(name):
                return os.environ[name]
        key = f"{member}-{use}"
        if key not in self.prompted:
            if not (prompt and sys.stdin.isatty()):
                raise UsageInvalid(
                    text("cli.passphrase_missing", key=key), fix=text("cli.passphrase_missing_fix")
                )
            self.prompted[key] = click.prompt(
                text("cli.passphrase_prompt", key=key),
                hide_input=True,
                err=True,
                confirmation_prompt=confirm,
            )
        return self.prompted[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a command has to say."""

    document: dict[str, Any]
    """As JSON."""
    text: str | Callable[[], str]
    """For people."""
    exit_code: int = 0
    data: bytes | None = None
    """What a program reads instead of the text, as it is."""


class Command(click.Command):
    """Runs its function, renders what it returns and turns errors into exit codes."""

    def invoke(self, ctx: click.Context) -> None:
        """Run, render, exit."""
        asked = ctx.ensure_object(Asked)
        try:
            output = self._run(ctx)
        except click.ClickException:
            raise
        except LedgerError as error:
            ctx.exit(_report(error, asked))
        except BrokenPipeError:
            raise
        except OSError as error:
            ctx.exit(_report(_file_unusable(error), asked))
        except Exception as error:
            if os.environ.get("PLEDGER_DEBUG"):
                raise
            kind = type(error).__name__
            click.echo(text("cli.unexpected", kind=kind, found=str(error)), err=True)
            ctx.exit(LedgerError.exit_code)
        if asked.json:
            click.echo(json.dumps(output.document, ensure_ascii=False))
        elif output.data is not None:
            click.echo(output.data, nl=False)
        else:
            click.echo(output.text if isinstance(output.text, str) else output.text())
        if asked.dry_run:
            click.echo(text("cli.dry_run_done"), err=True)
        ctx.exit(output.exit_code)

    def _run(self, ctx: click.Context) -> Output:
        try:
            output: Output = super().invoke(ctx)
        except LedgerUnusable as error:
            from ledger.disk import BookDamaged

            if not isinstance(error, BookDamaged):
                raise
            # It was thrown away and every command may be run again: so run it again.
            output = super().invoke(ctx)
        return output


def today() -> date:
    """The business date of whoever does not name one: the day where this machine stands."""
    return datetime.now(UTC).astimezone().date()


def command(
    group: click.Group | None, name: str, *, writes: bool = False, help_key: str = ""
) -> Callable[[Callable[..., Output]], Command]:
    """Make a function a command. It gets `asked` and its own parameters and returns an `Output`."""

    def wrap(function: Callable[..., Output]) -> Command:
        key = help_key or f"cli.{group.name}_{name}".replace("-", "_") if group else f"cli.{name}"
        made = click.command(name, cls=Command, help=text(key))(click.pass_obj(function))
        assert isinstance(made, Command)
        shared_options(made, writes=writes)
        for param in made.params:
            if (named := BY_METAVAR.get(param.metavar or "")) is not None:
                param.type = named
        if group is not None:
            group.add_command(made)
        return made

    return wrap


class GroupWithDefault(click.Group):
    """A group whose name is a command as well: what names no command of it is an argument of that.

    Where an argument is spelled like a command, an option before it says which is meant.
    """

    ignore_unknown_options = True
    default: click.Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named, or the group's own with all that was given."""
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return None, self.default, args

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Those of its own command; the others are listed below."""
        return self.default.collect_usage_pieces(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of its own command, and then the other commands."""
        self.default.format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def group(
    name: str, *, within: click.Group | None = None, cls: type[click.Group] = click.Group
) -> click.Group:
    """A noun, or one within another."""
    path = f"{within.name}_{name}" if within else name
    made = cls(name, help=text(f"cli.{path}".replace("-", "_")))
    shared_options(made)
    if within is not None:
        within.add_command(made)
    return made


def shared_options(target: click.Command, *, writes: bool = False) -> None:
    """Give a command or group the options that all take; the innermost that is given counts."""
    path = click.Path(path_type=Path)
    target.params.extend(
        [
            _option("--ledger", "ledger", type=path, metavar="DIR", help=text("cli.opt_ledger")),
            _option("--as", "member", type=MEMBER, metavar="MEMBER", help=text("cli.opt_as")),
            _option("--json", "json", is_flag=True, default=None, help=text("cli.opt_json")),
            click.Option(
                ["--lang"],
                type=click.Choice(["en", "zh"]),
                help=text("cli.opt_lang"),
                expose_value=False,
            ),
            _option(
                "--passphrase-file",
                "passphrase_file",
                type=path,
                metavar="FILE",
                help=text("cli.opt_passphrase_file"),
            ),
            _option(
                "--lock-timeout",
                "lock_timeout_seconds",
                type=click.IntRange(min=0),
                metavar="SECONDS",
                help=text("cli.opt_lock_timeout"),
            ),
            _option("--rpc", "rpc", metavar="URL", help=text("cli.opt_rpc")),
            _option(
                "--token-file",
                "token_file",
                type=path,
                metavar="FILE",
                help=text("cli.opt_token_file"),
            ),
        ]
    )
    if writes:
        for name in ("dry_run", "no_wait"):
            flag = "--" + name.replace("_", "-")
            target.params.append(
                _option(flag, name, is_flag=True, default=None, help=text(f"cli.opt_{name}"))
            )


def _option(flag: str, name: str, **settings: Any) -> click.Option:
    def keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if value is not None:
            setattr(ctx.ensure_object(Asked), name, value)

    return click.Option([flag, name], expose_value=False, callback=keep, **settings)


def _file_unusable(error: OSError) -> LedgerError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(error.filename or "-")
    return LedgerUnusable(
        text("cli.os_error"), where=str(error.filename or ""), found=error.strerror or str(error)
    )


def _report(error: LedgerError, asked: Asked) -> int:
    """Print an error as asked; returns its exit code."""
    click.echo(loud(str(error)), err=True)
    if asked.json:
        document: dict[str, Any] = {
            "error": {
                "what": error.what,
                "where": error.where,
                "expected": error.expected,
                "found": error.found,
                "fix": error.fix,
                "problems": [
                    {
                        "file": problem.file,
                        "line": problem.line,
                        "column": problem.column,
                        "what": problem.what,
                        "expected": problem.expected,
                        "found": problem.found,
                    }
                    for problem in getattr(error, "problems", ())
                ],
            }
        }
        if isinstance(error, EntryRejected):
            document["error"]["rejected"] = [row._asdict() for row in error.rows]
        click.echo(json.dumps(document, ensure_ascii=False))
    return error.exit_code
