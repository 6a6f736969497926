# SPDX-License-Identifier: GPL-3.0-or-later
"""How a client and the server agree: wire messages, conflict policy, client engine; the server lives in sync.server."""
