.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
PACKAGES := -e ./shared -e ./services/intake -e ./services/classifier -e ./services/warning -e ./services/disposal -e ./deploy/local
SOURCES := shared services deploy tests protos/build_stubs.py
export HEED_DATA ?= $(abspath ../shared/data)
export HEED_BENCH ?= $(abspath ../shared/bench)

.PHONY: help install demo up check audit test bench format clean

help: ## Show the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(VENV)/.installed ## Make .venv with everything in it

# The stubs are no editable install, so a changed contract reinstalls them.
$(VENV)/.installed: requirements-dev.txt $(shell find protos shared services deploy -name '*.proto' -o -name pyproject.toml -not -path '*/node_modules/*') protos/build_stubs.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check ./protos $(PACKAGES) -r requirements-dev.txt
	@touch $@

demo: install ## Run the whole job on a simulated city, or on your own file: make demo INPUT=FILE OUT=DIR
	$(BIN)/heed demo $(if $(INPUT),--input "$(INPUT)") $(if $(OUT),--out "$(OUT)")

up: install ## Keep the suite serving on loopback until Ctrl-C
	$(BIN)/heed up

check: install ## Format, lint, types, import rules, contracts, dependencies, secrets
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy shared services deploy tests
	$(BIN)/lint-imports
	$(BIN)/python protos/check_contracts.py
	$(BIN)/python -m pip check
	git ls-files -z -- ':!*.csv' | xargs -0 $(BIN)/detect-secrets-hook --no-verify \
		--disable-plugin Base64HighEntropyString --disable-plugin HexHighEntropyString

audit: install ## Ask the advisory databases about every dependency; needs the internet
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	$(BIN)/pip-audit --local --skip-editable

test: install ## Run every test
	$(BIN)/pytest -n 2 --dist loadgroup

bench: $(VENV)/.bench-installed ## Benchmarks beside their peers: all, or make bench PART=classifier
	$(BIN)/python -m tests.benchmarks $(PART)

$(VENV)/.bench-installed: $(VENV)/.installed requirements-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

format: install ## Format sources and contracts
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/buf format -w protos

clean: ## Remove what install and the demo made
	rm -rf $(VENV) out build dist
