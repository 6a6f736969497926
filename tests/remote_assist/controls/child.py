# SPDX-License-Identifier: GPL-3.0-or-later
"""A session child from which one control was removed: `python -m tests.remote_assist.controls.child ID ...`."""

from __future__ import annotations

import sys

from app.entry.session import main
from tests.remote_assist.controls import ALL
from tests.remote_assist.controls.base import apply

if __name__ == "__main__":
    wanted = next(control for control in ALL if control.id == sys.argv[1])
    for one in wanted.edits:
        apply(one)
    sys.exit(main(sys.argv[2:]))
