"""Reading who belongs, with which keys, whom banks list, and what members declared."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.book import Book


@dataclass(frozen=True, slots=True)
class Party:
    """A member as the chain knows it."""

    number: int
    member_id: str
    name: str
    maker: bytes
    """The newest of its maker keys that lives; its last one when none does."""
    checker: bytes
    """All 0 where it has none: see `is_enrolled`."""
    roles: int
    licences: int
    validator: bytes
    expelled: int
    """1 when it is."""

    @property
    def is_enrolled(self) -> bool:
        """Whether it is a supplier that was enrolled: it has no checker and no vote."""
        return not any(self.checker)


@dataclass(frozen=True, slots=True)
class Action:
    """A request under four eyes."""

    action_id: bytes
    number: int
    target: bytes
    payload: bytes
    confirmed: int
    """1 when it is."""


@dataclass(frozen=True, slots=True)
class MakerKey:
    """A maker key of a member, with the blocks from and to which it acts."""

    key: bytes
    from_block: int
    to_block: int | None
    """None while it lives."""


@dataclass(frozen=True, slots=True)
class ListChange:
    """One change of a bank's list (名单制); dates are inclusive."""

    bank: int
    party: int
    role: int
    """1 assist, 2 cofund, 4 enhance."""
    listed: bool
    from_date: int
    to_date: int
    """65535 stands for no end."""
    block: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that a member declared of itself."""

    figure: int
    """1 tier-1 capital, 2 all loans, 3 net assets."""
    currency: int
    from_date: int
    amount_minor: int
    block: int


_PARTY = (
    "SELECT number, member_id, name, maker, checker, roles, licences, validator, expelled"
    " FROM members"
)


def members(book: Book) -> list[Party]:
    """All members ever admitted or enrolled, by number."""
    return [Party(*row) for row in book.connection.execute(f"{_PARTY} ORDER BY number")]


def admitted(book: Book) -> list[Party]:
    """All members but the enrolled suppliers, who may be very many."""
    query = f"{_PARTY} WHERE checker <> ? ORDER BY number"
    return [Party(*row) for row in book.connection.execute(query, (bytes(20),))]


def member(book: Book, member_id: str) -> Party | None:
    """The member of an id, if there is one."""
    query = f"{_PARTY} WHERE member_id = ?"
    row = book.connection.execute(query, (member_id,)).fetchone()
    return Party(*row) if row else None


def member_numbered(book: Book, number: int) -> Party | None:
    """The member of a number, if there is one."""
    row = book.connection.execute(f"{_PARTY} WHERE number = ?", (number,)).fetchone()
    return Party(*row) if row else None


def actions(book: Book) -> list[Action]:
    """Requests that wait for a checker, oldest first."""
    query = (
        "SELECT action_id, number, target, payload, confirmed FROM actions"
        " WHERE NOT confirmed ORDER BY rowid"
    )
    return [Action(*row) for row in book.connection.execute(query)]


def maker_keys(book: Book, number: int) -> list[MakerKey]:
    """Every maker key that a member ever had, oldest first."""
    query = "SELECT key, from_block, to_block FROM maker_keys WHERE number = ? ORDER BY rowid"
    return [MakerKey(*row) for row in book.connection.execute(query, (number,))]


def live_keys(book: Book, number: int) -> list[bytes]:
    """The maker keys with which a member may act, oldest first."""
    return [known.key for known in maker_keys(book, number) if known.to_block is None]


def list_changes(book: Book, bank: int) -> list[ListChange]:
    """Every change of a bank's list, oldest first."""
    query = (
        "SELECT bank, party, role, listed, from_date, to_date, block FROM list_changes"
        " WHERE bank = ? ORDER BY change"
    )
    return [
        ListChange(row[0], row[1], row[2], bool(row[3]), row[4], row[5], row[6])
        for row in book.connection.execute(query, (bank,))
    ]


def listed(book: Book, bank: int, day: int) -> list[tuple[int, int]]:
    """Parties and roles that a bank lists on a day, by party.

    The newest change that covers the day decides; what none covers is not listed.
    """
    newest = {
        (change.party, change.role): change.listed
        for change in list_changes(book, bank)
        if change.from_date <= day <= change.to_date
    }
    return sorted(place for place, is_listed in newest.items() if is_listed)


def keeps_list(book: Book, bank: int) -> bool:
    """Whether a bank's list ever had a change, and so binds."""
    query = "SELECT 1 FROM list_changes WHERE bank = ? LIMIT 1"
    return book.connection.execute(query, (bank,)).fetchone() is not None


def declared(book: Book, member: int) -> list[Figure]:
    """Every figure that a member declared, oldest first."""
    query = (
        "SELECT figure, currency, from_date, amount_minor, block FROM figures"
        " WHERE member = ? ORDER BY rowid"
    )
    return [
        Figure(row[0], row[1], row[2], int(row[3]), row[4])
        for row in book.connection.execute(query, (member,))
    ]


def figures(book: Book, member: int, day: int) -> list[Figure]:
    """A member's figures as of a day, by kind and currency.

    Of each the newest declaration that holds on the day, however long the older ones hold.
    """
    ruling = {
        (found.figure, found.currency): found
        for found in declared(book, member)
        if found.from_date <= day
    }
    return [ruling[place] for place in sorted(ruling)]


def partner_groups(book: Book, bank: int) -> dict[int, int]:
    """Party to group, of the parties that a bank counts to one; others are groups of their own."""
    query = "SELECT party, group_number FROM partner_groups WHERE bank = ? ORDER BY rowid"
    return dict(book.connection.execute(query, (bank,)).fetchall())
