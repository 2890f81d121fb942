"""Fixtures of the node's tests: a certificate as an operator keeps it."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path

import pytest

from ledger.node.tls import Certificate
from tests.cli.office import lent, lent_office, office, signed_office
from tests.node.doorway import CERTIFICATES

__all__ = ["lent", "lent_office", "office", "signed_office"]


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """A certificate and its key, readable by their owner alone."""
    for name in ("node", "renewed"):
        shutil.copy(CERTIFICATES / f"{name}.pem", tmp_path)
        shutil.copy(CERTIFICATES / f"{name}.key", tmp_path)
        (tmp_path / f"{name}.key").chmod(0o600)
    return Certificate(chain=tmp_path / "node.pem", key=tmp_path / "node.key")


@pytest.fixture
def served_certificate(certificate: Certificate) -> ssl.SSLContext:
    """What a server listens with."""
    return certificate.context()
