# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's windows: home, enrolment, consent, sharing bar, end of a session."""
