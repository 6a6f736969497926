# SPDX-License-Identifier: GPL-3.0-or-later
"""Property tests assert no wall time: this machine is shared."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("deskside", deadline=None, database=None)
settings.load_profile("deskside")
