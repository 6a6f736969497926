# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds each attack of the threat table back, the tests that prove it, and how it is taken away for a moment."""

from __future__ import annotations

from tests.remote_assist.controls import (
    channels,
    content,
    grants,
    hands,
    line,
    page,
    people,
    receipts,
    session,
    stop,
    transport,
)
from tests.remote_assist.controls.base import Control

__all__ = ["ALL"]

ALL: tuple[Control, ...] = tuple(
    sorted(
        (
            *people.CONTROLS,
            *line.CONTROLS,
            *grants.CONTROLS,
            *hands.CONTROLS,
            *channels.CONTROLS,
            *content.CONTROLS,
            *page.CONTROLS,
            *receipts.CONTROLS,
            *session.CONTROLS,
            *stop.CONTROLS,
            *transport.CONTROLS,
        ),
        key=lambda control: control.row,
    )
)
