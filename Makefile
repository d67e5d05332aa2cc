# make demo: everything from an empty clone to the report.  make test: what CI runs.
# Without make: python3 -m venv .venv, install both locks (README.md), then `python -m edgekit run bearing`.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

COURSE := .venv/.course

.PHONY: demo quick test lab docs install course course-lab lock lint format clean

demo: $(STAMP)  ## the bearing chain on real data, full profile, up to the signed update
	$(BIN)/python -m edgekit run bearing --profile full --through 06

quick: $(STAMP)  ## the same in a minute or two
	$(BIN)/python -m edgekit run bearing

test: $(STAMP)  ## lint, unit tests, every notebook, the whole chain
	$(BIN)/python -m tests.everything

lab: $(STAMP)  ## step through the chapters
	$(BIN)/jupyter lab notebooks/00_design.ipynb

docs: $(STAMP)  ## the docs site; RUN=runs/activity-quick shows the chapters as that run executed them
	$(BIN)/python docs/site/build.py $(RUN)

install: $(STAMP)  ## the environment alone

course: $(COURSE)  ## the environment of a course alone: chapters 00 to 05 by hand, half the packages

course-lab: $(COURSE)  ## the same, open in JupyterLab
	$(BIN)/jupyter lab notebooks/00_design.ipynb

$(COURSE): course.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r course.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(STAMP): requirements.lock federate.lock pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else "edgekit needs Python 3.11-3.13, this is %d.%d: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r federate.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@mkdir -p .venv/share/jupyter/lab/settings
	@echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' > .venv/share/jupyter/lab/settings/overrides.json
	@touch $@

lock:  ## resolve pyproject.toml for all platforms (needs uv); Flower after the rest, for it caps what that needs newer
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-header --quiet -o requirements.lock
	uv pip compile pyproject.toml --extra train --extra device --extra notebooks -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-header --quiet -o course.lock
	uv pip compile --group federate --excludes requirements.lock --universal --python-version 3.11 --generate-hashes --no-header --quiet -o federate.lock

lint: $(STAMP)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache && $(BIN)/mypy
	$(BIN)/python -m tests.notebooks.checker notebooks/*.ipynb

format: $(STAMP)
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format . ; $(BIN)/nbstripout notebooks/*.ipynb

clean:
	rm -rf runs .venv build *.egg-info
