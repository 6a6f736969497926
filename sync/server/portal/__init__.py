# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages for customers who install nothing: an answer, a request, and a secret link to follow it by."""
