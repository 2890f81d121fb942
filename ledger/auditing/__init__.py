"""Auditing: the audit pack (审计底稿): what another auditor can check without the ledger."""
