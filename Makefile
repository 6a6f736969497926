# SPDX-License-Identifier: GPL-3.0-or-later
# Everything a contributor types. Needs git, make and Python 3.11 with venv; the rest is brought into the tree.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PY := .venv/bin/python
OUT ?= build/demo
TESTS ?=
START ?= 0
# one more than processors: many tests wait for processes that they started
WORKERS ?= $(shell expr $$(nproc) + 1)

# hundreds of programs start in a test run: none of them should compile its modules anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test slow check bench torture causal outside peers a11y aiortc threats fuzz dist packages packages-test screenshots simulate simulate-nightly venv lock

help: ## say what can be made
	@grep -E '^[a-z-]+[0-9a-z]*:.*##' $(MAKEFILE_LIST) | sed -E 's/^([0-9a-z-]+):.*## /\1\t/' | expand -t 14

demo: venv ## open server, help desk and companion on this machine (without a display: the same, played by itself)
	@.ci/demo "$(OUT)"

test: venv ## run the tests
	QT_QPA_PLATFORM=offscreen $(PY) -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(TESTS)

slow: venv ## run the longer suites that `make test` leaves out
	QT_QPA_PLATFORM=offscreen $(PY) -m pytest -n 2 --dist loadfile -m slow $(TESTS)

check: venv ## styles, types, import contracts, translations, requirements, generated docs
	@.ci/check

simulate: venv ## tell 300 stories of sync going wrong; none may end badly (docs/simulator.md)
	$(PY) -m tests.sync.simulate --seeds 300 --start $(START) --json build/simulate.json

simulate-nightly: venv ## 50,000 such stories, and every planted bug must be found
	$(PY) -m tests.sync.simulate --seeds 50000 --start $(START) --json build/simulate-nightly.json
	$(PY) -m tests.sync.simulate --plant all --seeds 5000 --json build/simulate-plants.json

bench: venv ## run every benchmark, results in build/bench
	@.ci/bench

torture: venv ## kill windows, workers, servers and broker at random, 100 cycles; nothing may be lost
	@mkdir -p build/torture
	$(PY) -m tests.sync.torture --cycles 100 --json build/torture/report.json

causal: venv ## 20 runs of silent lines, pauses and kills; who sees a change must see what its author had seen
	@mkdir -p build/causal
	$(PY) -m tests.sync.causal --runs 20 --json build/causal/report.json

outside: venv ## another sync engine's own client (WatermelonDB) against our server; needs Node 20 and npm
	@mkdir -p build/outside
	@command -v npm >/dev/null || { echo "not run, which is no pass: install Node 20 or newer with npm" >&2; exit 2; }
	cp tests/sync/outside/package.json tests/sync/outside/package-lock.json build/outside/
	cd build/outside && npm ci --ignore-scripts --no-audit --no-fund
	$(PY) -m tests.sync.outside.watermelon --rounds 40 --json build/outside/watermelon.json

peers: venv ## another WebRTC stack (werift) at either end of a session, axe-core over the pages for customers; needs Node 20 or newer and npm
	@mkdir -p build/peers
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null && command -v npm >/dev/null || \
		{ echo "not run, which is no pass: install Node 20 or newer with npm" >&2; exit 2; }
	cp tests/remote_assist/outside/package.json tests/remote_assist/outside/package-lock.json build/peers/
	cd build/peers && npm ci --ignore-scripts --no-audit --no-fund
	QT_QPA_PLATFORM=offscreen $(PY) -m pytest -n 2 -m slow --junitxml=build/peers/tests.xml tests/remote_assist/test_peers.py tests/server/test_portal_axe.py tests/remote_assist/test_join_axe.py
	$(PY) -m tests.lint.skipped build/peers/tests.xml

a11y: venv ## a screen reader, and a keyboard alone, on the real programs from outside
	@mkdir -p build/a11y
	QT_QPA_PLATFORM=offscreen $(PY) -m pytest -m slow --junitxml=build/a11y/tests.xml tests/a11y
	$(PY) -m tests.lint.skipped build/a11y/tests.xml

aiortc: venv ## the tests that aiortc and aioice publish, over our patches of them
	$(PY) -m tests.remote_assist.aiortc_suite

threats: venv ## take away each control of the threat table and each guard of aiortc's sources: their tests must fail
	@mkdir -p build
	$(PY) -m tests.remote_assist.threats --json build/threats.json
	$(PY) -m tests.remote_assist.canaries --json build/canaries.json

fuzz: venv ## schemathesis on the server's own OpenAPI, on SQLite and on PostgreSQL
	$(PY) -m tests.server.fuzz --seconds 60 --examples 100
	$(PY) -m tests.server.fuzz --seconds 60 --examples 100 --postgresql

dist: venv ## build the frozen program in dist/deskside and try it
	@.ci/dist

packages: dist ## make deb and rpm of the frozen program in build/packages; needs Debian's dpkg-dev and rpm
	nice -n 10 $(PY) -m resources.packaging.linux.build

packages-test: venv ## of the frozen program in dist: packages built twice, rpms in a root, debs in a fresh Debian 12; as root
	nice -n 10 $(PY) -m tests.packaging.twice
	nice -n 10 $(PY) -m resources.packaging.linux.build --fast --only deb --version 0.0.1 --out build/packages-older
	nice -n 10 $(PY) -m resources.packaging.linux.build --fast --only deb --out build/packages-newer
	tests/packaging/chroot.sh $(or $(OLDER),build/packages-older) build/packages-newer

screenshots: venv ## draw all windows in every look into build/screenshots, with one sheet to look at them
	$(PY) -m tests.widgets.screenshots

venv: .venv/.synced ## make the locked environment in .venv
	@.ci/qt-libraries

.venv/.synced: requirements-dev.lock .ci/requirements-uv.lock .ci/venv pyproject.toml
	@.ci/venv
	@touch $@

lock: .venv/.synced ## compile the locks again from pyproject.toml
	@.ci/lock
