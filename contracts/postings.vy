# pragma version 0.4.3
"""
@title postings
@license MIT
@notice The postings of loans' entries: the accounts table of the money rules.
@dev Legs of a party are one word: principal in bits 0-63, interest 64-127, penalty 128-191, fee 192-255.
"""
from .interfaces import IDeals
from .interfaces import IJournal

MAX_PARTIES: constant(uint256) = 12
MASK_16: constant(uint256) = 2**16 - 1
MASK_64: constant(uint256) = 2**64 - 1

# Places of the parties in Division.places.
SERVICER: constant(uint256) = 16
DISBURSER: constant(uint256) = 24
COLLECTOR: constant(uint256) = 32
NOBODY: constant(uint256) = 255

# Accounts of the Journal.
CASH: constant(uint256) = 0
CLEARING: constant(uint256) = 1
LOANS: constant(uint256) = 2
INTEREST_INCOME: constant(uint256) = 3
PENALTY_INCOME: constant(uint256) = 4
FEES: constant(uint256) = 5
LOSSES: constant(uint256) = 9


@internal
@pure
def _party(_division: IDeals.Division, _place: uint256) -> uint256:
    """
    @return Member number of the party at a place: servicer, disburser or collector.
    """
    return (_division.parties >> (16 * ((_division.places >> _place) & 255))) & MASK_16


@internal
def _post(
    _journal: address,
    _deal_id: bytes32,
    _division: IDeals.Division,
    _totals: uint256[MAX_PARTIES],
    _against: uint256,
    _cash_place: uint256,
    _sign: int256,
):
    """
    @dev Each party's legs go against one account: CLEARING for what passes through the cash party,
        LOSSES for a write-off. A booking is the mirror of a repayment of its principal.
    @param _cash_place DISBURSER or COLLECTOR; NOBODY when no cash moves.
    @param _sign 1 for what lowers the loans, -1 for its mirror.
    """
    postings: DynArray[IJournal.Posting, 96] = []
    cash_minor: int256 = 0
    for i: uint256 in range(_division.places & 255, bound=MAX_PARTIES):
        legs: uint256 = _totals[i]
        if legs == 0:
            continue
        party: uint256 = (_division.parties >> (16 * i)) & MASK_16
        leg_minor: int256 = 0
        for field: uint256 in range(4):
            part: int256 = _sign * convert((legs >> (64 * field)) & MASK_64, int256)
            if part != 0:
                leg_minor += part
                postings.append(IJournal.Posting(party=party, account=LOANS + field, amount_minor=-part))
        postings.append(IJournal.Posting(party=party, account=_against, amount_minor=leg_minor))
        cash_minor += leg_minor
    if _cash_place != NOBODY:
        cash_party: uint256 = self._party(_division, _cash_place)
        postings.append(IJournal.Posting(party=cash_party, account=CASH, amount_minor=cash_minor))
        postings.append(IJournal.Posting(party=cash_party, account=CLEARING, amount_minor=-cash_minor))
    extcall IJournal(_journal).post(_deal_id, postings)


@internal
def _post_loan_fees(
    _journal: address,
    _deal_id: bytes32,
    _division: IDeals.Division,
    _parts: uint256[MAX_PARTIES],
    _sign: int256,
):
    """
    @dev What the funders owe the fee payee for loans booked (导流).
    @param _parts In the fee field of each funder.
    @param _sign 1 for bookings, -1 for the mirror of one.
    """
    postings: DynArray[IJournal.Posting, 18] = []
    fee_minor: int256 = 0
    for i: uint256 in range((_division.places >> 8) & 255, bound=8):
        part: int256 = _sign * convert(_parts[i] >> 192, int256)
        party: uint256 = (_division.parties >> (16 * i)) & MASK_16
        postings.append(IJournal.Posting(party=party, account=FEES, amount_minor=part))
        postings.append(IJournal.Posting(party=party, account=CLEARING, amount_minor=-part))
        fee_minor += part
    payee: uint256 = (_division.parties >> (16 * ((_division.fees >> 216) & 255))) & MASK_16
    postings.append(IJournal.Posting(party=payee, account=FEES, amount_minor=-fee_minor))
    postings.append(IJournal.Posting(party=payee, account=CLEARING, amount_minor=fee_minor))
    extcall IJournal(_journal).post(_deal_id, postings)
