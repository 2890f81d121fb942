"""Settling: the payments bring every due to zero, and no fewer could."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from ledger.settling import MAX_PARTIES, Payment, fewest_payments, net_minor, remaining

small = st.integers(-6, 6)
amounts = st.one_of(small, st.integers(-(2**56), 2**56))


def balanced(values: list[int], first: int = 11) -> dict[int, int]:
    """Dues of parties with numbers nothing like their places; the last one takes the rest."""
    dues = [*values, -sum(values)]
    return {first + 7 * at: due for at, due in enumerate(dues)}


dues_of_few = st.lists(small, max_size=6).map(balanced)
dues = st.lists(amounts, max_size=MAX_PARTIES - 1).map(balanced)


def partitions(parties: list[int]) -> Iterator[list[list[int]]]:
    """Every way to group parties, by brute force."""
    if not parties:
        yield []
        return
    first, rest = parties[0], parties[1:]
    for groups in partitions(rest):
        for at in range(len(groups)):
            yield [*groups[:at], [first, *groups[at]], *groups[at + 1 :]]
        yield [[first], *groups]


def fewest_by_brute_force(due: dict[int, int]) -> int:
    """A group that settles within itself needs one payment less than it has parties.

    A set of payments joins parties; each connected set of them adds up to zero and has at least
    one payment less than parties: so the fewest over all groupings is the fewest there is.
    """
    owing = [party for party in due if due[party]]
    return min(
        sum(len(group) - 1 for group in groups)
        for groups in partitions(owing)
        if all(sum(due[party] for party in group) == 0 for group in groups)
    )


@given(dues_of_few)
def test_no_fewer_payments_settle_the_dues(due: dict[int, int]) -> None:
    assert len(fewest_payments(due)) == fewest_by_brute_force(due)


@given(dues)
def test_payments_bring_every_due_to_zero_from_those_who_owe_to_those_who_get(
    due: dict[int, int],
) -> None:
    payments = fewest_payments(due)
    assert not any(remaining(due, payments).values())
    assert all(one.amount_minor > 0 and due[one.payer] < 0 < due[one.payee] for one in payments)
    assert len({one[:2] for one in payments}) == len(payments)
    assert len(payments) < max(1, sum(map(bool, due.values())))


@given(dues)
def test_the_same_dues_give_the_same_payments(due: dict[int, int]) -> None:
    assert fewest_payments(due) == fewest_payments(dict(due))


def test_two_pairs_settle_among_themselves() -> None:
    due = {1: 500, 2: 300, 3: -300, 4: -500}
    assert fewest_payments(due) == [Payment(3, 2, 300), Payment(4, 1, 500)]


def test_a_smaller_payment_does_not_hide_a_better_grouping() -> None:
    # Always paying the largest from the largest would take four.
    due = {1: 7, 2: 6, 3: -5, 4: -4, 5: -4}
    assert fewest_payments(due) == [
        Payment(3, 1, 5), Payment(4, 1, 2), Payment(4, 2, 2), Payment(5, 2, 4),
    ]  # fmt: skip
    grouped = {1: 7, 2: 6, 3: -4, 4: -6, 5: -3}
    assert fewest_payments(grouped) == [Payment(3, 1, 4), Payment(4, 2, 6), Payment(5, 1, 3)]


def test_nothing_due_needs_no_payment() -> None:
    assert fewest_payments({}) == fewest_payments({1: 0, 2: 0}) == []


def test_twelve_parties_are_settled_with_as_few_as_there_are() -> None:
    # Six pairs, mixed: six payments instead of eleven.
    amounts = [101, 203, 307, 409, 511, 613]
    mixed = [amounts[0], -amounts[3], amounts[2], amounts[1], -amounts[0], -amounts[5]]
    mixed += [amounts[4], amounts[3], -amounts[1], amounts[5], -amounts[2], -amounts[4]]
    assert len(fewest_payments(dict(enumerate(mixed)))) == 6


@given(dues, st.data())
def test_what_one_gets_the_other_pays(due: dict[int, int], data: st.DataObject) -> None:
    one, other = data.draw(st.sampled_from(list(due))), data.draw(st.sampled_from(list(due)))
    payments = fewest_payments(due)
    assert net_minor(payments, one, other) == -net_minor(payments, other, one)
    assert sum(net_minor(payments, one, party) for party in due if party != one) == due[one]
