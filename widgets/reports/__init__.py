# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports: figures about the work, as charts and as tables."""
