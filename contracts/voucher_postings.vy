# pragma version 0.4.3
"""
@title voucher_postings
@license MIT
@notice The postings of financed vouchers, and how a discount is worked out and divided: the money rules.
@dev What a party posts of one row adds up to 0 by itself, so every row is posted on its own.
"""
from . import calendar
from . import postings
from . import waterfall
from .interfaces import IDeals
from .interfaces import IJournal

PPM: constant(uint256) = 1_000_000
MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
# What core enterprise and holder, or seller and buyer, post of a row.
MAX_OWN: constant(uint256) = 6
MASK_16: constant(uint256) = 2**16 - 1
DAY_COUNT: constant(uint256) = 72

# Accounts of the Journal besides those of postings.
VOUCHERS_HELD: constant(uint256) = 11
VOUCHERS_OWED: constant(uint256) = 12
DISCOUNT: constant(uint256) = 13


@internal
@pure
def _discount(
    _amount_minor: uint256, _rate_ppm: uint256, _date: uint256, _due_date: uint256, _places: uint256
) -> uint256:
    """
    @return Interest on the amount from the date, which counts, to the due date, which does not; half up.
    """
    day_count: uint256 = (_places >> DAY_COUNT) & 255
    days: uint256 = calendar._day_index(_due_date, day_count) - calendar._day_index(_date, day_count)
    return waterfall._half_up(_amount_minor * _rate_ppm * days, calendar._year_days(day_count) * PPM)


@internal
@pure
def _parts(_division: IDeals.Division, _amount_minor: uint256) -> uint256[MAX_PARTIES]:
    """
    @return M2 by the funding shares, in the order of the parties.
    """
    return waterfall._apportion_into(
        empty(uint256[MAX_PARTIES]),
        _amount_minor,
        waterfall._dividers(_division.shares, (_division.places >> 8) & 255),
        0,
    )


@internal
@pure
def _parts_off(_division: IDeals.Division, _before_minor: uint256, _after_minor: uint256) -> uint256[MAX_PARTIES]:
    """
    @return M3: what the funders get of an amount as it goes down.
    """
    parts: uint256[MAX_PARTIES] = self._parts(_division, _before_minor)
    left: uint256[MAX_PARTIES] = self._parts(_division, _after_minor)
    for i: uint256 in range(MAX_FUNDERS):
        parts[i] -= left[i]
    return parts


@internal
@pure
def _income(_division: IDeals.Division, _discount_minor: uint256, _rate_ppm: uint256) -> uint256[MAX_PARTIES]:
    """
    @return M4 of a discount as the interest of a loan at the same rate, in the order of the parties.
    """
    income: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
    dividers: DynArray[uint256, 7] = waterfall._dividers(_division.shares, (_division.places >> 8) & 255)
    rest: uint256 = _discount_minor
    tiers: DynArray[uint256, 8] = waterfall._tiers(_division.interest)
    for tier: uint256 in tiers:
        taken: uint256 = 0
        if tier >> 32 == 0:
            taken = waterfall._half_up(rest * (tier >> 8), PPM)
        else:
            taken = min(rest, waterfall._half_up(_discount_minor * (tier >> 32), _rate_ppm))
        rest -= taken
        if tier & 255 == waterfall.FUNDERS:
            income = waterfall._apportion_into(income, taken, dividers, 0)
        else:
            income[tier & 255] += taken
    return waterfall._apportion_into(income, rest, dividers, 0)


@internal
@pure
def _packed(_amounts: uint256[MAX_PARTIES]) -> uint256[3]:
    """
    @return 64 bits each: party i in bits 64 * (i % 4) of word i // 4.
    """
    words: uint256[3] = empty(uint256[3])
    for i: uint256 in range(MAX_PARTIES):
        words[i >> 2] |= _amounts[i] << ((i & 3) << 6)
    return words


@internal
def _post(
    _journal: address,
    _deal_id: bytes32,
    _parties: uint256,
    _own: DynArray[IJournal.Posting, MAX_OWN],
    _cash_party: uint256,
    _cash_minor: int256,
    _parts: uint256[MAX_PARTIES],
    _income: uint256[MAX_PARTIES],
    _sign: int256,
):
    """
    @param _parties Of IDeals.Division.
    @param _own What core enterprise and holder post.
    @param _cash_party Disburser or collector, and what it received.
    @param _parts Face that the funders take, with sign -1 face they give back.
    """
    posted: DynArray[IJournal.Posting, 96] = []
    for one: IJournal.Posting in _own:
        if one.amount_minor != 0:
            posted.append(one)
    if _cash_minor != 0:
        posted.append(IJournal.Posting(party=_cash_party, account=postings.CASH, amount_minor=_cash_minor))
        posted.append(IJournal.Posting(party=_cash_party, account=postings.CLEARING, amount_minor=-_cash_minor))
    for i: uint256 in range(MAX_PARTIES):
        part: int256 = _sign * convert(_parts[i], int256)
        earned: int256 = convert(_income[i], int256)
        if part == 0 and earned == 0:
            continue
        party: uint256 = (_parties >> (16 * i)) & MASK_16
        if part != 0:
            posted.append(IJournal.Posting(party=party, account=VOUCHERS_HELD, amount_minor=part))
        if earned != 0:
            posted.append(IJournal.Posting(party=party, account=DISCOUNT, amount_minor=-earned))
        posted.append(IJournal.Posting(party=party, account=postings.CLEARING, amount_minor=earned - part))
    extcall IJournal(_journal).post(_deal_id, posted)
