# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is drawn. Asks app.services; never sees SQL, sockets or codecs."""
