# SPDX-License-Identifier: GPL-3.0-or-later
"""The deterministic simulator of the sync protocol: docs/simulator.md."""
