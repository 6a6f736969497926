# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operating system gives: key store, tray, notices, child processes, capture through Qt, foreign programs."""
