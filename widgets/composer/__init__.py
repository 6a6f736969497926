# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing replies and internal notes, which cannot be confused."""
