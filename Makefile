# `make demo` runs ossferry and `make test` runs its tests; on first use both install what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# uv is four times as fast as pip. If uv cannot reach the package index, pip takes over, because uv does not
# read pip.conf. The packages are compiled at installation, as pip does: compiling oss2 prints a warning, and
# in the tests a warning is an error.
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python
PORT ?= 8000
OSS_PORT ?= 9000
DATA_DIR ?=
FRAME_ORIGIN ?=
CUSTOM_DOMAIN ?=
NO_CHECKS ?=
SCAN ?=
RUNTIME ?= micropython
ONLY ?=
RUNS ?=
TIMES ?=
# := ignores the environment, where BROWSER names the desktop's browser
BROWSER :=
# The Makefile runs these lines before it needs Python or Node.
HAS_PYTHON := $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo 'make: $(PYTHON) is not Python 3.11 or newer; install it, and name it: make PYTHON=python3.12' >&2; exit 1; }
HAS_NODE := node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null || { echo 'make: Node 20 or newer, with npm, is not installed; install it from https://nodejs.org' >&2; exit 1; }
# all that the server and the mock can use, at the versions of the lock that exists
COMPILE := $(BIN)/uv pip compile --quiet pyproject.toml wheels/mock/pyproject.toml $(addprefix --extra ,checks postgresql redis images) --universal --python-version 3.11 --no-emit-index-url --no-header
# Many containers set this variable; each of the many processes would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE
# pytest replaces a worker that crashes; with CI=true it repeats the test that crashed it (tests/support/workers.py)
WORKERS := --numprocesses auto --dist loadscope --no-loadscope-reorder

.PHONY: demo test check audit format bench slow vendor-suites screenshots build sbom wheel library npm-package uploader-wheel mock-wheel lock docs prerequisites clean
.DEFAULT_GOAL := demo

$(VENV)/.ready: requirements.lock pyproject.toml
	@test -x $(BIN)/python || { $(HAS_PYTHON); }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	sed -n '/^uv==/,/^    #/p' requirements.lock > $(VENV)/uv.lock
	$(PIP) --require-hashes -r $(VENV)/uv.lock
	$(UV) --require-hashes -r requirements.lock || $(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

web/node_modules/.ready: web/package-lock.json
	@$(HAS_NODE)
	cd web && npm ci --silent --no-audit --no-fund
	touch $@

# ali-oss, and the tools that build the example sites
NODE_TESTS := tests/contract/mock_oss/node/node_modules/.ready tests/e2e/sites/node_modules/.ready
$(NODE_TESTS): %/node_modules/.ready: %/package-lock.json
	@$(HAS_NODE)
	cd $* && npm ci --silent --no-audit --no-fund
	touch $@

# Node comes first: if it is missing, make says so before it installs the Python packages.
build: web/node_modules/.ready $(VENV)/.ready
	@$(BIN)/python web/build.py

sbom: web/node_modules/.ready $(VENV)/.ready
	@$(BIN)/python web/sbom.py

wheel: build sbom library
	$(BIN)/python -m hatchling build --target wheel --clean --directory dist
	for each in pyodide mock uploader; do (cd wheels/$$each && $(CURDIR)/$(BIN)/python -m hatchling build --target wheel --directory $(CURDIR)/dist) || exit 1; done
	cp constraints.txt dist
	@cd dist && wc -c *.whl

library: web/node_modules/.ready $(VENV)/.ready
	@$(BIN)/python web/library.py

npm-package: $(VENV)/.ready
	@$(HAS_NODE)
	$(BIN)/python web/npm_package.py
	mkdir -p dist && cd build/npm && npm pack --silent --pack-destination $(CURDIR)/dist

uploader-wheel: library
	@$(BIN)/python web/sbom.py ossferry-uploader
	cd wheels/uploader && $(CURDIR)/$(BIN)/python -m hatchling build --target wheel --directory $(CURDIR)/dist

mock-wheel: $(VENV)/.ready
	@$(BIN)/python web/sbom.py mock-oss
	cd wheels/mock && $(CURDIR)/$(BIN)/python -m hatchling build --target wheel --directory $(CURDIR)/dist

demo: build
	@exec $(BIN)/ossferry demo --port $(PORT) --oss-port $(OSS_PORT) --runtime $(RUNTIME) $(if $(DATA_DIR),--data-dir "$(DATA_DIR)") $(if $(FRAME_ORIGIN),--frame-origin "$(FRAME_ORIGIN)") $(if $(CUSTOM_DOMAIN),--custom-domain "$(CUSTOM_DOMAIN)") $(if $(NO_CHECKS),--no-checks) $(if $(SCAN),--scan)

prerequisites: $(VENV)/.ready
	@PYTHONPATH=tests $(BIN)/python -m support.prerequisites

# `--budget-s` is only printed. On two cores, all of `make check && make test` shall take 12 minutes.
# Playwright does not survive the signal of a test that hangs; elsewhere it is cheaper than a thread for each test.
test:
	@$(MAKE) --no-print-directory --jobs 2 build prerequisites $(NODE_TESTS)
	$(BIN)/python -m pytest $(WORKERS) $(if $(TIMES),--times) --timeout-method=signal --budget-s 240 tests/unit tests/contract tests/attacks
	$(BIN)/python -m pytest $(WORKERS) $(if $(TIMES),--times) --budget-s 420 --maxprocesses 3 tests/browser tests/e2e

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --num-workers auto

audit: $(VENV)/.ready
	@status=0; \
	$(BIN)/uv tool run pip-audit@2.10.1 --strict --disable-pip --require-hashes -r requirements.lock \
		|| { status=1; echo 'make: the check of the Python packages failed' >&2; }; \
	(cd web && npm audit) || { status=1; echo 'make: the check of the npm packages failed' >&2; }; \
	exit $$status

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: build
	PYTHONPATH=tests $(BIN)/python -m bench.run $(if $(value ONLY),--only '$(value ONLY)') $(if $(RUNS),--runs $(RUNS))

# Two runs: Playwright's event loop, which stays until the end of a run, does not allow `asyncio.run`.
# pytest ends with 5 if ONLY or BROWSER has chosen no test of a run.
SLOW = $(BIN)/python -m pytest $(WORKERS) --maxprocesses 3 -m slow $(if $(ONLY),-k "$(ONLY)")
slow: build prerequisites $(NODE_TESTS)
	@status=5; \
	run() { "$$@"; case $$? in 0) [ $$status = 5 ] && status=0 ;; 5) ;; *) status=1 ;; esac; }; \
	$(if $(BROWSER),,run $(SLOW) tests/unit tests/contract tests/attacks;) \
	run $(SLOW) $(if $(BROWSER),--browser $(BROWSER)) tests/browser tests/e2e; \
	[ $$status != 5 ] || echo 'make: no slow test fits ONLY and BROWSER' >&2; \
	exit $$status

vendor-suites: $(VENV)/.ready
	PYTHONPATH="$(CURDIR)/tests" $(BIN)/python -m contract.mock_oss.vendor_suites

screenshots: build prerequisites $(NODE_TESTS)
	PYTHONPATH=tests $(BIN)/python tests/e2e/screenshots.py
	PYTHONPATH=tests $(BIN)/python tests/e2e/engine_screenshots.py
	PYTHONPATH=tests $(BIN)/python tests/e2e/site_screenshots.py

docs: $(VENV)/.ready
	@PYTHONPATH=tests $(BIN)/python -m support.docs_site

lock: $(VENV)/.ready
	$(COMPILE) --group dev --generate-hashes -o requirements.lock
	$(COMPILE) --constraints requirements.lock --no-annotate -o constraints.txt
	cd web && npm install --package-lock-only --silent

clean:
	rm -rf build dist $(VENV) web/node_modules
