# ossferry. `make demo` runs it, `make test` proves it; both set up what they need, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
OSS_PORT ?= 9000
DATA_DIR ?=
FRAME_ORIGIN ?=
CUSTOM_DOMAIN ?=
RUNTIME ?= micropython
ONLY ?=

.PHONY: demo test check audit format bench slow vendor-suites screenshots build lock browser clean
.DEFAULT_GOAL := demo

$(VENV)/.ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

web/node_modules/.ready: web/package-lock.json
	cd web && npm ci --silent --no-audit --no-fund
	touch $@

SDK_TOURS := tests/contract/mock_oss/node
$(SDK_TOURS)/node_modules/.ready: $(SDK_TOURS)/package-lock.json
	cd $(SDK_TOURS) && npm ci --silent --no-audit --no-fund
	touch $@

build: $(VENV)/.ready web/node_modules/.ready
	@$(BIN)/python web/build.py

demo: build
	@exec $(BIN)/ossferry demo --port $(PORT) --oss-port $(OSS_PORT) --runtime $(RUNTIME) $(if $(DATA_DIR),--data-dir "$(DATA_DIR)") $(if $(FRAME_ORIGIN),--frame-origin "$(FRAME_ORIGIN)") $(if $(CUSTOM_DOMAIN),--custom-domain "$(CUSTOM_DOMAIN)")

browser: $(VENV)/.ready
	@$(BIN)/python tests/support/chromium.py

test: build browser $(SDK_TOURS)/node_modules/.ready
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile tests/unit tests/contract tests/attacks
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 2 --dist loadfile tests/browser tests/e2e

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

audit: $(VENV)/.ready
	$(BIN)/uv tool run pip-audit@2.10.1 --strict --disable-pip --require-hashes -r requirements.lock
	cd web && npm audit

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: build browser
	$(BIN)/python tests/bench/run.py $(if $(ONLY),--only "$(ONLY)")

slow: build browser $(SDK_TOURS)/node_modules/.ready
	$(BIN)/python -m pytest -m slow

vendor-suites: $(VENV)/.ready
	PYTHONPATH="$(CURDIR)/tests" $(BIN)/python -m contract.mock_oss.vendor_suites oss2

screenshots: build browser
	PYTHONPATH=tests $(BIN)/python tests/e2e/screenshots.py

lock: $(VENV)/.ready
	$(BIN)/uv pip compile --quiet pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	cd web && npm install --package-lock-only --silent

clean:
	rm -rf build dist $(VENV) web/node_modules
