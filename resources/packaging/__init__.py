# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources of the packages: how the program is frozen and what goes into which package."""
