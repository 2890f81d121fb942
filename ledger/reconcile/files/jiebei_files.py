"""The daily set of 借呗: 13 files for a business day, as a partner bank gets them.

The names of files and columns are those of a published partner-bank interface; what is read from
them is ours, and said in docs/reference/partner-files.md. Amounts are integers of fen, unless the
reader is told that they are DECIMAL(16,2) of yuan. The first line names the columns.
"""

from __future__ import annotations

from ledger.reconcile.files.jiebei_lines import PAID
from ledger.reconcile.files.set_layouts import spec
from ledger.reconcile.lines import Kind

# What a bank's database adds to the lines.
_KEPT = "busi_date file_order is_check_flag extend_param1 extend_param2 extend_param3"

PAID_TERM = ("paid_prin_amt", "paid_int_amt", "paid_ovd_prin_pnlt_amt", "paid_ovd_int_pnlt_amt")
WAIVED = ("xpt_int_amt", "xpt_ovd_int_amt", "xpt_ovd_prin_pnlt_amt", "xpt_ovd_int_pnlt_amt")
WAIVED_TERM = ("xpt_int_amt", "xpt_ovd_prin_pnlt_amt", "xpt_ovd_int_pnlt_amt")
ACCRUED = ("int_amt", "ovd_prin_pnlt_amt", "ovd_int_pnlt_amt")
CHANGED = ("prin_amt", "int_amt", "ovd_prin_pnlt_amt", "ovd_int_pnlt_amt")
OVERDUE, NON_ACCRUAL, ACCRUAL = "11020007", "11020014", "11020015"
"""Codes of changes of state (形态转移): to overdue, to non-accrual, back to accrual."""


def _amounts(*names: str, unread: bool = False) -> str:
    what = "-amount" if unread else "amount"
    return " ".join(f"{name}:{what}" for name in names)


_PENALTIES = ("curr_ovd_prin_pnlt_bal", "curr_ovd_int_pnlt_bal")
_INTERESTS = ("curr_int_bal", "curr_ovd_int_bal")
_BEFORE = _amounts("curr_prin_bal", "curr_ovd_prin_bal", *_INTERESTS, *_PENALTIES, unread=True)
_BEFORE_TERM = _amounts("curr_prin_bal", "curr_int_bal", *_PENALTIES, unread=True)
_BEFORE_WAIVER = _amounts(*_INTERESTS, *_PENALTIES, unread=True)
_BEFORE_WAIVER_TERM = _amounts("curr_int_bal", *_PENALTIES, unread=True)
_LOAN = (
    "contract_no:ref fund_seq_no:ref? third_product_code name:personal id_type:personal"
    " id_num:personal loan_status:1/2/3 loan_use use_area apply_date:-time encash_date:-time"
    " currency encash_amt:amount start_date:date end_date:date total_terms:count? repay_mode"
    " grace_day rate_type day_rate prin_repay_frequency int_repay_frequency guarantee_type"
    " credit_no encash_acct_type encash_acct:personal repay_acct_type repay_acct:personal"
    " loan_apply_no"
)
FILES = (
    spec("accounting", "汇总记账", Kind.REPAYMENTS, "item:text amount:amount"),
    spec("lending_detail", "在途支用明细", Kind.LOANS, _LOAN, extra=_KEPT),
    spec("loan_detail", "放款(借据)明细", Kind.LOANS, _LOAN, extra=_KEPT),
    spec(
        "repay_plan",
        "放款(分期)明细",
        Kind.LOANS,
        "contract_no:ref term_no:count start_date:date end_date:date prin_amt:amount"
        " int_amt:amount",
        extra=_KEPT,
    ),
    spec(
        "repay_loan_detail",
        "还款(借据)明细",
        Kind.REPAYMENTS,
        "contract_no:ref repay_seq_no:ref fee_no:ref? withdraw_no:ref? repay_type repay_date:time"
        f" {_BEFORE} repay_amt:amount {_amounts(*PAID)} fee_amt:amount?",
        extra=_KEPT,
    ),
    spec(
        "repay_instmnt_detail",
        "还款(分期)明细",
        Kind.REPAYMENTS,
        "contract_no:ref repay_seq_no:ref term_no:count repay_amt_type repay_date:-date"
        f" {_BEFORE_TERM} repay_amt:amount {_amounts(*PAID_TERM)}",
        extra=_KEPT,
    ),
    spec(
        "exempt_loan_detail",
        "减免(借据)明细",
        Kind.REPAYMENTS,
        f"contract_no:ref xpt_seq_no:ref xpt_date:time {_BEFORE_WAIVER} xpt_amt:amount"
        f" {_amounts(*WAIVED)}",
        extra=_KEPT,
    ),
    spec(
        "exempt_instmnt_detail",
        "减免(分期)明细",
        Kind.REPAYMENTS,
        f"contract_no:ref xpt_seq_no:ref term_no:count settle_date:date {_BEFORE_WAIVER_TERM}"
        f" xpt_amt:amount {_amounts(*WAIVED_TERM)}",
        extra=_KEPT,
    ),
    spec(
        "loan_init",
        "日初(借据)",
        Kind.BALANCES,
        "contract_no:ref settle_date:date status:NORMAL/OVD/CLEAR clear_date asset_class:class?"
        " accrued_status:0/1 next_repay_date unclear_terms ovd_terms prin_ovd_days:count?"
        " int_ovd_days:count? prin_bal:amount ovd_prin_bal:amount int_bal:amount"
        " ovd_int_bal:amount ovd_prin_pnlt_bal:amount ovd_int_pnlt_bal:amount",
        extra=_KEPT,
    ),
    spec(
        "instmnt_init",
        "日初(分期)",
        Kind.BALANCES,
        "contract_no:ref settle_date:date term_no:count start_date end_date"
        " status:NORMAL/OVD/CLEAR clear_date prin_ovd_date:-date int_ovd_date:-date prin_ovd_days"
        " int_ovd_days prin_bal:amount int_bal:amount ovd_prin_pnlt_bal:amount"
        " ovd_int_pnlt_bal:amount",
        extra=_KEPT,
    ),
    spec(
        "loan_calc",
        "利息计提明细",
        Kind.BALANCES,
        "contract_no:ref calc_date:date accrued_status:0/1"
        f" {_amounts('prin_bal', 'ovd_prin_bal', 'ovd_int_bal', unread=True)}"
        f" real_rate pnlt_rate {_amounts(*ACCRUED)}",
        extra=_KEPT,
    ),
    spec(
        "arg_status_change",
        "形态转移流水",
        Kind.BALANCES,
        f"contract_no:ref settle_date:date status_seq_no:ref? event_code:{OVERDUE}/{NON_ACCRUAL}/"
        f"{ACCRUAL} before_status after_status {_amounts(*CHANGED)}",
        extra=_KEPT,
    ),
    spec(
        "fund_detail",
        "资金对账",
        Kind.CASH,
        "third_busi_serial:ref third_busi_type:text trans_amt:signed trans_refund_amt:amount?"
        " trans_dttm:time third_trans_name peer_org_name:text trans_sub_detail:ref?",
        extra=_KEPT,
    ),
)
