# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages for Linux: deb and rpm of the frozen program."""
