# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands: one table of id, title, keys and when; no toolkit."""
