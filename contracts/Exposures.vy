# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
"""
@title Exposures
@license MIT
@notice Limits that reach across deals: what a funder has out with one group of partners and in joint deals, and what a
    guarantor would have to pay, against the figures that they declared.
@custom:units Amounts are minor units of a currency; limits are parts per million; dates are days since 1970-01-01.
@custom:invariant X1 A funder's total with a group of partners, and of joint deals, is the sum of its balances of LOANS in those deals as of each deal's last batch.
    X2 A payer's total is the sum, over its deals, of what its direct layers would have paid had every loan defaulted at the deal's last batch.
    X3 A declared figure is never edited or dropped: of those that hold on a day, the newest counts.
    X4 A party changes its group only while the bank has nothing out in a deal with it, so no total is ever split or merged.
@custom:stop A member's checker declares a figure of 0, and nothing more is booked under a limit on it.
"""
from . import reasons
from .interfaces import IDeals
from .interfaces import IExposures
from .interfaces import IGuarantees
from .interfaces import IMembers

implements: IExposures

interface IJournal:
    def balances(_deal_id: bytes32, _party_and_account: uint256) -> int256: view

# ---- constants
PPM: constant(uint256) = 1_000_000
MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
MAX_LAYERS: constant(uint256) = 8
MAX_SEGMENTS: constant(uint256) = 8
MAX_DECLARATIONS: constant(uint256) = 255
LAST_DAY: constant(uint256) = 65_535
MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_32: constant(uint256) = 2**32 - 1
MASK_64: constant(uint256) = 2**64 - 1
MASK_80: constant(uint256) = 2**80 - 1
# Account of the Journal.
LOANS_ACCOUNT: constant(uint256) = 2

# Places in Division.places.
EFFECTIVE: constant(uint256) = 48
CURRENCY: constant(uint256) = 80
LAYERED: constant(uint256) = 2 << 64
# Places in Rules.wide_limits.
JOINT_SHARE: constant(uint256) = 24
GUARANTEE_MULTIPLE: constant(uint256) = 48
GUARANTEED_BORROWER: constant(uint256) = 80
# Places in a word of Cover.layers, and kinds of cap besides an amount.
FROM_DEPOSIT: constant(uint256) = 2**8
CAP_KIND: constant(uint256) = 16
LAYER_SHARE: constant(uint256) = 24
CAP: constant(uint256) = 64
CAP_OF_DISBURSED: constant(uint256) = 2
CAP_OF_OUTSTANDING: constant(uint256) = 3

# Figures that members declare.
TIER_1_CAPITAL: constant(uint256) = 1
ALL_LOANS: constant(uint256) = 2
NET_ASSETS: constant(uint256) = 3
# A declaration is one word: first day in bits 0-15, amount 16-95, and one bit that tells it from none.
AMOUNT: constant(uint256) = 16
DECLARED: constant(uint256) = 2**96

# What is known of a deal, one word: bit v (1-255) that version v was looked at, bit 0 that its loans are joint.
JOINT: constant(uint256) = 1

# ---- immutables
MEMBERS: immutable(address)
DEALS: immutable(address)
GUARANTEES: immutable(address)
JOURNAL: immutable(address)
LOANS: immutable(address)
SERVICING: immutable(address)

# ---- events
event FigureDeclared:
    member: indexed(uint256)
    figure: indexed(uint256)
    currency: indexed(uint256)
    from_date: uint256
    amount_minor: uint256

event GroupDeclared:
    bank: indexed(uint256)
    party: indexed(uint256)
    group: uint256

# ---- storage
# Funder, group of partners, currency: what the funder has out in deals with a party of the group.
concentration: public(reentrant(HashMap[uint256, HashMap[uint256, HashMap[uint256, uint256]]]))
# Funder, currency: what the funder has out in joint deals.
joint: public(reentrant(HashMap[uint256, HashMap[uint256, uint256]]))
# Payer, currency: what its direct layers would pay if everything outstanding defaulted.
liability: public(reentrant(HashMap[uint256, HashMap[uint256, uint256]]))

# Deal, funder: what the totals hold of it.
_lent: HashMap[bytes32, HashMap[uint256, uint256]]
# Deal, version, payer: what the payer's total holds of it.
_liable: HashMap[bytes32, HashMap[uint256, HashMap[uint256, uint256]]]
# Deal, version: outstanding of its loans.
_outstanding_minor: HashMap[bytes32, HashMap[uint256, int256]]
# Deal, funder: the groups among the other parties, 16 bits each, while it has something out in the deal.
_groups: HashMap[bytes32, HashMap[uint256, uint256]]
# Deal: see JOINT.
_marks: HashMap[bytes32, uint256]
# Bank, party: 0 while the party is a group of its own.
_declared_group: HashMap[uint256, HashMap[uint256, uint256]]
# Bank, party: deals with the party in which the bank has something out.
_deals_with: HashMap[uint256, HashMap[uint256, uint256]]
# Member, figure, currency: the declarations, oldest first.
_declarations: HashMap[uint256, HashMap[uint256, HashMap[uint256, DynArray[uint256, MAX_DECLARATIONS]]]]


@deploy
def __init__(
    _members: address,
    _deals: address,
    _guarantees: address,
    _journal: address,
    _loans: address,
    _servicing: address,
):
    MEMBERS = _members
    DEALS = _deals
    GUARANTEES = _guarantees
    JOURNAL = _journal
    LOANS = _loans
    SERVICING = _servicing


# ---- external writes
@external
def declare(_member: uint256, _figure: uint256, _currency: uint256, _from_date: uint256, _amount_minor: uint256):
    """
    @notice A member's checker declares a figure of the member, after its maker's request.
    @dev A limit on a figure binds from the first declaration on; a figure of 0 leaves no room at all.
    @param _member Member number.
    @param _figure 1 tier-1 capital, 2 all loans, 3 net assets.
    @param _currency Three capital letters as a number, big-endian.
    @param _from_date The first day on which the figure holds, until the next one does.
    @param _amount_minor Minor units of the currency, below 2**80.
    """
    number: uint256 = extcall IMembers(MEMBERS).confirm(
        msg.sender,
        keccak256(concat(
            convert(self, bytes20),
            abi_encode(
                _member, _figure, _currency, _from_date, _amount_minor,
                method_id=method_id("declare(uint256,uint256,uint256,uint256,uint256)"),
            ),
        )),
    )
    assert number == _member, reasons.SENDER_NOT_DECLARER
    assert _figure >= TIER_1_CAPITAL and _figure <= NET_ASSETS, reasons.FIGURE_UNKNOWN
    assert self._is_currency(_currency), reasons.CURRENCY_INVALID
    assert _from_date <= LAST_DAY, reasons.FIGURE_DATE_INVALID
    assert _amount_minor <= MASK_80, reasons.FIGURE_TOO_LARGE
    assert len(self._declarations[_member][_figure][_currency]) < MAX_DECLARATIONS, reasons.FIGURES_FULL

    self._declarations[_member][_figure][_currency].append(  # X3
        _from_date | (_amount_minor << AMOUNT) | DECLARED
    )
    log FigureDeclared(
        member=_member, figure=_figure, currency=_currency, from_date=_from_date, amount_minor=_amount_minor
    )


@external
def declare_group(_bank: uint256, _party: uint256, _group: uint256):
    """
    @notice A bank's checker counts a party to a group of partners (集团及关联方), after its maker's request.
    @param _bank Member number of the bank.
    @param _party Member number of the party, with which the bank must have nothing out.
    @param _group 1 to 65 535: the member number of any party of the group; its own number sets it apart.
    """
    number: uint256 = extcall IMembers(MEMBERS).confirm(
        msg.sender,
        keccak256(concat(
            convert(self, bytes20),
            abi_encode(_bank, _party, _group, method_id=method_id("declare_group(uint256,uint256,uint256)")),
        )),
    )
    assert number == _bank, reasons.SENDER_NOT_BANK
    assert _party != 0 and _party <= staticcall IMembers(MEMBERS).count(), reasons.PARTY_UNKNOWN
    assert _group != 0 and _group <= MASK_16, reasons.GROUP_INVALID
    assert self._deals_with[_bank][_party] == 0, reasons.GROUP_IN_USE  # X4

    self._declared_group[_bank][_party] = _group
    log GroupDeclared(bank=_bank, party=_party, group=_group)


@external
def moved(
    _deal_id: bytes32, _version: uint256, _change_minor: int256, _outstanding_minor: uint256, _disbursed_minor: uint256
):
    """
    @notice The contracts that move principal report a batch of a deal, once its postings are made.
    @param _deal_id The deal.
    @param _version The version of the terms of the batch.
    @param _change_minor What the batch adds to principal outstanding: its version's, as a batch is of one.
    @param _outstanding_minor Principal outstanding after the batch.
    @param _disbursed_minor Principal ever disbursed in the deal.
    """
    assert msg.sender in [LOANS, GUARANTEES, SERVICING], reasons.SENDER_NOT_CONTRACT
    division: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, _version)
    if _change_minor != 0:
        # A version's first change is a booking: the deal is not suspended then, and its rules can be asked for.
        self._outstanding_minor[_deal_id][_version] += _change_minor
        is_joint: bool = self._is_joint(_deal_id, _version, division.parties, division.places)
        for i: uint256 in range((division.places >> 8) & MASK_8, bound=MAX_FUNDERS):
            self._count_lent(_deal_id, division.parties, division.places, i, is_joint)
    if division.places & LAYERED != 0:
        # Even when nothing moved: what was paid, or the deposit, may be another.
        self._count_liable(
            _deal_id, _version, division.parties, division.places, _outstanding_minor, _disbursed_minor
        )


# ---- external views
@external
@view
@reentrant
def require_within(_deal_id: bytes32, _version: uint256, _date: uint256, _wide_limits: uint256) -> bool:
    """
    @notice Refuses when a total of a funder or payer of the deal is over its limit, as counted after the batch.
    @dev A limit of 0, or one on a figure that was not declared by that day, does not bind.
    @param _deal_id The deal.
    @param _version The version of the terms of the batch.
    @param _date The day whose figures count.
    @param _wide_limits Rules.wide_limits of that day.
    @return True: it refuses otherwise.
    """
    division: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, _version)
    currency: uint256 = (division.places >> CURRENCY) & MASK_24
    max_concentration_ppm: uint256 = _wide_limits & MASK_24
    max_joint_share_ppm: uint256 = (_wide_limits >> JOINT_SHARE) & MASK_24
    max_multiple_ppm: uint256 = (_wide_limits >> GUARANTEE_MULTIPLE) & MASK_32
    for i: uint256 in range((division.places >> 8) & MASK_8, bound=MAX_FUNDERS):
        funder: uint256 = (division.parties >> (16 * i)) & MASK_16
        if max_concentration_ppm != 0:
            capital: uint256 = self._figure_on(funder, TIER_1_CAPITAL, currency, _date)
            if capital != 0:
                self._require_spread(_deal_id, funder, currency, self._share_of(capital, max_concentration_ppm))
        if max_joint_share_ppm != 0:
            loans: uint256 = self._figure_on(funder, ALL_LOANS, currency, _date)
            if loans != 0:
                room: uint256 = self._share_of(loans, max_joint_share_ppm)
                assert self.joint[funder][currency] <= room, reasons.JOINT_SHARE_OVER_LIMIT
    if max_multiple_ppm != 0 and division.places & LAYERED != 0:
        payers: DynArray[uint256, MAX_LAYERS] = self._direct_payers(_deal_id, _version, division.parties)
        for payer: uint256 in payers:
            assets: uint256 = self._figure_on(payer, NET_ASSETS, currency, _date)
            if assets != 0:
                room: uint256 = self._share_of(assets, max_multiple_ppm)
                assert self.liability[payer][currency] <= room, reasons.GUARANTEE_OVER_LIMIT
    return True


@external
@view
@reentrant
def borrower_room(_deal_id: bytes32, _version: uint256, _date: uint256, _wide_limits: uint256) -> uint256:
    """
    @notice What one borrower may owe where guarantors stand in directly.
    @param _deal_id The deal.
    @param _version The version of the terms of the batch.
    @param _date The day whose figures count.
    @param _wide_limits Rules.wide_limits of that day.
    @return Minor units, the smallest of all payers' rooms, rounded down; 2**256 - 1 when nothing binds.
    """
    room_minor: uint256 = max_value(uint256)
    max_borrower_ppm: uint256 = (_wide_limits >> GUARANTEED_BORROWER) & MASK_24
    if max_borrower_ppm == 0:
        return room_minor
    division: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, _version)
    if division.places & LAYERED == 0:
        return room_minor
    payers: DynArray[uint256, MAX_LAYERS] = self._direct_payers(_deal_id, _version, division.parties)
    for payer: uint256 in payers:
        assets: uint256 = self._figure_on(payer, NET_ASSETS, (division.places >> CURRENCY) & MASK_24, _date)
        if assets != 0:
            room_minor = min(room_minor, self._share_of(assets, max_borrower_ppm))
    return room_minor


@external
@view
@reentrant
def figure_on(_member: uint256, _figure: uint256, _currency: uint256, _date: uint256) -> (bool, uint256):
    """
    @notice A member's figure on a day.
    @param _member Member number.
    @param _figure 1 tier-1 capital, 2 all loans, 3 net assets.
    @param _currency Three capital letters as a number, big-endian.
    @param _date The day.
    @return Whether it was declared for that day, and the amount in minor units.
    """
    word: uint256 = self._figure_on(_member, _figure, _currency, _date)
    return word != 0, (word >> AMOUNT) & MASK_80


@external
@view
@reentrant
def group_of(_bank: uint256, _party: uint256) -> uint256:
    """
    @notice The group of partners to which a bank counts a party.
    @param _bank Member number of the bank.
    @param _party Member number of the party.
    @return The group's number: the party's own unless the bank declared another.
    """
    return self._group_of(_bank, _party)


# ---- internal: totals
@internal
def _is_joint(_deal_id: bytes32, _version: uint256, _parties: uint256, _places: uint256) -> bool:
    """
    @dev A deal is joint once a version of it limits the joint share on any day. What was counted of it
        before is then joint too.
    """
    marks: uint256 = self._marks[_deal_id]
    if (marks >> _version) & 1 == 0:
        marks |= 1 << _version
        if marks & JOINT == 0 and self._limits_joint_share(_deal_id, _version, _places):
            marks |= JOINT
            for i: uint256 in range(_places & MASK_8, bound=MAX_PARTIES):
                party: uint256 = (_parties >> (16 * i)) & MASK_16
                self.joint[party][(_places >> CURRENCY) & MASK_24] += self._lent[_deal_id][party]
        self._marks[_deal_id] = marks
    return marks & JOINT != 0


@internal
@view
def _limits_joint_share(_deal_id: bytes32, _version: uint256, _places: uint256) -> bool:
    """
    @dev The first batch of a version that comes so far is a booking, so the deal is not suspended and its rules
        can be asked for.
    """
    end_date: uint256 = staticcall IDeals(DEALS).effective_until(_deal_id, _version)
    date: uint256 = (_places >> EFFECTIVE) & MASK_16
    for i: uint256 in range(MAX_SEGMENTS):
        rules: IDeals.Rules = staticcall IDeals(DEALS).rules(_deal_id, _version, date)
        if (rules.wide_limits >> JOINT_SHARE) & MASK_24 != 0:
            return True
        date = rules.until_date
        if date >= end_date:
            break
    return False


@internal
def _count_lent(_deal_id: bytes32, _parties: uint256, _places: uint256, _place: uint256, _is_joint: bool):
    """
    @dev Brings the totals of one funder up to its balance in the deal.
    """
    funder: uint256 = (_parties >> (16 * _place)) & MASK_16
    balance: int256 = staticcall IJournal(JOURNAL).balances(_deal_id, funder * 256 + LOANS_ACCOUNT)
    after: uint256 = convert(balance, uint256)
    before: uint256 = self._lent[_deal_id][funder]
    if after == before:
        return
    self._lent[_deal_id][funder] = after
    if before == 0:
        self._enter_deal(_deal_id, _parties, _places & MASK_8, funder)
    currency: uint256 = (_places >> CURRENCY) & MASK_24
    if _is_joint:
        self.joint[funder][currency] = self.joint[funder][currency] + after - before  # X1
    groups: uint256 = self._groups[_deal_id][funder]
    for i: uint256 in range(MAX_PARTIES - 1):
        group: uint256 = (groups >> (16 * i)) & MASK_16
        if group == 0:
            break
        self.concentration[funder][group][currency] = self.concentration[funder][group][currency] + after - before  # X1
    if after == 0:
        self._leave_deal(_deal_id, _parties, _places & MASK_8, funder)


@internal
def _enter_deal(_deal_id: bytes32, _parties: uint256, _count: uint256, _funder: uint256):
    """
    @dev The groups stay as they are while the funder has something out in the deal: see X4.
    """
    groups: uint256 = 0
    place: uint256 = 0
    for i: uint256 in range(_count, bound=MAX_PARTIES):
        party: uint256 = (_parties >> (16 * i)) & MASK_16
        if party == _funder:
            continue
        self._deals_with[_funder][party] += 1
        group: uint256 = self._group_of(_funder, party)
        known: bool = False
        for k: uint256 in range(MAX_PARTIES - 1):
            if (groups >> (16 * k)) & MASK_16 == group:
                known = True
        if not known:
            groups |= group << place
            place += 16
    self._groups[_deal_id][_funder] = groups


@internal
def _leave_deal(_deal_id: bytes32, _parties: uint256, _count: uint256, _funder: uint256):
    self._groups[_deal_id][_funder] = 0
    for i: uint256 in range(_count, bound=MAX_PARTIES):
        party: uint256 = (_parties >> (16 * i)) & MASK_16
        if party != _funder:
            self._deals_with[_funder][party] -= 1


@internal
def _count_liable(
    _deal_id: bytes32,
    _version: uint256,
    _parties: uint256,
    _places: uint256,
    _outstanding_minor: uint256,
    _disbursed_minor: uint256,
):
    """
    @dev Brings the totals of the payers of direct layers up to what they would pay of the version's loans (M6).
    """
    layers: DynArray[uint256, MAX_LAYERS] = (staticcall IDeals(DEALS).cover(_deal_id, _version)).layers
    by_payer: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
    direct: uint256 = 0
    deposit_minor: uint256 = staticcall IGuarantees(GUARANTEES).deposit_minor(_deal_id)
    # Below 0 only when versions that report and versions that do not took turns.
    reach: uint256 = convert(max(self._outstanding_minor[_deal_id][_version], 0), uint256)
    for k: uint256 in range(len(layers), bound=MAX_LAYERS):
        layer: uint256 = layers[k]
        pay: uint256 = self._half_up(reach * ((layer >> LAYER_SHARE) & MASK_24))
        kind: uint256 = (layer >> CAP_KIND) & MASK_8
        if kind != 0:
            cap: uint256 = (layer >> CAP) & MASK_64
            if kind == CAP_OF_DISBURSED:
                cap = self._half_up(_disbursed_minor * cap)
            elif kind == CAP_OF_OUTSTANDING:
                cap = self._half_up(_outstanding_minor * cap)
            used: uint256 = staticcall IGuarantees(GUARANTEES).used_minor(_deal_id, k)
            pay = min(pay, cap - min(cap, used))
        if layer & FROM_DEPOSIT != 0:
            pay = min(pay, deposit_minor)
            deposit_minor -= pay
        else:
            by_payer[layer & MASK_8] += pay
            direct |= 1 << (layer & MASK_8)
        reach -= pay

    currency: uint256 = (_places >> CURRENCY) & MASK_24
    for i: uint256 in range(MAX_PARTIES):
        if (direct >> i) & 1 == 0:
            continue
        payer: uint256 = (_parties >> (16 * i)) & MASK_16
        before: uint256 = self._liable[_deal_id][_version][payer]
        if by_payer[i] != before:
            self._liable[_deal_id][_version][payer] = by_payer[i]
            self.liability[payer][currency] = self.liability[payer][currency] + by_payer[i] - before  # X2


# ---- internal: checks
@internal
@view
def _require_spread(_deal_id: bytes32, _funder: uint256, _currency: uint256, _room: uint256):
    groups: uint256 = self._groups[_deal_id][_funder]
    for i: uint256 in range(MAX_PARTIES - 1):
        group: uint256 = (groups >> (16 * i)) & MASK_16
        if group == 0:
            break
        assert self.concentration[_funder][group][_currency] <= _room, reasons.CONCENTRATION_OVER_LIMIT


@internal
@view
def _direct_payers(_deal_id: bytes32, _version: uint256, _parties: uint256) -> DynArray[uint256, MAX_LAYERS]:
    """
    @return Member numbers, each once.
    """
    payers: DynArray[uint256, MAX_LAYERS] = []
    for layer: uint256 in (staticcall IDeals(DEALS).cover(_deal_id, _version)).layers:
        payer: uint256 = (_parties >> (16 * (layer & MASK_8))) & MASK_16
        if layer & FROM_DEPOSIT == 0 and payer not in payers:
            payers.append(payer)
    return payers


@internal
@view
def _figure_on(_member: uint256, _figure: uint256, _currency: uint256, _date: uint256) -> uint256:
    """
    @return The newest declaration that holds on the day, as stored; 0 when there is none.
    """
    count: uint256 = len(self._declarations[_member][_figure][_currency])
    for i: uint256 in range(count, bound=MAX_DECLARATIONS):
        word: uint256 = self._declarations[_member][_figure][_currency][count - 1 - i]
        if word & MASK_16 <= _date:
            return word
    return 0


@internal
@view
def _group_of(_bank: uint256, _party: uint256) -> uint256:
    declared: uint256 = self._declared_group[_bank][_party]
    return declared if declared != 0 else _party


# ---- internal: pure
@internal
@pure
def _share_of(_declaration: uint256, _limit_ppm: uint256) -> uint256:
    """
    @dev Rounds down, which for an amount in whole minor units is the same as comparing cross products.
    """
    return ((_declaration >> AMOUNT) & MASK_80) * _limit_ppm // PPM


@internal
@pure
def _is_currency(_currency: uint256) -> bool:
    """
    @return Whether it is three letters from A to Z.
    """
    for i: uint256 in range(3):
        letter: uint256 = (_currency >> (8 * i)) & MASK_8
        if letter < 65 or letter > 90:
            return False
    return _currency <= MASK_24


@internal
@pure
def _half_up(_millionths: uint256) -> uint256:
    """
    @dev M1 of what was multiplied by parts per million.
    """
    return (_millionths + PPM // 2) // PPM
