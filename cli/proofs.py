"""`pledger proof`: prove one entry, and check such a proof."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger import reading
from ledger.cli.command import Asked, GroupWithDefault, Output, command, group
from ledger.errors import UsageInvalid
from ledger.messages import has, text
from ledger.money import date_of

if TYPE_CHECKING:
    from ledger.proofs.verdicts import ProvenDay, ProvenPosting, Sealed, Verdict

proof = group("proof", cls=GroupWithDefault)
_FILE = click.Path(path_type=Path, dir_okay=False)


@command(None, "proof_entry", writes=True)
@click.argument("ref", metavar="ENTRY_REF")
@click.option("--deal", metavar="DEAL", help=text("cli.opt_deal_one"))
@click.option(
    "-o", "--output", "path", required=True, metavar="FILE", type=_FILE,
    help=text("cli.opt_proof_output"),
)  # fmt: skip
@click.option("--day-only", is_flag=True, help=text("cli.opt_day_only"))
@click.option(
    "--checkpoint", "note", metavar="FILE", type=_FILE, help=text("cli.opt_proof_checkpoint")
)
def entry(
    asked: Asked, ref: str, deal: str | None, path: Path, day_only: bool, note: Path | None
) -> Output:
    """Write the proof of an entry."""
    from ledger.proofs.entries import prove
    from ledger.proofs.members import encode_document
    from ledger.proofs.notes import read_note
    from ledger.proofs.verifying import verify

    checkpoint = None if note is None else read_note(note)
    with asked.open() as ledger:
        chosen = deal or _only_deal([found.name for found in reading.deals(ledger.book())])
        made = prove(ledger, ref, deal=chosen, day_only=day_only, checkpoint=checkpoint)
    encoded = encode_document(made.proof)
    verdict = verify(encoded, made.members)
    if verdict.valid and not asked.dry_run:
        path.write_bytes(encoded)
    if made.reversed:
        click.echo(text("proof.reversed"), err=True)
    document = {
        "ref": ref,
        "file": str(path),
        "bytes": len(encoded),
        "reversed": made.reversed,
        **verdict.document(),
    }
    return Output(
        document=document,
        text=lambda: _made(verdict, ref, path) if verdict.valid else _shown(verdict),
        exit_code=0 if verdict.valid else 1,
    )


assert isinstance(proof, GroupWithDefault)
proof.default = entry


@command(proof, "verify")
@click.argument("path", metavar="FILE", type=_FILE)
@click.option("--members", metavar="KEYS", type=_FILE, help=text("cli.opt_proof_members"))
def verify_file(asked: Asked, path: Path, members: Path | None) -> Output:
    """Check a proof file."""
    from ledger.proofs.key_history import members_file
    from ledger.proofs.members import read_bytes, read_members
    from ledger.proofs.verifying import verify

    encoded = read_bytes(path)
    if members is not None:
        keys = read_members(members)
    else:
        with asked.open() as ledger:
            keys = members_file(ledger)
    verdict = verify(encoded, keys)
    return Output(
        document={"file": str(path), **verdict.document()},
        text=lambda: _shown(verdict),
        exit_code=0 if verdict.valid else 1,
    )


def _only_deal(names: list[str]) -> str:
    if len(names) != 1:
        raise UsageInvalid(text("cli.deal_missing"), expected=", ".join(names) or "-")
    return names[0]


# ---- for people


def _made(verdict: Verdict, ref: str, path: Path) -> str:
    day = (
        text("proof.made_open")
        if verdict.day is None
        else text("proof.made_sealed", date=verdict.day.date)
    )
    if verdict.posting is None:
        return text("proof.made_day_only", ref=ref, path=path, day=day)
    return text("proof.made", ref=ref, path=path, block=verdict.posting.block, day=day)


def _shown(verdict: Verdict) -> str:
    if verdict.refused is not None:
        refused = verdict.refused
        lines = [text("proof.refused", what=text(f"proof.reason_{refused.reason}"))]
        for key, value in (("expected", refused.expected), ("found", refused.found)):
            if value:
                lines.append("  " + text(f"problem.{key}", **{key: value}))
        if refused.where:
            lines.insert(1, f"  {refused.where}")
        return "\n".join(lines)
    assert verdict.entry is not None
    said = verdict.entry
    place = {"kind": _kind(said.kind.word), "id": "0x" + said.entry_id.hex(), "deal": verdict.deal}
    amounts = {name.removesuffix("_minor"): one for name, one in said.amounts._asdict().items()}
    lines = [
        text("proof.valid", **place, date=date_of(said.date)),
        "  " + text("proof.amounts", **amounts),
    ]
    if any(said.reversed_id):
        lines.append("  " + text("proof.takes_back", id="0x" + said.reversed_id.hex()))
    lines += ["  " + line for line in _day(verdict.day)]
    lines += ["  " + line for line in _posting(verdict.posting)]
    if verdict.newest_block > verdict.members_as_of:
        lines.append(text("proof.keys_older", block=verdict.members_as_of))
    return "\n".join([*lines, text("proof.not_said")])


def _kind(word: str) -> str:
    key = f"cli.kind_{word.replace('-', '_')}"
    return text(key) if has(key) else word


def _day(found: ProvenDay | None) -> list[str]:
    if found is None:
        return [text("proof.in_no_day")]
    digest = "0x" + found.digest.hex()
    lines = [text("proof.in_day", entries=found.entries, date=found.date, digest=digest)]
    for one in found.signatures:
        keys: dict[str, Any] = {
            "maker": "0x" + one.maker.hex(),
            "checker": "0x" + one.checker.hex(),
        }
        lines.append("  " + text("proof.signed_by", member=one.member, block=one.block, **keys))
    lines += _sealed(found.block, found.sealed)
    if found.checkpoint is not None:
        members = ", ".join(found.checkpoint.members)
        height = found.checkpoint.height
        lines.append(text("proof.in_checkpoint", height=height, members=members))
    return lines


def _posting(found: ProvenPosting | None) -> list[str]:
    if found is None:
        return [text("proof.not_posted")]
    time = datetime.fromtimestamp(found.timestamp, UTC).isoformat()
    place = {"member": found.member, "block": found.block, "time": time}
    posted = text("proof.posted", **place, hash="0x" + found.transaction_hash.hex())
    return [posted, *_sealed(found.block, found.sealed)]


def _sealed(block: int, sealed: Sealed) -> list[str]:
    by = ", ".join(sealed.by)
    lines = ["  " + text("proof.sealed", block=block, by=by, count=len(sealed.by), of=sealed.of)]
    if not sealed.majority:
        lines.append("  " + text("proof.no_majority", block=block))
    return lines
