# SPDX-License-Identifier: GPL-3.0-or-later
"""Search field and command palette."""
