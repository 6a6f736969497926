# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret links by which customers without a program follow their tickets; of each only the hash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0013"


def upgrade(op: Operations) -> None:
    """Add the table of links."""
    op.create_table(
        "portal_link",
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("ticket_id", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("ix_portal_link_ticket_id", "portal_link", ["ticket_id"])
