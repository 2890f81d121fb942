"""Acts: what a member does from the console, each by the same call of the SDK as its command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ledger import days, reading
from ledger.bindings import label
from ledger.console import addresses
from ledger.console.view import NotShown, View
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import day_number, parse_date
from ledger.reading import DayStatement
from ledger.reconcile.register import Register, open_hashes
from ledger.sealing import check_breaks

Given = Mapping[str, str]
"""What the address and the form say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an act came to."""

    says: str
    link: str
    """The page that shows it."""


Act = Callable[[View, Given], Done]


def approve(view: View, given: Given) -> Done:
    """The checker's half of an action."""
    action = view.ledger.approve(given["action"], by=view.member.member_id)
    says = text("cli.approved", action=action.hex()[:12], member=view.member.member_id)
    return Done(says=says, link="/today")


def sign(view: View, given: Given) -> Done:
    """Ask for the member's signature under terms; of the very version that was shown."""
    deal, by = view.deal(given["deal"]), view.member.member_id
    newest = reading.versions(view.book, deal.deal)[-1].version
    if given["version"] != str(newest):
        raise UsageInvalid(
            text("console.version_superseded"), expected=str(newest), found=given["version"]
        )
    action = view.ledger.sign(deal.name, by=by)
    link = addresses.deal(deal.name, f"terms/{newest}")
    return Done(says=_asked(view, deal.name, action, text("cli.deal_signed", member=by,
                                                          deal=deal.name)), link=link)  # fmt: skip


def day_shown(
    view: View, deal: reading.Deal, number: int, book: DayStatement | None = None
) -> tuple[DayStatement, bytes]:
    """The member's statement of a day, with the breaks that it knows of, and its digest.

    `book`: what the book says of the day, where that is known already.
    """
    own = open_hashes(view.ledger.directory, deal.name, view.member.member_id, number)
    found = book or days.statement(view.book, deal, number)
    statement = found._replace(breaks=tuple(sorted(set(own))))
    return statement, days.digest(label(deal.name), number, statement)


def seal(view: View, given: Given) -> Done:
    """Sign a day: the very statement that was shown, or none."""
    deal, on = view.in_force(given["deal"]), parse_date(given["on"])
    statement, digest = day_shown(view, deal, day_number(on))
    if digest.hex() != given.get("digest", ""):
        raise UsageInvalid(
            text("console.day_moved"), expected=given.get("digest", ""), found=digest.hex(),
            fix=text("console.day_moved_fix"),
        )  # fmt: skip
    check_breaks(statement.breaks)
    by = view.member.member_id
    done = view.ledger.seal(deal.name, date=on, by=by, statement=statement)
    place = {"deal": deal.name, "date": on, "member": by, "digest": "0x" + digest.hex()}
    key = "cli.seal_done" if done.action else "cli.seal_already"
    says = text(key, **place)
    if done.waits:
        says = waits(view, deal.name, done.action)
    return Done(says=says, link=addresses.day(deal.name, on.isoformat()))


def of_break(what: str) -> Act:
    """assign, resolve or waive a break of the member's own register."""

    def act(view: View, given: Given) -> Done:
        own, by, day = addresses.identifier(given["own"]), view.member.member_id, view.today
        with Register(view.ledger.directory) as register:
            if own not in {one.hash for one in register.open(member=by, today=day)}:
                raise NotShown(given["own"])
            if what == "assign":
                register.assign(own, given.get("to", "").strip(), by=by, today=day)
            elif what == "resolve":
                entry = given.get("entry", "").strip()
                register.resolve(own, entry, view.ledger, by=by, today=day)
            else:
                register.waive(own, given.get("reason", "").strip(), by=by, today=day)
        says = text(f"console.break_{what}", id=own.hex()[:12])
        return Done(says=says, link=addresses.found_break(own))

    return act


def _asked(view: View, subject: str, action: bytes, done: str) -> str:
    """What became of a request: it waits for a checker, or on a `--dev` ledger it is done."""
    return done if view.ledger.settings.dev else waits(view, subject, action)


def waits(view: View, subject: str, action: bytes) -> str:
    """That a request waits for the member's checker."""
    member = view.member.member_id
    return text("cli.action_waits", member=member, deal=subject, action=action.hex()[:12])
