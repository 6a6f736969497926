# SPDX-License-Identifier: GPL-3.0-or-later
"""One ticket: header, pickers, conversation."""
