# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP and websocket adapters of the server: thin, no rules."""
