# SPDX-License-Identifier: GPL-3.0-or-later
"""Composition roots: the only place where adapters are wired into services, one module a program."""
