# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's side of a session: inviting, watching, ending."""
