# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin: other people's tests run with our patches on, and those that must differ are known by name."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from remote_assist import aiortc_patches

MUST_DIFFER = {
    "RTCRtpReceiverTest::test_rtp_missing_video_packet":
        "P2: all 511 missing packets are asked for, because 4,096 are remembered; stock remembers 128",
}  # fmt: skip

aiortc_patches.apply()


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Expect those to fail that must; one that passes all the same fails the run."""
    for item in items:
        for name, reason in MUST_DIFFER.items():
            if item.nodeid.endswith(name):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
