# SPDX-License-Identifier: GPL-3.0-or-later
"""The product without pictures, and the place where it is put together."""
