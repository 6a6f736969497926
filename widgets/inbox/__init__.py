# SPDX-License-Identifier: GPL-3.0-or-later
"""Views, the ticket list and the outbox."""
