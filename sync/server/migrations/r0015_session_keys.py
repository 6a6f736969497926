# SPDX-License-Identifier: GPL-3.0-or-later
"""The key that a session's customer end made, and the key that a certificate is for; unknown for those of before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0015"


def upgrade(op: Operations) -> None:
    """Add both keys."""
    op.add_column("session", sa.Column("session_key", sa.LargeBinary))
    op.add_column("certificate", sa.Column("device_key", sa.LargeBinary))
