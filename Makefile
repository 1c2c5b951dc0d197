# Everything is built into .venv and target/. `make demo` and `make test` start from nothing.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:

PYTHON ?= python3
PORT ?= 8080
MEDIA_PORT ?= 7882
DATA ?= .demo
PYTEST_ARGS ?=
SECONDS ?= 1800
SEED ?= 1

export PATH := $(PATH):$(HOME)/.cargo/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHON

bin := .venv/bin
scratch = $(or $(shell df --output=avail /dev/shm 2>/dev/null | awk 'NR == 2 && $$1 > 4194304 { print "/dev/shm" }'),$(TMPDIR),/tmp)
wire_sources := $(shell find sfu/wire sfu/wire-python \( -name target -o -name fuzz \) -prune -o -type f \( -name '*.rs' -o -name Cargo.toml \) -print)

.PHONY: build demo test test-long soak lint lint-rust lint-python lint-web bench clean lock tools test-rust test-web test-python help

help:
	@echo 'make build       the server in .venv (quick when nothing changed)'
	@echo 'make demo        build, then a demo clinic on http://localhost:$(PORT)'
	@echo 'make test        lint and tests, browsers included'
	@echo 'make test-long   the tests that are too long for make test'
	@echo 'make soak        people in random order for SECONDS=1800'
	@echo 'make lint        formatters, linters and type checkers'
	@echo 'make bench       benchmarks'
	@echo 'make lock        pin the dependencies of both languages anew'
	@echo 'make clean       remove what was built, and the data of the demo'

build: .venv/.wire

demo: build
	@exec $(bin)/venterom demo --port $(PORT) --media-port $(MEDIA_PORT) --data $(DATA)

# Rust's checks beside the rest: a release build has one core busy for much of its time.
test: tools
	$(MAKE) --no-print-directory --jobs=2 test-rust lint test-web
	$(MAKE) --no-print-directory test-python

test-long: tools .venv/.dev node_modules/.package-lock.json
	TMPDIR=$(scratch) $(bin)/python -m pytest -m long $(PYTEST_ARGS)

soak: .venv/.dev
	$(bin)/python -m tests.soak --seconds $(SECONDS) --seed $(SEED)

lint: lint-rust lint-python lint-web

lint-rust:
	@scripts/require cargo rustfmt clippy cc
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
	CARGO_TARGET_DIR=target cargo check --locked --quiet --manifest-path sfu/wire/fuzz/Cargo.toml

lint-python: .venv/.dev
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/stubtest sfu._wire

lint-web: node_modules/.package-lock.json
	node_modules/.bin/tsc --noEmit --project tsconfig.json

test-rust: lint-rust
	cargo test --locked --quiet --package venterom-wire

test-web: node_modules/.package-lock.json
	npm test --silent

# What tests write is kept by nobody, so it is written to memory where there are 4 GiB for it: browsers and databases
# wait for a disk for much of their start. Two at a time: who drives a browser mostly waits for it.
test-python: .venv/.dev
	TMPDIR=$(scratch) $(bin)/python -m pytest -m 'not long' -n 2 --dist loadgroup $(PYTEST_ARGS)

bench: .venv/.dev
	@scripts/require chromium
	$(bin)/python -m benchmarks

clean:
	rm -rf .venv .demo build dist target node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -f sfu/_wire*.so
	find benchmarks control sfu signalling tests -name __pycache__ -type d -prune -exec rm -rf {} +

lock: .venv/.dev
	cargo update --workspace
	$(bin)/uv pip compile -q --universal --generate-hashes --no-header pyproject.toml -o requirements/runtime.txt
	$(bin)/uv pip compile -q --universal --generate-hashes --no-header pyproject.toml --extra build -c requirements/runtime.txt -o requirements/build.txt
	$(bin)/uv pip compile -q --universal --generate-hashes --no-header pyproject.toml --extra build --extra dev -c requirements/build.txt -o requirements/dev.txt

tools:
	@scripts/require python cargo rustfmt clippy cc node npm chromium firefox ip turnserver nft postgres

.venv/bin/python:
	@scripts/require python
	$(PYTHON) -m venv .venv

.venv/.deps: requirements/build.txt | .venv/bin/python
	$(bin)/python -m pip install -qq --require-hashes -r $<
	@touch $@

.venv/.wire: .venv/.deps pyproject.toml Cargo.toml Cargo.lock $(wire_sources)
	@scripts/require cargo cc
	@echo "building the media core (a few minutes at first, seconds later)"
	VIRTUAL_ENV=$(CURDIR)/.venv PIP_QUIET=2 $(bin)/maturin develop --release --locked
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.wire
	$(bin)/python -m pip install -qq --require-hashes -r $<
	@touch $@

node_modules/.package-lock.json: package.json package-lock.json
	@scripts/require node npm
	npm ci --no-audit --no-fund --silent
	@touch $@
