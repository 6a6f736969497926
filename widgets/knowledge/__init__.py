# SPDX-License-Identifier: GPL-3.0-or-later
"""What customers are told, in the agent's window: articles to read and write, announcements, hours and contact."""
