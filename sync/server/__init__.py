# SPDX-License-Identifier: GPL-3.0-or-later
"""The other end of sync: accounts, ticket log, live channel, signalling relay; runs without the client."""
