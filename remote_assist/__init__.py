# SPDX-License-Identifier: GPL-3.0-or-later
"""Remote assistance: session machine, grants, transport, capture, encoder, receive pipeline. No Qt."""
