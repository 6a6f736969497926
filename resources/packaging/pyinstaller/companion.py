# SPDX-License-Identifier: GPL-3.0-or-later
"""Entry of the frozen `deskside-companion`: the Companion and its session child, nothing else."""

import sys

from app.entry.cli import companion_main

if __name__ == "__main__":
    sys.exit(companion_main())
