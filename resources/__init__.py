# SPDX-License-Identifier: GPL-3.0-or-later
"""Icons, fonts, themes, catalogues, schemas and what packages are made of; read through app.config.paths.resource."""
