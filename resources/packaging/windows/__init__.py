# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows: setup.exe (NSIS) and .msi (WiX source, compiled by wixl) over one frozen program."""
