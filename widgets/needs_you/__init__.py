# SPDX-License-Identifier: GPL-3.0-or-later
"""Needs you: what waits for a person's decision, as a list and the entry with yours, theirs and before."""
