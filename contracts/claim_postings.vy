# pragma version 0.4.3
"""
@title claim_postings
@license MIT
@notice The postings of deposits, compensations and recoveries: the accounts table of the money rules.
"""
from . import layers
from . import postings
from .interfaces import IDeals
from .interfaces import IJournal

MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
MAX_LAYERS: constant(uint256) = 8
MASK_16: constant(uint256) = 2**16 - 1

# Accounts of the Journal besides those of postings, and how many there are.
DEPOSIT_PLACED: constant(uint256) = 6
DEPOSIT_HELD: constant(uint256) = 7
CLAIMS: constant(uint256) = 8
RECOVERIES: constant(uint256) = 10
ACCOUNTS: constant(uint256) = 11


@internal
def _post_deposit(
    _journal: address,
    _deal_id: bytes32,
    _depositor: uint256,
    _custodian: uint256,
    _amount_minor: int256,
):
    """
    @param _amount_minor What is paid in, below 0 what goes back.
    """
    extcall IJournal(_journal).post(
        _deal_id,
        [
            IJournal.Posting(party=_depositor, account=DEPOSIT_PLACED, amount_minor=_amount_minor),
            IJournal.Posting(party=_depositor, account=postings.CASH, amount_minor=-_amount_minor),
            IJournal.Posting(party=_custodian, account=postings.CASH, amount_minor=_amount_minor),
            IJournal.Posting(party=_custodian, account=DEPOSIT_HELD, amount_minor=-_amount_minor),
        ],
    )


@internal
def _post(
    _journal: address,
    _deal_id: bytes32,
    _division: IDeals.Division,
    _cover: IDeals.Cover,
    _totals: layers.Legs,
    _compensation: bool,
    _sign: int256,
):
    """
    @dev What the funders get comes from the layers in a compensation; in a recovery both get it from the collector.
    @param _sign 1, or -1 for the mirror.
    """
    # By party and account, so that what a party owes itself cancels out.
    net: int256[MAX_PARTIES * ACCOUNTS] = empty(int256[MAX_PARTIES * ACCOUNTS])
    cash: int256 = 0
    for i: uint256 in range((_division.places >> 8) & 255, bound=MAX_FUNDERS):
        at: uint256 = i * ACCOUNTS
        residual: int256 = _sign * self._signed(_totals.residual, i)
        recovered: int256 = _sign * self._signed(_totals.recovered, i)
        income: int256 = _sign * self._signed(_totals.income, i)
        net[at + postings.LOANS] = -residual
        net[at + RECOVERIES] = -recovered
        net[at + (postings.INTEREST_INCOME if _compensation else postings.PENALTY_INCOME)] = -income
        net[at + postings.CLEARING] = residual + recovered + income
        cash += residual + recovered + income
    drawn: int256 = 0
    for k: uint256 in range(len(_cover.layers), bound=MAX_LAYERS):
        at: uint256 = (_cover.layers[k] & 255) * ACCOUNTS
        part: int256 = _sign * self._signed(_totals.layers, k)
        if _compensation:
            part = -part
            if _cover.layers[k] & layers.FROM_DEPOSIT != 0:
                drawn -= part
        cash += part
        net[at + CLAIMS] -= part
        net[at + postings.CLEARING] += part
    if drawn != 0:
        # The custodian owes it instead of the depositor.
        at: uint256 = (_cover.deposit & 255) * ACCOUNTS
        net[at + DEPOSIT_PLACED] -= drawn
        net[at + postings.CLEARING] += drawn
        at = ((_cover.deposit >> 8) & 255) * ACCOUNTS
        net[at + DEPOSIT_HELD] += drawn
        net[at + postings.CLEARING] -= drawn
    if not _compensation:
        at: uint256 = ((_division.places >> postings.COLLECTOR) & 255) * ACCOUNTS
        net[at + postings.CASH] += cash
        net[at + postings.CLEARING] -= cash
    posted: DynArray[IJournal.Posting, 96] = []
    for i: uint256 in range(MAX_PARTIES * ACCOUNTS):
        if net[i] != 0:
            posted.append(
                IJournal.Posting(
                    party=self._party(_division.parties, i // ACCOUNTS), account=i % ACCOUNTS, amount_minor=net[i]
                )
            )
    extcall IJournal(_journal).post(_deal_id, posted)


@internal
@pure
def _signed(_words: uint256[2], _index: uint256) -> int256:
    return convert(layers._at(_words, _index), int256)


@internal
@pure
def _party(_parties: uint256, _index: uint256) -> uint256:
    """
    @return Member number of the party at an index.
    """
    return (_parties >> (16 * _index)) & MASK_16
