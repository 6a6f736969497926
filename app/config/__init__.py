# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program is told and where it keeps things: settings, paths, logs, languages."""
