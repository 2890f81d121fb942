"""What the book makes of vouchers: numbers worked out by hand from the accounts table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from ledger import reading
from ledger.book import Book
from ledger.clearing import cleared
from ledger.events import (
    CoreLimitSet,
    EntriesSubmitted,
    Event,
    EvidenceAttached,
    OfferWithdrawn,
    Owed,
    PaymentInstructed,
    PieceConverted,
    PieceDiscounted,
    PieceOffered,
    PiecePaid,
    PiecePaymentReversed,
    PiecePledged,
    PieceReleased,
    PieceReturned,
    PieceSold,
    PieceSplit,
    PieceTransferred,
    Place,
    PoolFrozen,
    PoolSubstituted,
    SaleAccepted,
    SaleOffered,
    VoucherCancelled,
    VoucherConfirmed,
    VoucherDisputed,
    VoucherIssued,
)
from ledger.exports.journal import journal
from ledger.folding import register
from ledger.reading import DayKind
from ledger.voucher_records import Piece, PieceState, StepKind, Voucher, VoucherState
from tests.sdk.made_events import (
    BANK,
    DEAL,
    PLATFORM,
    agreed,
    fold,
    own_id,
    rows,
    terms,
    two_words,
)

CORE, OTHER_BANK, SUPPLIER, SECOND = 15, 16, 70_001, 70_002
ISSUED, DUE = 20_000, 20_180
V, CHILD, LOAN = own_id("V"), own_id("child"), own_id("loan")
OWED = Owed(CORE, SUPPLIER, ISSUED, DUE, ISSUED - 5, 3)
NO_LOAN = bytes(32)
Transactions = list[Sequence[Event]]


def batch(*events: Event, by: int = PLATFORM) -> list[Event]:
    return [EntriesSubmitted(DEAL, 1, by), *events]


def paid(name: str, piece: bytes, amount: int, *parts: int, date: int = DUE) -> PiecePaid:
    words = two_words(*parts) if parts else (0, 0)
    return PiecePaid(own_id(name), piece, date, amount, words)


ISSUE = VoucherIssued(V, own_id("invoice"), 1_000_000, OWED.pack())
CONFIRMATION = VoucherConfirmed(V, ISSUED, 1_000_000, CORE, SUPPLIER)
SPLIT = PieceSplit(V, CHILD, ISSUED + 1, 400_000)
TRANSFER = PieceTransferred(
    own_id("passed on"), CHILD, own_id("second invoice"), ISSUED + 2, SUPPLIER, SECOND, 400_000
)
OFFER = PieceOffered(V, NO_LOAN, ISSUED + 3, 1, 40_000)
# Of a discount of 10 000 a quarter is the core enterprise's; a tier takes 500 to the platform.
DISCOUNT = PieceDiscounted(
    own_id("discount"), V, ISSUED + 3, 600_000, 10_000, 2_500, two_words(420_000, 180_000),
    (6_650 | 3_350 << 64, 0, 0),
)  # fmt: skip
INSTRUCTION = PaymentInstructed(V, own_id("order"), DUE - 1, 500_000)
PAID_V = paid("paid 1", V, 300_000, 210_000, 90_000)
PAID_CHILD = paid("paid 2", CHILD, 200_000)

CONFIRMED: Transactions = [agreed(terms()), batch(ISSUE, by=SUPPLIER), batch(CONFIRMATION, by=CORE)]
PASSED_ON: Transactions = [*CONFIRMED, batch(SPLIT, TRANSFER, by=SUPPLIER)]
DISCOUNTED: Transactions = [*PASSED_ON, batch(OFFER, by=SUPPLIER), batch(DISCOUNT)]
PAID: Transactions = [*DISCOUNTED, batch(INSTRUCTION, by=CORE), batch(PAID_V, PAID_CHILD)]


def balances(folded: Book) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    query = "SELECT party, account, amount_minor FROM balances WHERE amount_minor != 0"
    for party, account, amount_minor in folded.connection.execute(query):
        found.setdefault(party, {})[account] = amount_minor
    assert sum(sum(own.values()) for own in found.values()) == 0, "J1"
    return found


def voucher(folded: Book) -> Voucher:
    found = reading.voucher(folded, 1, V)
    assert found is not None
    return found


def piece(folded: Book, piece_id: bytes = V) -> Piece:
    found = reading.piece(folded, 1, piece_id)
    assert found is not None
    return found


# ---- balances, worked out by hand


def test_a_confirmation_makes_one_piece_of_the_supplier() -> None:
    folded = fold([CONFIRMED])
    assert balances(folded) == {
        CORE: {"VOUCHERS_OWED": -1_000_000},
        SUPPLIER: {"VOUCHERS_HELD": 1_000_000},
    }
    found, own = voucher(folded), piece(folded)
    assert (found.core, found.supplier, found.issue_date, found.due_date) == (
        CORE, SUPPLIER, ISSUED, DUE,
    )  # fmt: skip
    assert (found.delivery_date, found.term_reason, found.issued_by) == (ISSUED - 5, 3, SUPPLIER)
    assert (found.state, found.status) == (VoucherState.CONFIRMED, "confirmed")
    assert (own.piece_id, own.voucher_id, own.parent_id) == (V, V, None)
    assert (own.amount_minor, own.holder, own.state, own.sequence) == (
        1_000_000, SUPPLIER, PieceState.HELD, 0,
    )  # fmt: skip


def test_what_is_issued_alone_is_owed_by_nobody() -> None:
    folded = fold([CONFIRMED[:-1]])
    assert balances(folded) == {}
    assert (voucher(folded).status, reading.piece(folded, 1, V)) == ("issued", None)
    folded = fold([[batch(VoucherCancelled(V), by=SUPPLIER)]], into=folded)
    assert (voucher(folded).status, voucher(folded).outstanding_minor) == ("cancelled", 0)


def test_pieces_add_up_to_what_is_outstanding() -> None:
    for story in (CONFIRMED, PASSED_ON, DISCOUNTED, PAID):
        folded = fold([story])
        pieces = reading.pieces(folded, 1, V)
        assert sum(one.amount_minor for one in pieces) == voucher(folded).outstanding_minor
        assert voucher(folded).amount_minor == voucher(folded).outstanding_minor + sum(
            one.paid_minor for one in pieces
        )


def test_a_transfer_moves_a_piece_alone() -> None:
    folded = fold([PASSED_ON])
    assert balances(folded) == {
        CORE: {"VOUCHERS_OWED": -1_000_000},
        SUPPLIER: {"VOUCHERS_HELD": 600_000},
        SECOND: {"VOUCHERS_HELD": 400_000},
    }
    own = piece(folded, CHILD)
    assert (own.parent_id, own.holder, own.sequence, own.date) == (V, SECOND, 1, ISSUED + 2)
    assert [one.piece_id for one in reading.pieces_held(folded, 1, SECOND)] == [CHILD]


def test_a_discount_is_borne_and_earned_as_the_terms_say() -> None:
    folded = fold([DISCOUNTED])
    assert balances(folded) == {
        CORE: {"VOUCHERS_OWED": -1_000_000, "DISCOUNT": 2_500, "CLEARING": -2_500},
        SUPPLIER: {"DISCOUNT": 7_500, "CASH": 592_500},
        SECOND: {"VOUCHERS_HELD": 400_000},
        # 592 500 out, 420 000 own, 6 650 earned.
        BANK: {
            "CASH": -592_500, "CLEARING": 179_150, "VOUCHERS_HELD": 420_000, "DISCOUNT": -6_650,
        },
        PLATFORM: {"CLEARING": -176_650, "VOUCHERS_HELD": 180_000, "DISCOUNT": -3_350},
    }  # fmt: skip
    own = piece(folded)
    assert (own.state, own.holder, own.financed_by, own.version, own.rate_ppm) == (
        PieceState.DISCOUNTED, SUPPLIER, SUPPLIER, 1, 40_000,
    )  # fmt: skip


def test_a_payment_goes_to_funders_and_to_holders() -> None:
    folded = fold([PAID])
    assert balances(folded) == {
        CORE: {
            "VOUCHERS_OWED": -500_000, "CASH": -500_000, "DISCOUNT": 2_500, "CLEARING": -2_500,
        },
        SUPPLIER: {"DISCOUNT": 7_500, "CASH": 592_500},
        SECOND: {"VOUCHERS_HELD": 200_000, "CASH": 200_000},
        BANK: {
            "CASH": -592_500, "CLEARING": 389_150, "VOUCHERS_HELD": 210_000, "DISCOUNT": -6_650,
        },
        PLATFORM: {
            "CASH": 300_000, "CLEARING": -386_650, "VOUCHERS_HELD": 90_000, "DISCOUNT": -3_350,
        },
    }  # fmt: skip
    assert (voucher(folded).outstanding_minor, voucher(folded).instructed_minor) == (500_000, 0)
    assert (piece(folded).amount_minor, piece(folded).paid_minor) == (300_000, 300_000)


@pytest.mark.parametrize("name", ["paid 1", "paid 2"])
def test_a_payment_reversed_is_its_exact_mirror(name: str) -> None:
    original = PAID_V if name == "paid 1" else PAID_CHILD
    other = PAID_CHILD if name == "paid 1" else PAID_V
    mirror = PiecePaymentReversed(
        own_id("back"), original.piece_id, original.entry_id, DUE + 1, original.date,
        original.amount_minor, original.parts,
    )  # fmt: skip
    folded = fold([[*PAID, batch(mirror)]])
    alone = fold([[*PAID[:-1], batch(other)]])
    assert balances(folded) == balances(alone)
    assert voucher(folded).outstanding_minor == voucher(alone).outstanding_minor
    assert voucher(folded).instructed_minor == original.amount_minor
    reversed_one = reading.voucher_entry(folded, 1, original.entry_id)
    assert reversed_one is not None and reversed_one.reversed
    # The same again stands, though its id is that of what was reversed.
    again = fold([[batch(original)]], into=folded)
    assert balances(again) == balances(fold([PAID]))
    found = [one.reversed for one in reading.voucher_steps(again, 1, V)
             if one.entry_id == original.entry_id]  # fmt: skip
    assert found == [True, False]


def test_a_pledge_posts_nothing_and_is_released() -> None:
    offer = PieceOffered(CHILD, LOAN, ISSUED + 4, 2, 0)
    story = [*PASSED_ON, batch(offer, by=SECOND)]
    assert (piece(fold([story]), CHILD).state, piece(fold([story]), CHILD).loan_id) == (
        PieceState.OFFERED, LOAN,
    )  # fmt: skip
    story.append(batch(PiecePledged(CHILD, LOAN, ISSUED + 4, 340_000)))
    folded = fold([story])
    assert balances(folded) == balances(fold([PASSED_ON]))
    assert (piece(folded, CHILD).state, piece(folded, CHILD).version) == (PieceState.PLEDGED, 1)
    assert [one.piece_id for one in reading.pieces_of_loan(folded, 1, LOAN)] == [CHILD]
    story.append(batch(paid("paid 3", CHILD, 100)))
    # Pledged, it is its holder's: the loan's repayment is an entry of its own.
    assert balances(fold([story]))[SECOND] == {"VOUCHERS_HELD": 399_900, "CASH": 100}
    folded = fold([[*story, batch(PieceReleased(CHILD, LOAN, DUE))]])
    own = piece(folded, CHILD)
    assert (own.state, own.version, own.loan_id, own.sequence) == (PieceState.HELD, 0, None, 5)


def test_an_offer_withdrawn_leaves_the_piece_as_it_was() -> None:
    folded = fold([[*PASSED_ON, batch(OFFER), batch(OfferWithdrawn(V, ISSUED + 9))]])
    own = piece(folded)
    assert (own.state, own.rate_ppm, own.loan_id, own.sequence) == (PieceState.HELD, 0, None, 3)


@pytest.mark.parametrize("price", [390_000, 400_000, 401_000])
def test_a_sale_between_banks_may_be_above_par(price: int) -> None:
    to_bank = PieceTransferred(
        own_id("to bank"), CHILD, own_id("third invoice"), ISSUED + 5, SECOND, OTHER_BANK, 400_000
    )
    offered = batch(SaleOffered(CHILD, BANK, ISSUED + 6, price), by=OTHER_BANK)
    story = [*PASSED_ON, batch(to_bank, by=SECOND), offered]
    own = piece(fold([story]), CHILD)
    assert (own.state, own.buyer, own.price_minor) == (PieceState.ON_SALE, BANK, price)
    story.append(batch(SaleAccepted(CHILD, ISSUED + 6), by=BANK))
    assert piece(fold([story]), CHILD).state is PieceState.SALE_ACCEPTED
    sold = PieceSold(own_id("sold"), CHILD, ISSUED + 7, OTHER_BANK, BANK, 400_000, price)
    folded = fold([[*story, batch(sold, by=OTHER_BANK)]])
    found = balances(folded)
    lost = {"DISCOUNT": 400_000 - price} if price != 400_000 else {}
    earned = {"DISCOUNT": price - 400_000} if price != 400_000 else {}
    assert found[OTHER_BANK] == {"CASH": price} | lost
    assert found[BANK] == {"VOUCHERS_HELD": 400_000, "CASH": -price} | earned
    own = piece(folded, CHILD)
    assert (own.holder, own.state, own.buyer, own.price_minor) == (BANK, PieceState.HELD, 0, 0)


def test_a_discounted_piece_that_is_not_sold_is_the_funders_again() -> None:
    offered = batch(SaleOffered(V, OTHER_BANK, ISSUED + 6, 590_000), by=BANK)
    folded = fold([[*DISCOUNTED, offered]])
    assert (piece(folded).holder, piece(folded).financed_by) == (BANK, SUPPLIER)
    folded = fold([[batch(OfferWithdrawn(V, ISSUED + 7), by=BANK)]], into=folded)
    assert (piece(folded).state, piece(folded).holder) == (PieceState.DISCOUNTED, SUPPLIER)
    assert (piece(folded).version, piece(folded).buyer, piece(folded).price_minor) == (1, 0, 0)


RECOURSE = PieceReturned(own_id("back"), V, DUE + 9, 300_000, two_words(210_000, 90_000))
CONVERSION = PieceConverted(
    own_id("advanced"), V, LOAN, DUE + 9, 300_000, two_words(210_000, 90_000)
)


def test_recourse_gives_the_piece_back_for_its_face() -> None:
    folded = fold([[*PAID, batch(RECOURSE)]])
    found = balances(folded)
    assert found[SUPPLIER] == {"DISCOUNT": 7_500, "CASH": 292_500, "VOUCHERS_HELD": 300_000}
    assert found[PLATFORM]["CASH"] == 600_000 and "VOUCHERS_HELD" not in found[BANK]
    own = piece(folded)
    assert (own.state, own.holder, own.financed_by, own.version) == (
        PieceState.HELD, SUPPLIER, 0, 0,
    )  # fmt: skip


def test_a_conversion_pays_the_funders_out_of_a_loan() -> None:
    folded = fold([[*PAID, batch(CONVERSION)]])
    found = balances(folded)
    # The loan itself is booked by Loans; this is what it pays.
    assert found[CORE]["CASH"] == -800_000 and found[CORE]["VOUCHERS_OWED"] == -200_000
    assert found[BANK]["CASH"] == -592_500 + 300_000
    assert "VOUCHERS_HELD" not in found[BANK]
    assert (piece(folded).amount_minor, piece(folded).status) == (0, "spent")
    assert (piece(folded).loan_id, voucher(folded).outstanding_minor) == (LOAN, 200_000)


def test_disputes_and_evidence_add_up() -> None:
    attached = EvidenceAttached(V, own_id("waybill"), 4), EvidenceAttached(V, own_id("bill"), 16)
    folded = fold(
        [[*CONFIRMED, batch(VoucherDisputed(V, 1), by=CORE), batch(VoucherDisputed(V, 5)),
          batch(VoucherDisputed(V, 4), by=CORE), batch(*attached)]]
    )  # fmt: skip
    assert (voucher(folded).disputes, voucher(folded).evidence) == (4, 20)
    assert voucher(folded).status == "disputed"
    kinds = [one.kind for one in reading.voucher_steps(folded, 1, V)]
    assert kinds[2:] == [
        StepKind.DISPUTE, StepKind.DISPUTE, StepKind.DISPUTE_LIFTED, *[StepKind.EVIDENCE] * 2,
    ]  # fmt: skip
    assert [one.document for one in reading.voucher_steps(folded, 1, V)[-2:]] == [
        own_id("waybill"), own_id("bill"),
    ]  # fmt: skip


# ---- several ways to the same

WHOLE: Transactions = [
    *PAID,
    batch(PiecePaymentReversed(own_id("back 2"), CHILD, PAID_CHILD.entry_id, DUE, DUE, 200_000,
                               (0, 0))),
    batch(RECOURSE),
]  # fmt: skip


@pytest.mark.parametrize("pending", [1, 3, 20_000])
def test_a_fold_at_once_and_one_in_runs_give_the_same_rows(
    pending: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = rows(fold([WHOLE]))
    monkeypatch.setattr(register, "_PENDING_STEPS", pending)
    monkeypatch.setattr(register, "_PIECES_AT_HAND", pending)
    assert rows(fold([[transaction] for transaction in WHOLE])) == together
    assert rows(fold([WHOLE])) == together


def test_a_rolled_back_run_leaves_nothing_behind() -> None:
    start, *rest = WHOLE
    folded = fold([[start]])
    folded.begin()
    for block, transaction in enumerate(rest, start=9):
        for log, event in enumerate(transaction):
            folded.apply(event, Place(block, 0, log))
    folded.rollback()
    folded.begin()
    folded.commit(2, bytes(32))
    found = rows(folded)
    assert not found["vouchers"] and not found["voucher_pieces"] and not found["voucher_steps"]
    assert not found["balances"]


@pytest.mark.parametrize("story", [WHOLE, [*PAID, batch(CONVERSION)]])
def test_journal_and_clearing_come_to_the_balances(story: Transactions) -> None:
    folded = fold([story])
    found = balances(folded)
    posted: Counter[tuple[int, str]] = Counter()
    for entry in journal(folded, 1):
        assert sum(amount for _, _, amount in entry.postings) == 0
        for party, account, amount in entry.postings:
            posted[party, account.value] += amount
    assert {key: amount for key, amount in posted.items() if amount} == {
        (party, account): amount for party, own in found.items() for account, amount in own.items()
    }
    due: Counter[int] = Counter()
    for one in cleared(folded, 1):
        due.update(one.legs_minor)
    clearing = {party: own["CLEARING"] for party, own in found.items() if "CLEARING" in own}
    assert {party: amount for party, amount in due.items() if amount} == clearing


# ---- business days


def test_entries_count_to_their_days_with_the_face_alone() -> None:
    folded = fold([WHOLE])
    found = [
        (one.kind, one.entry_id, one.loan_id, one.date, tuple(one.amounts), one.amount_minor)
        for one in reading.counted(folded, 1, 0, 70_000)
    ]
    assert found == [
        (DayKind.CONFIRMATION, V, V, ISSUED, (1_000_000, 0, 0, 0), 1_000_000),
        (DayKind.TRANSFER, own_id("passed on"), CHILD, ISSUED + 2, (400_000, 0, 0, 0), 400_000),
        (DayKind.TRANSFER, own_id("discount"), V, ISSUED + 3, (600_000, 10_000, 0, 0), 600_000),
        (DayKind.VOUCHER_PAYMENT, own_id("paid 1"), V, DUE, (300_000, 0, 0, 0), 300_000),
        (DayKind.VOUCHER_PAYMENT, own_id("paid 2"), CHILD, DUE, (200_000, 0, 0, 0), 200_000),
        (DayKind.REVERSAL, own_id("back 2"), CHILD, DUE, (200_000, 0, 0, 0), 200_000),
        (DayKind.TRANSFER, own_id("back"), V, DUE + 9, (300_000, 0, 0, 0), 300_000),
    ]
    totals = reading.day_totals(folded, 1, 0, 70_000)
    assert totals[DUE][DayKind.VOUCHER_PAYMENT] == 2 << 128 | 500_000
    assert totals[DUE][DayKind.REVERSAL] == 1 << 128 | 200_000
    assert reading.first_day(folded, 1) == ISSUED
    assert reading.open_days(folded, 1, ISSUED) == {
        ISSUED + 2: 1, ISSUED + 3: 1, DUE: 3, DUE + 9: 1,
    }  # fmt: skip


# ---- what is asked


def test_an_invoice_backs_one_live_thing() -> None:
    folded = fold([PASSED_ON])
    assert reading.registered(folded, own_id("invoice")) == (1, V, None, ISSUED)
    assert reading.registered(folded, own_id("second invoice")) == (1, V, CHILD, ISSUED + 2)
    assert reading.registered(folded, own_id("none")) is None
    cancelled = fold([[*CONFIRMED[:-1], batch(VoucherCancelled(V))]])
    assert reading.registered(cancelled, own_id("invoice")) is None


def test_vouchers_are_found_by_their_due_dates() -> None:
    later = VoucherIssued(own_id("W"), own_id("i"), 5, OWED._replace(due_date=DUE + 5).pack())
    confirmed = VoucherConfirmed(own_id("W"), ISSUED, 5, CORE, SUPPLIER)
    folded = fold([[*PAID, batch(later), batch(confirmed)]])

    def due(first: int, last: int) -> list[bytes]:
        return [one.voucher_id for one in reading.vouchers_due(folded, 1, first, last)]

    assert due(DUE, DUE + 4) == [V] and due(0, 70_000) == [V, own_id("W")]
    assert due(DUE + 1, DUE + 4) == []
    assert [one.voucher_id for one in reading.vouchers(folded, 1)] == [V, own_id("W")]


def test_limits_and_pools_are_kept_however_large() -> None:
    frozen = PoolFrozen(own_id("pool"), BANK, own_id("root"), 7, 900, 800, 100, DUE)
    replaced = PoolSubstituted(own_id("pool"), 6, V, CHILD, own_id("root 2"), 950, DUE + 1)
    limits = CoreLimitSet(BANK, CORE, 5), CoreLimitSet(BANK, CORE, (1 << 256) - 1)
    folded = fold([[agreed(terms()), [*limits], [frozen, replaced]]])
    assert reading.core_limit_minor(folded, BANK, CORE) == (1 << 256) - 1
    assert reading.core_limit_minor(folded, BANK, SUPPLIER) is None
    assert [one.max_minor for one in reading.core_limits(folded)] == [5, (1 << 256) - 1]
    (pool,) = reading.pools(folded)
    assert pool == reading.pool(folded, own_id("pool"))
    assert (pool.count, pool.total_minor, pool.senior_minor, pool.junior_minor) == (
        7, 900, 800, 100,
    )  # fmt: skip
    (one,) = reading.substitutions(folded, own_id("pool"))
    assert (one.place, one.out_id, one.in_id, one.total_minor) == (6, V, CHILD, 950)


def test_what_is_asked_by_id_is_found_by_an_index() -> None:
    folded = fold([PAID])
    asked: list[str] = []
    folded.connection.set_trace_callback(asked.append)
    reading.pieces(folded, 1, V)
    reading.pieces_held(folded, 1, SECOND)
    reading.pieces_of_loan(folded, 1, LOAN)
    reading.voucher_steps(folded, 1, V)
    reading.voucher_entry(folded, 1, own_id("paid 1"))
    reading.registered(folded, own_id("invoice"))
    assert len(list(reading.vouchers_due(folded, 1, DUE, DUE))) == 1
    assert reading.open_days(folded, 1, ISSUED + 1)
    folded.connection.set_trace_callback(None)
    plans = [
        step[3]
        for query in asked
        for step in folded.connection.execute(f"EXPLAIN QUERY PLAN {query}")
        if "voucher" in step[3]
    ]
    assert len(plans) >= 8
    # Not through the whole deal.
    assert not [plan for plan in plans if "SCAN" in plan or plan.endswith("(deal=?)")]
