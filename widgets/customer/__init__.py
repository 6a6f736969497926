# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks: contacts, products, support terms, earlier tickets."""
