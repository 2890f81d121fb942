"""Enrolling: suppliers become members at once, each with a maker key and no vote (登记).

The acting member is a bank, a platform or a core enterprise. A key that a supplier made itself is
named in its row; the others are made in the ledger's folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ledger import reading
from ledger.bindings import encode_call, label
from ledger.consortium import Id, check_name
from ledger.errors import EntryRejected, RejectedRow, Reverted, explain
from ledger.files import Cell, Layout
from ledger.founding import ENROLMENTS, KEYS_FOLDER, new_secret
from ledger.keys import Keyring, KeyUse, Passphrases, open_passphrases
from ledger.membership import Address, parse_address
from ledger.outbox import Outbox, final_block
from ledger.posting import Submitted

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.ledger import Ledger

EXISTS = "MEMBER_EXISTS"


class Enrolment(BaseModel):
    """登记: a supplier to be made a member."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    member_id: Id
    name: Annotated[str, Field(min_length=1), AfterValidator(check_name)]
    maker: Annotated[Address | None, BeforeValidator(lambda value: value or None)] = None
    """The address of its key; None: one is made in the ledger's folder."""

    @property
    def ref(self) -> str:
        """What names it in a file."""
        return self.member_id


SUPPLIERS: Layout[Enrolment] = Layout(
    name="suppliers",
    columns={name: (name, Cell.TEXT) for name in ("member_id", "name", "maker")},
    make=Enrolment,
    optional=frozenset({"maker"}),
)


@dataclass(frozen=True, slots=True)
class _New:
    """A row to be sent."""

    at: int
    """Its position in the run."""
    words: tuple[bytes, str, str]
    """As the contract takes it."""


def enrol(
    ledger: Ledger,
    enrolments: Sequence[Enrolment],
    *,
    by: str,
    lines: Sequence[int] = (),
    file: str = "",
    passphrases: Passphrases = open_passphrases,
    dry_run: bool = False,
) -> Submitted:
    """Make suppliers members, all of the run or none.

    One that is enrolled already with the same name, and the same key where the row names one, is
    left as it is and counted. Raises `EntryRejected` (`MEMBER_EXISTS`, `KEY_TAKEN`), `Reverted`
    (`SENDER_NOT_ENROLLER`).
    """
    known = {party.member_id: party for party in reading.members(ledger.book())}
    fresh = [at for at, row in enumerate(enrolments) if not _stands(row, known.get(row.member_id))]
    taken = [at for at in fresh if enrolments[at].member_id in known]
    rejected = [_rejected(enrolments[at], at, lines, EXISTS) for at in taken]
    made: list[Path] = []
    receipts = 0
    try:
        with ledger.outbox(dry_run=dry_run) as outbox:
            head = ledger.engine.head()
            if not rejected:
                rows = _rows(ledger, enrolments, fresh, passphrases, made, dry_run=dry_run)
                rejected = _send(ledger, outbox, rows, enrolments, lines, by)
            if not rejected:
                head = outbox.keep()
                receipts = len(outbox.receipts)
    except BaseException:
        _drop(made)
        raise
    if rejected:
        _drop(made)
    elif not dry_run:
        ledger.fold(outbox.receipts, head)
    done = Submitted(
        file=file,
        rows=len(enrolments),
        posted=0 if rejected else len(fresh),
        already_posted=len(enrolments) - len(fresh),
        rejected=tuple(rejected),
        transactions=receipts,
        gas_used=sum(receipt.gas_used for receipt in outbox.receipts) if receipts else 0,
        head_block=head.number,
        final_block=final_block(ledger.engine, head),
    )
    if rejected:
        raise EntryRejected(rejected[0].reason, rejected, file=file, submitted=done)
    return done


def _stands(row: Enrolment, known: reading.Party | None) -> bool:
    """Whether a row says what is so already."""
    if known is None or not known.is_enrolled or known.name != row.name:
        return False
    return row.maker is None or parse_address(row.maker) == known.maker


def _rows(
    ledger: Ledger,
    enrolments: Sequence[Enrolment],
    fresh: Sequence[int],
    passphrases: Passphrases,
    made: list[Path],
    *,
    dry_run: bool,
) -> list[_New]:
    rows = []
    for at in fresh:
        row = enrolments[at]
        if row.maker is None:
            key = _key(ledger, row.member_id, passphrases, made, dry_run=dry_run)
        else:
            key = parse_address(row.maker)
        rows.append(_New(at, (label(row.member_id), row.name, "0x" + key.hex())))
    return rows


def _key(
    ledger: Ledger, member: str, passphrases: Passphrases, made: list[Path], *, dry_run: bool
) -> bytes:
    """The maker key of a member to be: the one that is here, or a new one."""
    from eth_keys.datatypes import PrivateKey

    use, number = KeyUse.MAKER, 1
    ledger.expect_own()
    if ledger.keyring.path(member, use, number).exists():
        return ledger.keyring.address(member, use, number)
    secret = new_secret(ledger.settings, f"{member}/{use}")
    # Asked for in a dry run, too: its verdict is the real run's.
    passphrase = "" if ledger.settings.dev else passphrases(member, use)
    if dry_run:
        return PrivateKey(secret).public_key.to_canonical_address()
    keyring = Keyring(ledger.directory / KEYS_FOLDER, lambda member, use: passphrase)
    made.append(keyring.path(member, use, number))
    return keyring.create(member, use, secret, number=number)


def _drop(made: Sequence[Path]) -> None:
    """Nobody knows these keys: files of them would only be in the way."""
    for path in made:
        path.unlink(missing_ok=True)


def _send(
    ledger: Ledger,
    outbox: Outbox,
    rows: Sequence[_New],
    enrolments: Sequence[Enrolment],
    lines: Sequence[int],
    by: str,
) -> list[RejectedRow]:
    """Send batches; what the contract refuses of the first that it refuses, row by row."""
    to = ledger.settings.contracts["Members"]

    def data(batch: Sequence[_New]) -> bytes:
        return encode_call("Members", "enrol", [row.words for row in batch])

    for start in range(0, len(rows), ENROLMENTS):
        batch = rows[start : start + ENROLMENTS]
        try:
            outbox.send(by, KeyUse.MAKER, to, data(batch), rows=len(batch))
        except Reverted as refusal:
            if refusal.reason.startswith("SENDER_"):
                raise
            refused = []
            for row in batch:
                try:
                    outbox.probe(by, KeyUse.MAKER, to, data([row]))
                except Reverted as own:
                    refused.append(_rejected(enrolments[row.at], row.at, lines, own.reason))
            if not refused:
                raise
            return refused
    return []


def _rejected(row: Enrolment, at: int, lines: Sequence[int], reason: str) -> RejectedRow:
    return RejectedRow(lines[at] if lines else 0, row.ref, reason, explain(reason))
