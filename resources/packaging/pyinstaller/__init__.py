# SPDX-License-Identifier: GPL-3.0-or-later
"""What build.spec needs: the entry scripts of the executables and the rules of what is bundled."""
