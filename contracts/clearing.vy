# pragma version 0.4.3
"""
@title clearing
@license MIT
@notice Payments that bring the CLEARING balances of a deal to zero (清算): their words, their check, their postings.
@dev A payment of a settlement is one word: amount in bits 0-95, what is left of it to pay 96-191, member number of the
    payer 192-207, of the payee 208-223. An entry is one word: amount in bits 0-95, date 96-111, kind 112-119,
    position of the payment 120-127, number of the settlement 128-191.
"""
from . import reasons
from .interfaces import IJournal

MAX_PARTIES: constant(uint256) = 12
MAX_PAYMENTS: constant(uint256) = 11
MASK_16: constant(uint256) = 2**16 - 1
MASK_96: constant(uint256) = 2**96 - 1

# Places in the word of a payment.
REST: constant(uint256) = 96
PAYER: constant(uint256) = 192
PAYEE: constant(uint256) = 208

# Places in the word of an entry, and its kinds.
DATE: constant(uint256) = 96
KIND: constant(uint256) = 112
POSITION: constant(uint256) = 120
NUMBER: constant(uint256) = 128
PAID: constant(uint256) = 1
REVERSAL: constant(uint256) = 2
PAID_AND_REVERSED: constant(uint256) = 3

# Accounts of the Journal.
CASH: constant(uint256) = 0
CLEARING: constant(uint256) = 1

struct Payment:
    # Member numbers.
    payer: uint256
    payee: uint256
    # Minor units, above 0.
    amount_minor: uint256


@internal
@pure
def _party(_word: uint256, _place: uint256) -> uint256:
    """
    @param _place PAYER or PAYEE of a payment.
    """
    return (_word >> _place) & MASK_16


@internal
@pure
def _rest(_word: uint256) -> uint256:
    return (_word >> REST) & MASK_96


@internal
@view
def _balances(_journal: address, _deal_id: bytes32, _parties: uint256) -> int256[MAX_PARTIES]:
    """
    @return What CLEARING of each party stands at, in the order of the parties; positive for who is to receive.
    """
    balances: int256[MAX_PARTIES] = empty(int256[MAX_PARTIES])
    for i: uint256 in range(MAX_PARTIES):
        party: uint256 = (_parties >> (16 * i)) & MASK_16
        if party == 0:
            break
        balances[i] = staticcall IJournal(_journal).balances(_deal_id, party * 256 + CLEARING)
    return balances


@internal
@pure
def _require_settled(
    _dues: int256[MAX_PARTIES], _parties: uint256, _payments: DynArray[Payment, MAX_PAYMENTS]
):
    """
    @dev Money goes from parties that are to pay to parties that are to receive, and all of it.
    """
    due: bool = False
    for due_minor: int256 in _dues:
        due = due or due_minor != 0
    assert due, reasons.SETTLEMENT_EMPTY

    dues: int256[MAX_PARTIES] = _dues
    # A bit for each pair of places.
    seen: uint256 = 0
    for payment: Payment in _payments:
        payer: uint256 = self._place(_parties, payment.payer)
        payee: uint256 = self._place(_parties, payment.payee)
        pair: uint256 = 1 << (payer * 16 + payee)
        # A member that is no party is at a place beyond the last.
        assert (
            payer != MAX_PARTIES
            and payee != MAX_PARTIES
            and _dues[payer] < 0
            and _dues[payee] > 0
            and payment.amount_minor != 0
            and payment.amount_minor <= MASK_96
            and seen & pair == 0
        ), reasons.PAYMENT_INVALID
        seen |= pair
        dues[payer] += convert(payment.amount_minor, int256)
        dues[payee] -= convert(payment.amount_minor, int256)
    for left_minor: int256 in dues:
        assert left_minor == 0, reasons.SETTLEMENT_DIFFERS  # S6


@internal
@pure
def _place(_parties: uint256, _number: uint256) -> uint256:
    """
    @return Position among the deal's parties; MAX_PARTIES for a member that is none.
    """
    for i: uint256 in range(MAX_PARTIES):
        if (_parties >> (16 * i)) & MASK_16 == _number:
            return i
    return MAX_PARTIES


@internal
def _post(
    _journal: address, _deal_id: bytes32, _word: uint256, _date: uint256, _kind: uint256, _amount_minor: uint256, _sign: int256
):
    """
    @dev The payer's CASH goes to the payee's; by as much CLEARING of both comes nearer to zero.
    @param _word The payment.
    @param _kind In the totals of the business day.
    @param _sign 1 for a payment, -1 for its mirror.
    """
    payer: uint256 = self._party(_word, PAYER)
    payee: uint256 = self._party(_word, PAYEE)
    amount_minor: int256 = _sign * convert(_amount_minor, int256)
    postings: DynArray[IJournal.Posting, 96] = [
        IJournal.Posting(party=payer, account=CASH, amount_minor=-amount_minor),
        IJournal.Posting(party=payer, account=CLEARING, amount_minor=amount_minor),
        IJournal.Posting(party=payee, account=CASH, amount_minor=amount_minor),
        IJournal.Posting(party=payee, account=CLEARING, amount_minor=-amount_minor),
    ]
    extcall IJournal(_journal).post(_deal_id, postings)
    extcall IJournal(_journal).count(_deal_id, _date, _kind, 1, _amount_minor, False)
