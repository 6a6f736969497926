# SPDX-License-Identifier: GPL-3.0-or-later
"""What simulated worlds broke, each told again as a short story."""
