# SPDX-FileCopyrightText: 2026 recordings.disposal contributors
# SPDX-License-Identifier: GPL-3.0-or-later

.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
DEMO_DIR ?= demo-run
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup demo test lint unit molecule sanity thorough bench docs clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: ## make .venv with everything
	@PYTHON="$(PYTHON)" tests/setup.sh

demo: setup ## three recording servers from plan to certificate, without root
	@DEMO_DIR="$(DEMO_DIR)" $(BIN)/ansible-playbook recordings.disposal.demo

test: setup ## every check and every test
	@$(BIN)/python tests/run.py

lint: setup ## only the checks of the source
	@$(BIN)/python tests/run.py lint

unit: setup ## only the tests that need neither root nor hosts
	@$(BIN)/python tests/run.py unit

sanity: setup ## only ansible-test
	@$(BIN)/python tests/run.py sanity units

molecule: setup ## only the scenarios on real hosts
	@$(BIN)/python tests/run.py molecule

thorough: setup ## all tests on drives and filesystems, also those that CI leaves out, an hour of them
	@DISPOSAL_THOROUGH=1 $(BIN)/pytest -q tests/virtual tests/system

bench: setup ## figures with their peers in the same run
	@$(BIN)/python tests/bench/run.py

docs: setup ## the documentation as HTML in docs/build
	@$(BIN)/python tests/run.py docs

clean: ## remove what the other targets made
	rm -rf .venv .ansible .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache docs/build $(DEMO_DIR)
