# Two commands: `make run` to see it, `make test` to trust it. Needs Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --no-header pyproject.toml

.PHONY: run test test-all check golden faults bench quality lock clean
run: $(VENV)/.run          ## everything on this machine: databases, gateway, demo businesses, phone
	$(BIN)/frontdesk up --demo clinic --demo realty --demo advisor

test test-all: export PYTHONDONTWRITEBYTECODE =  # or every process of the tests would compile all of them again
test: $(VENV)/.dev check   ## lint, types, floors, then the test suite
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not slow"

test-all: $(VENV)/.dev check
	$(BIN)/python -m pytest

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

faults: $(VENV)/.dev       ## kill processes under load and count what is lost: KILLS=200 SEED=1; docs/faults.md
	$(BIN)/python -m bench.faults --kills $(or $(KILLS),200) --seed $(or $(SEED),1)

golden: $(VENV)/.dev       ## rewrite golden files; review the diff
	GOLDEN=rewrite $(BIN)/python -m pytest -m "not slow" tests

bench: $(VENV)/.dev        ## every bench, shortly; one JSON object a line; docs/speed.md
	$(BIN)/frontdesk bench ingest --rounds 1 --seconds 1 --json
	$(BIN)/frontdesk bench turn --messages 10000 --seconds 5 --json
	$(BIN)/frontdesk bench fanout --sockets 300 --seconds 3 --json
	$(BIN)/frontdesk bench rules --json

quality: $(VENV)/.dev      ## docs/quality.md anew, from the public sets in DATA
	$(BIN)/frontdesk eval all --data $(or $(DATA),../shared/data) --write docs/quality.md

lock:                      ## resolve again (needs uv): hashes, no index address
	$(LOCK) -o requirements.lock
	$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock

$(VENV)/.made:
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else f"Frontdesk needs Python 3.11, 3.12 or 3.13; {sys.executable} is {v[0]}.{v[1]}. Try: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.run: requirements.lock pyproject.toml | $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --config-settings editable_mode=compat -e .
	touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes --no-deps -r requirements-dev.lock
	touch $@

clean:
	rm -rf $(VENV) .data
