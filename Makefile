# Two commands: `make run` and `make test`. Both install what they need into .venv first, once.

VENV := .venv
BIN := $(VENV)/bin
UV_INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header $(UPGRADE)

# Without its bytecode `import torch` alone takes seconds.
unexport PYTHONDONTWRITEBYTECODE
# An activated environment, or a folder on the path, is not ours.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

.PHONY: run test check bench torture specs calibrate containers lock clean
.DELETE_ON_ERROR:

run: $(VENV)/worker.stamp $(VENV)/project.stamp ## make run ARGS="--port 9000"
	@$(BIN)/trainyard up $(ARGS)

test: $(VENV)/dev.stamp $(VENV)/project.stamp ## make test ARGS="tests/core -x"
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/dev.stamp $(VENV)/project.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# Ratios against other ways to train, on the real MNIST. make bench ARGS="FOLDER --short"; FOLDER holds MNIST/raw.
bench: $(VENV)/dev.stamp $(VENV)/project.stamp
	$(BIN)/python -m tests.benchmarks.training $(or $(ARGS),data/datasets)

# Kills N trainers that have a run, and workers, exporters and servers now and then; nothing may come of it. Minutes.
torture: $(VENV)/dev.stamp $(VENV)/project.stamp
	$(BIN)/python -m tests.torture --kills $(or $(N),200) $(ARGS)

# N random architecture specs, hostile ones among them: each is built as predicted, or refused with a reason. Minutes.
specs: $(VENV)/dev.stamp $(VENV)/project.stamp
	$(BIN)/python -m tests.spec_fuzz --count $(or $(N),100000)

# How often Compare names a winner where there is none: simulated, and real on digits. Five minutes.
calibrate: $(VENV)/dev.stamp $(VENV)/project.stamp
	nice $(BIN)/python -m tests.benchmarks.calibration

# Builds both images, starts them without a GPU on an engine of its own, and uses them. Minutes and 20 GB, the first time.
CONTAINER_CHECK ?= ../shared/tools/container-check.sh
containers:
	COMPOSE_FILE=docker-compose.yml:docker-compose.cpu.yml CC_PROBE="python3 tests/containers/probe.py" \
		$(CONTAINER_CHECK) . http://127.0.0.1:8000/healthz

# The lock files follow pyproject.toml and keep the versions they have; UPGRADE=--upgrade takes newer ones.
lock: $(BIN)/uv
	$(LOCK) pyproject.toml -o requirements/server.txt
	$(LOCK) pyproject.toml --extra worker -c requirements/server.txt -o requirements/worker.txt
	$(LOCK) pyproject.toml --extra worker --extra dev -c requirements/worker.txt -o requirements/dev.txt
	$(LOCK) --group build -o requirements/build.txt
	$(LOCK) --group uv -o requirements/uv.txt

clean: ## keeps the data folder
	rm -rf $(VENV) static/vendor .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find app core worker tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- installing: a stamp is newer than all it was made from, so a second start asks nobody anything ---

# The first Python that is new enough; `make PYTHON=/path/to/python3` names another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

$(BIN)/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Trainyard needs Python 3.11 or newer, and found none$(PYTHON:%=: %)." \
			"Install one, or name it: make run PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear $(VENV) || { rm -rf $(VENV); \
		echo "Python's venv is missing. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(BIN)/uv: requirements/uv.txt | $(BIN)/python
	@echo "Installing uv into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements/uv.txt
	@touch $@

$(VENV)/worker.stamp: requirements/worker.txt $(BIN)/uv
	@echo "Installing the server and the worker into $(VENV). Torch is large: minutes, this once."
	@$(UV_INSTALL) --require-hashes -r requirements/worker.txt
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(BIN)/uv
	@echo "Installing the server, the worker and the test tools into $(VENV)"
	@$(UV_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@ $(VENV)/worker.stamp

$(VENV)/project.stamp: pyproject.toml hatch_build.py requirements/build.txt $(wildcard requirements/npm/*) $(BIN)/uv
	@$(UV_INSTALL) --no-deps --build-constraints requirements/build.txt --editable .
	@touch $@
