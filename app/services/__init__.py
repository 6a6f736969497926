# SPDX-License-Identifier: GPL-3.0-or-later
"""Use cases: what an agent or a customer does, over the ports of app.domain."""
