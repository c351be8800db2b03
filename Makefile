# ossferry. `make demo` runs it, `make test` proves it; both set up what they need, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
OSS_PORT ?= 9000
DATA_DIR ?=
RUNTIME ?= micropython
ONLY ?=

.PHONY: demo test check format bench slow screenshots build lock browser clean
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
	@exec $(BIN)/ossferry demo --port $(PORT) --oss-port $(OSS_PORT) --runtime $(RUNTIME) $(if $(DATA_DIR),--data-dir "$(DATA_DIR)")

browser: $(VENV)/.ready
	@$(BIN)/python tests/support/chromium.py

test: build browser $(SDK_TOURS)/node_modules/.ready
	$(BIN)/python -m pytest

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: build browser
	$(BIN)/python tests/bench/run.py $(if $(ONLY),--only "$(ONLY)")

slow: build browser $(SDK_TOURS)/node_modules/.ready
	$(BIN)/python -m pytest -m slow

screenshots: build browser
	PYTHONPATH=tests $(BIN)/python tests/e2e/screenshots.py

lock: $(VENV)/.ready
	$(BIN)/uv pip compile --quiet pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	cd web && npm install --package-lock-only --silent

clean:
	rm -rf build dist $(VENV) web/node_modules
