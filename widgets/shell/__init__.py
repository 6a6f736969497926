# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's main window: top bar, panes, keys, palette, status strip."""
