"""`pledger checkpoint`: what members sign of the chain as a whole, and what others make of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.command import Asked, Output, command, group
from ledger.cli.render import address, progress, table
from ledger.errors import UsageInvalid
from ledger.keys import Keyring, KeyUse, open_passphrases
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.proofs.checkpoints import Difference, Makers
    from ledger.proofs.members import MembersFile
    from ledger.proofs.notes import Note

checkpoint = group("checkpoint")
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_NEW = click.option(
    "-o",
    "--output",
    "target",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=text("cli.opt_new_file"),
)


@command(checkpoint, "sign", writes=True)
@_NEW
@click.option("--replayed", type=_FOLDER, metavar="DIR", help=text("cli.opt_replayed"))
def sign(asked: Asked, target: Path, replayed: Path | None) -> Output:
    """Sign the head of the chain, or what a replay of one's own left."""
    from ledger.proofs import checkpoints
    from ledger.proofs.notes import Note

    by = asked.acting()
    if target.exists():
        raise UsageInvalid(text("checkpoint.exists"), where=str(target))
    if replayed is not None:
        from ledger.replay.kept import open_kept

        kept = open_kept(replayed)
        stated, makers = kept.checkpoint, lambda member: kept.manifest.makers.get(member, ())
        key = keyring_of(asked).key(by, KeyUse.MAKER)
        note = Note(checkpoint=stated, signatures=(checkpoints.sign(stated, by, key),))
        return _signed(asked, target, note, checkpoints.verify(note, makers).differences)
    with asked.open() as ledger:
        stated = checkpoints.seen(ledger)
        key = ledger.keyring.key(by, KeyUse.MAKER)
        note = Note(checkpoint=stated, signatures=(checkpoints.sign(stated, by, key),))
        found = checkpoints.verify(note, checkpoints.makers_at(ledger, stated.height))
    return _signed(asked, target, note, found.differences)


@command(checkpoint, "cosign", writes=True)
@click.argument("file", type=_FILE, metavar="FILE")
@click.option("--export", "export", type=_FOLDER, metavar="DIR", help=text("cli.opt_cosign_export"))
def cosign(asked: Asked, file: Path, export: Path | None) -> Output:
    """Sign somebody's checkpoint as a witness, if the chain here says the same."""
    from ledger.proofs import checkpoints
    from ledger.proofs.notes import read_note

    by, note = asked.acting(), read_note(file)
    if note.checkpoint.replayed is not None:
        raise UsageInvalid(text("checkpoint.own"), where=str(file))
    if any(one.member == by for one in note.signatures):
        raise UsageInvalid(text("checkpoint.signed_already", member=by), where=str(file))
    if export is not None:
        return _cosign_replayed(asked, file, note, export)
    with asked.open() as ledger:
        key = ledger.keyring.key(by, KeyUse.MAKER)
        note = note.signed_by(checkpoints.sign(note.checkpoint, by, key))
        differences = checkpoints.against(ledger, note.checkpoint)
        makers = checkpoints.makers_at(ledger, note.checkpoint.height)
        differences += checkpoints.verify(note, makers).differences
    return _signed(asked, file, note, differences)


def _cosign_replayed(asked: Asked, file: Path, note: Note, export: Path) -> Output:
    """Sign, and keep the signature only if a replay agrees with the whole note."""
    from ledger.proofs import checkpoints
    from ledger.proofs.checkpoints import Difference
    from ledger.replay import replay

    by = asked.acting()
    key = keyring_of(asked).key(by, KeyUse.MAKER)
    note = note.signed_by(checkpoints.sign(note.checkpoint, by, key))
    with progress(text("cli.replaying")) as show:
        report = replay(export, checkpoints=[note], progress=show)
    found = [Difference(one.check, one.expected, one.found) for one in report.failures]
    return _signed(asked, file, note, found)


@command(checkpoint, "verify")
@click.argument("file", type=_FILE, metavar="FILE")
@click.option("--members", type=_FILE, metavar="FILE", help=text("cli.opt_members_file"))
@click.option(
    "--at-least",
    "at_least",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help=text("cli.opt_at_least"),
)
@click.option("--extends", "extends", type=_FILE, metavar="FILE", help=text("cli.opt_extends"))
@click.option("--proof", "proof", type=_FILE, metavar="FILE", help=text("cli.opt_consistency"))
def verify(
    asked: Asked,
    file: Path,
    members: Path | None,
    at_least: int,
    extends: Path | None,
    proof: Path | None,
) -> Output:
    """Check who signed a checkpoint, and what it says against the ledger or an earlier one."""
    from ledger.proofs.checkpoints import Difference, extends_by
    from ledger.proofs.members import read_members
    from ledger.proofs.notes import read_note
    from ledger.proofs.seals import read_consistency

    if members is not None and (extends is None) != (proof is None):
        raise UsageInvalid(text("checkpoint.proof_missing"), fix=text("checkpoint.proof_fix"))
    note, old = read_note(file), read_note(extends) if extends else None
    known = read_members(members) if members else None
    check = _offline(known) if known else _by_ledger(asked)
    signers, differences = check(note)
    if len(signers) < at_least:
        found = f"{len(signers)}: {', '.join(signers) or '-'}"
        differences.append(Difference("signers", f">= {at_least}", found))
    if old is not None:
        differences += check(old)[1]
        connects = read_consistency(proof) if proof else None
        differences += extends_by(note.checkpoint, old.checkpoint, connects)
    document = {
        "ok": not differences,
        **_document(file, note),
        "signers": list(signers),
        "extends": str(extends) if extends else None,
        "members_as_of": known.head.block if known else None,
        "differences": [one._asdict() for one in differences],
    }
    return Output(
        document=document,
        text=lambda: _verified(document, differences),
        exit_code=1 if differences else 0,
    )


Check = Callable[["Note"], tuple[Sequence[str], list["Difference"]]]
"""A note -> members whose signatures hold, and all that does not."""


def _offline(members: MembersFile) -> Check:
    from ledger.proofs import checkpoints
    from ledger.proofs.checkpoints import Difference

    def check(note: Note) -> tuple[Sequence[str], list[Difference]]:
        stated = note.checkpoint
        found = checkpoints.verify(note, checkpoints.makers_by(members, stated.height))
        differences = list(found.differences)
        if stated.chain_id != members.chain_id:
            differences.append(Difference("chain_id", str(members.chain_id), str(stated.chain_id)))
        return list(found.signers), differences

    return check


def _by_ledger(asked: Asked) -> Check:
    from ledger.proofs import checkpoints

    def check(note: Note) -> tuple[Sequence[str], list[Difference]]:
        stated = note.checkpoint
        with asked.open() as ledger:
            found = checkpoints.verify(note, checkpoints.makers_at(ledger, stated.height))
            differences = checkpoints.against(ledger, stated)
        return list(found.signers), [*differences, *found.differences]

    return check


@command(checkpoint, "prove", writes=True)
@click.argument("file", type=_FILE, metavar="FILE")
@click.option(
    "--extends",
    "extends",
    required=True,
    type=_FILE,
    metavar="FILE",
    help=text("cli.opt_extends"),
)
@_NEW
def prove(asked: Asked, file: Path, extends: Path, target: Path) -> Output:
    """Write what shows that a checkpoint's sealed days begin with those of an earlier one."""
    from ledger.proofs import checkpoints
    from ledger.proofs.notes import read_note

    note, old = read_note(file), read_note(extends)
    with asked.open() as ledger:
        made = checkpoints.connect(ledger, note.checkpoint, old.checkpoint)
    if not asked.dry_run:
        write_whole(target, made.encode())
    document = {"file": str(target), "first_seals": made.first_seals, "seals": made.seals}
    line = text("cli.checkpoint_proven", first=made.first_seals, seals=made.seals, file=target)
    return Output(document=document, text=line)


@command(checkpoint, "show")
@click.argument("file", type=_FILE, metavar="FILE")
def show(asked: Asked, file: Path) -> Output:
    """What a checkpoint says, and who says to have signed it; nothing is checked."""
    from ledger.proofs.notes import read_note

    document = _document(file, read_note(file))
    return Output(document=document, text=lambda: _shown(document))


def _signed(asked: Asked, file: Path, note: Note, differences: Sequence[Difference]) -> Output:
    """Write the note, unless something is wrong with it."""
    if not differences and not asked.dry_run:
        write_whole(file, note.encode())
    document = {
        "ok": not differences,
        **_document(file, note),
        "differences": [one._asdict() for one in differences],
    }
    height, by = note.checkpoint.height, note.signatures[-1].member
    line = text(
        "cli.checkpoint_refused" if differences else "cli.checkpoint_signed",
        height=height, member=by, file=file,
    )  # fmt: skip
    return Output(
        document=document,
        text=lambda: "\n".join([line, *_differing(differences)]),
        exit_code=1 if differences else 0,
    )


def makers_of(keyring: Keyring) -> Makers:
    """The maker keys that lie in a folder, without opening them."""

    def makers(member: str) -> list[bytes]:
        numbers = keyring.numbers(member, KeyUse.MAKER)
        return [keyring.address(member, KeyUse.MAKER, number) for number in numbers]

    return makers


def keyring_of(asked: Asked) -> Keyring:
    """The acting member's keys, where the folder may have no chain."""
    from ledger.founding import KEYS_FOLDER, SETTINGS_FILE, read_settings

    folder = asked.directory
    dev = (folder / SETTINGS_FILE).is_file() and read_settings(folder).dev
    return Keyring(folder / KEYS_FOLDER, open_passphrases if dev else asked.passphrase)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)


# ---- shown


def _document(file: Path, note: Note) -> dict[str, Any]:
    from ledger.proofs.notes import signer_of

    stated = note.checkpoint
    signers = [signer_of(stated.text, one.signature) for one in note.signatures]
    return {
        "file": str(file),
        "chain_id": stated.chain_id,
        "height": stated.height,
        "block": address(stated.block_hash),
        "state": address(stated.state_root),
        "seals": stated.seals,
        "seals_root": address(stated.seals_root),
        "replayed": address(stated.replayed) if stated.replayed else None,
        "signatures": [
            {"member": one.member, "address": address(signer) if signer else None}
            for one, signer in zip(note.signatures, signers, strict=True)
        ],
    }


def _shown(document: dict[str, Any]) -> str:
    names = ("chain_id", "height", "block", "state", "seals", "seals_root", "replayed")
    rows = [(name, str(document[name])) for name in names if document[name] is not None]
    rows += [("signature", f"{one['member']} {one['address']}") for one in document["signatures"]]
    return table(("", ""), rows)


def _verified(document: dict[str, Any], differences: Sequence[Difference]) -> str:
    line = text(
        "cli.checkpoint_ok" if document["ok"] else "cli.checkpoint_wrong",
        height=document["height"],
        block=document["block"],
        seals=document["seals"],
        signers=", ".join(document["signers"]) or "-",
    )
    as_of = document["members_as_of"]
    late = as_of is not None and as_of < document["height"]
    stale = [text("cli.checkpoint_stale_members", block=as_of)] if late else []
    return "\n".join([line, *stale, *_differing(differences)])


def _differing(differences: Sequence[Difference]) -> list[str]:
    if not differences:
        return []
    return [table(text("cli.checkpoint_columns").split("|"), [tuple(one) for one in differences])]
