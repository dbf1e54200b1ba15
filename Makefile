# Everything a newcomer types. `make demo` and `make test` set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
# The demo and the benchmarks must not depend on a display.
export MPLBACKEND ?= Agg

.PHONY: install demo test test-rust test-python lint format bench docs wheel fuzz clean

# .venv with every extra, and the extension in release mode. Rebuilt when a source of it changes.
install: $(VENV)/.installed

$(VENV)/bin/maturin:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), f"dreamlearning needs Python 3.11 or newer, this is {sys.version}"'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "maturin>=1.14,<2"

RUST_SOURCES := $(shell find src -name '*.rs') Cargo.toml Cargo.lock

$(VENV)/.installed: $(VENV)/bin/maturin pyproject.toml $(RUST_SOURCES)
	$(BIN)/maturin develop --release --quiet
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "dreamlearning[dev]"  # what it has installed, plus extras
	touch $@

# The main job on scikit-learn's digits: compress, verify, train, one table, one picture (out/demo.png).
demo: install
	$(BIN)/dreamlearning demo

test: install lint docs test-rust test-python

test-rust:
	cargo test --quiet

test-python: install
	$(BIN)/python -m mypy.stubtest dreamlearning._core --mypy-config-file pyproject.toml
	$(BIN)/python -m pytest

lint: install
	cargo fmt --check
	cargo clippy --all-targets --quiet -- -D warnings
	cargo clippy --lib --features python --quiet -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install
	cargo fmt
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# CIFAR-10 under data/ (as torchvision lays it out); results go to benchmarks/results, the table to README.md. Loaders of
# others take part where their environments are (benchmarks/peers/README.md), and photographs where PHOTOS names a folder.
PEERS := .venv-peers
FFCV := .venv-ffcv
bench: install
	$(BIN)/python benchmarks/cifar10.py --data data
	$(BIN)/python benchmarks/cpu_paths.py --data data
	$(BIN)/python benchmarks/split_prices.py --data data
	$(BIN)/python benchmarks/memory.py --data data
	@# Without the others beside it a run would say less than the result that is here.
	$(if $(wildcard $(PEERS)/bin/python),$(BIN)/python benchmarks/loaders.py --data data \
		$(if $(PHOTOS),--photos $(PHOTOS)) --peers-python $(PEERS)/bin/python \
		$(if $(wildcard $(FFCV)/bin/python),--ffcv-python $(FFCV)/bin/python),\
		@echo "benchmarks/loaders.py left out: no $(PEERS), see benchmarks/peers/README.md")
	@# Tables: TABLES is a folder of california_housing.npz, credit_default.npz and ijcnn1.npz.
	$(if $(TABLES),$(BIN)/python benchmarks/tabular.py --data $(TABLES) \
		$(if $(wildcard $(PEERS)/bin/python),--peers-python $(PEERS)/bin/python))
	$(BIN)/python benchmarks/tables.py

# Feeds hostile bytes and odd data to every target for ten minutes, and keeps what reaches new code in the bundles that
# `make test` runs. Needs `cargo install cargo-fuzz`.
FUZZ_TARGETS := open_file round_trip preset_small preset_fast preset_packed preset_small_tables table condensed
FUZZ_SECONDS ?= 600
fuzz: $(FUZZ_TARGETS:%=fuzz-%)

fuzz-%:
	$(PYTHON) fuzz/bundle.py unpack fuzz/corpus/$*
	RUSTC_BOOTSTRAP=1 cargo fuzz run $* -- -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=4096 -timeout=20
	RUSTC_BOOTSTRAP=1 cargo fuzz cmin $*
	$(PYTHON) fuzz/bundle.py pack fuzz/corpus/$*

docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

wheel: $(VENV)/bin/maturin
	$(BIN)/maturin build --release --out dist

clean:
	rm -rf $(VENV) target dist out
