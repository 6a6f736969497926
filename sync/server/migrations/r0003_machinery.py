# SPDX-License-Identifier: GPL-3.0-or-later
"""Wiping lost devices, ages of exits, owners of uploads, forced reloads, and news for live sockets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0003"


def upgrade(op: Operations) -> None:
    """Add the columns and tables of the server's machinery."""
    op.add_column("device", sa.Column("wipe_token", sa.Text))
    op.add_column("device", sa.Column("wiped_at", sa.BigInteger))
    op.add_column("device", sa.Column("replaces", sa.LargeBinary))
    op.add_column("scope_exit", sa.Column("at", sa.BigInteger))
    op.add_column("blob", sa.Column("account_id", sa.LargeBinary))
    op.add_column("blob", sa.Column("at", sa.BigInteger))
    op.create_table(
        "resync",
        sa.Column("device_id", sa.LargeBinary, primary_key=True),
        sa.Column("scope_id", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("device_id", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
