# SPDX-License-Identifier: GPL-3.0-or-later
"""When a person last proved at a device who they are; unknown for the devices of before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0009"


def upgrade(op: Operations) -> None:
    """Add the time to devices."""
    op.add_column("device", sa.Column("proved_at", sa.BigInteger))
