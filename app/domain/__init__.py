# SPDX-License-Identifier: GPL-3.0-or-later
"""What a help desk is made of: entities, changes and rules. Pure: no I/O, no Qt, no SQL.

Glossary (one word per idea, in code, screens and docs): ticket, message, reply, internal note, draft, outbox, Needs
you, state and its category, queue, view, tag, owner, team, customer, contact address, organisation, asset,
entitlement (support terms), session, invitation, scope (of access), grant, consent receipt, companion, mutation,
mid, scope (of sync), checkpoint.
"""
