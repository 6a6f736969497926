# SPDX-License-Identifier: GPL-3.0-or-later
"""One themed application and English texts, for the journeys whose windows run in this process."""

from __future__ import annotations

from tests.widgets.conftest import _english, _theme, theme

__all__ = ["_english", "_theme", "theme"]
