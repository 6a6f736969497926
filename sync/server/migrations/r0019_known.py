# SPDX-License-Identifier: GPL-3.0-or-later
"""What is already known: the customer's device, room and network, each with its time; a product's order and health."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0019"


def upgrade(op: Operations) -> None:
    """Add the columns."""
    for name in ("device", "free_disk", "network", "found_at"):
        op.add_column("fact_card", sa.Column(name, sa.Text))
    for name in ("order_ref", "health"):
        op.add_column("asset", sa.Column(name, sa.Text))
