# Two commands do all the set-up: `make demo` and `make test`. They need Python 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_STORE ?= build/demo-store
# The demo ends with the search page, until Ctrl-C; OPEN=0 leaves that out.
OPEN ?= 1
PORT ?= 8000
# One thread per library; on few cores more of them get in each other's way.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export TOKENIZERS_PARALLELISM := false
export HF_HUB_OFFLINE := 1

.PHONY: setup lint test test-long test-nightly test-browser test-services demo bench docs clean

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "footage needs Python 3.11; this is `$(PYTHON) --version`. Set PYTHON=/path/to/python3.11."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m docs.generate --check

# Two processes, as whole runs wait a good part of their time. A process that ends itself ends the tests.
test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 0

# Whole runs under more conditions.
test-long: setup
	$(BIN)/python -m pytest -m "long and not nightly and not services and not browser" -n 2 --dist loadfile --max-worker-restart 0

# The rest of them, which would take continuous integration too long.
test-nightly: setup
	$(BIN)/python -m pytest -m nightly -n 2 --dist loadfile --max-worker-restart 0

# The page in a browser: needs the Debian package chromium.
test-browser: setup
	$(BIN)/python -m pytest -m browser

# Against a real Ceph: needs the Debian packages that `python -m tests.ceph --packages` names.
test-services: setup
	$(BIN)/python -m pytest -m services -n 2 --dist loadfile --max-worker-restart 0

demo: setup
	$(BIN)/python -m samples.demo --store $(DEMO_STORE) --port $(PORT) $(if $(filter 0,$(OPEN)),--no-page)

bench: setup
	$(BIN)/python -m benchmarks.decode
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.first_hit
	$(BIN)/python -m benchmarks.relevance
	$(BIN)/python -m benchmarks.stages
	$(BIN)/python -m benchmarks.listing
	$(BIN)/python -m benchmarks.index
	$(BIN)/python -m benchmarks.search_load
	$(BIN)/python -m benchmarks.search_while_indexing
	$(BIN)/python -m benchmarks.scaling

# The settings reference, the sidecar schema and the API's page are written from the models.
docs: setup
	$(BIN)/python -m docs.generate

clean:
	rm -rf build $(VENV)
