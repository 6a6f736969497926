# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry of the frozen `deskside` and `deskside-cli`: every program, children included."""

import sys

from app.entry.cli import main

if __name__ == "__main__":
    sys.exit(main())
