"""`post`: balanced postings of any day; what counts to which day is `count`'s."""

from __future__ import annotations

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Contract
from tests.contracts.sandbox.partnership import (
    ACCOUNTS,
    DEAL,
    Member,
    Partnership,
    deal_id,
    refused,
)

ID = deal_id(DEAL)
CASH, CLEARING, LOANS = 0, 1, 2


def balance(journal: Contract, party: int, account: int) -> int:
    amount: int = journal.read("balances", ID, party * 256 + account)
    return amount


def test_postings_add_to_the_balances(journal: Contract, poster: Key) -> None:
    receipt = journal.send(poster, "post", ID, [(1, CASH, -100), (2, LOANS, 100)])
    assert receipt.returned is None
    assert receipt.events == []  # the contract that posts says what and why
    journal.send(poster, "post", ID, [(1, CASH, 30), (2, CLEARING, -30)])
    assert balance(journal, 1, CASH) == -70
    assert balance(journal, 2, LOANS) == 100
    assert balance(journal, 2, CLEARING) == -30


def test_two_postings_of_one_account_add_up(journal: Contract, poster: Key) -> None:
    journal.send(poster, "post", ID, [(1, CASH, 5), (1, CASH, 7), (1, CLEARING, -12)])
    assert balance(journal, 1, CASH) == 12


def test_every_account_of_every_party_is_apart(journal: Contract, poster: Key) -> None:
    postings = [
        (party, account, 1 + party * 100 + account)
        for party in (1, 2, 64)
        for account in range(len(ACCOUNTS))
    ]
    total = sum(amount for _, _, amount in postings)
    journal.send(poster, "post", ID, [*postings, (3, CASH, -total)])
    for party, account, amount in postings:
        assert balance(journal, party, account) == amount


def test_deals_are_apart(journal: Contract, poster: Key) -> None:
    journal.send(poster, "post", deal_id("other"), [(1, CASH, 1), (2, CASH, -1)])
    assert balance(journal, 1, CASH) == 0


def test_ninety_six_postings_fit_and_no_more(journal: Contract, poster: Key) -> None:
    pairs = [(party, CASH, (-1) ** party) for party in range(1, 97)]
    journal.send(poster, "post", ID, pairs)
    with refused("0x"):
        journal.send(poster, "post", ID, [*pairs, (97, CASH, 0)])


def test_no_posting_at_all_is_balanced(journal: Contract, poster: Key) -> None:
    journal.send(poster, "post", ID, [])


def test_posting_by_anything_but_a_named_contract_is_refused(
    agreed: Partnership, journal: Contract, platform: Member
) -> None:
    balanced = [(1, CASH, 1), (2, CASH, -1)]
    for key in (platform.maker, platform.checker, agreed.operator):
        with refused("SENDER_NOT_CONTRACT"):
            journal.send(key, "post", ID, balanced)


def test_unbalanced_postings_are_refused(journal: Contract, poster: Key) -> None:
    for postings in ([(1, CASH, 1)], [(1, CASH, 2), (2, CASH, -1)], [(1, CASH, -1), (1, CASH, -1)]):
        with refused("POSTINGS_UNBALANCED"):  # J1
            journal.send(poster, "post", ID, postings)
    assert balance(journal, 1, CASH) == 0


def test_overflow_of_the_sum_is_refused(journal: Contract, poster: Key) -> None:
    with refused("0x"):
        journal.send(poster, "post", ID, [(1, CASH, 2**255 - 1), (2, CASH, 1)])
