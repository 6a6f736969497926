# SPDX-License-Identifier: GPL-3.0-or-later
"""A window that is hidden is hidden with a margin: shadows and frames drawn around it tell what it is."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.capture import TargetKind
from app.domain.masking import MaskRule
from remote_assist.masks import MASK_BGRX
from tests.fakes import xvfb
from tests.remote_assist.capture_line import Line
from tests.remote_assist.secret_window import HIGH, WIDE, SecretWindow

MARGIN = 16


@pytest.mark.x11
@pytest.mark.skipif(not xvfb.available(), reason="Xvfb is not installed")
def test_a_hidden_window_is_covered_with_sixteen_pixels_around_it() -> None:
    """On each of its four sides."""
    with xvfb.own_display(WIDE, HIGH) as display:
        secret, line = SecretWindow(display), Line(display)
        try:
            secret.show()
            line.shield.hide((MaskRule("bank"),), [])
            line.share(TargetKind.SCREEN)
            down, across = np.nonzero(line.newest() == MASK_BGRX)
            place = secret.window.get_geometry()
        finally:
            line.close()
            secret.close()
    left, top, right, bottom = place.x, place.y, place.x + place.width, place.y + place.height
    assert (across.min(), across.max() + 1) == (left - MARGIN, right + MARGIN)
    assert (down.min(), down.max() + 1) == (top - MARGIN, bottom + MARGIN)
