# SPDX-License-Identifier: GPL-3.0-or-later
"""The client's two encrypted files: what the server has, and what people here typed and nobody confirmed yet."""
