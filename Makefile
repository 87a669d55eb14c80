# Every target works on a bare clone: it makes .venv with all that it needs.
PYTHON ?= python3
BIN := .venv/bin
RUNS ?= 200
READY := .venv/.ready

# Tests start hundreds of Pythons, each a third faster where compiled modules are kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: dist demo test test-versions test-slow chaos lint format bench docs clean
.DELETE_ON_ERROR:

$(READY): pyproject.toml constraints.txt hatch_build.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[torch,gpu,ray,serve,cloud,codecs,train,docs,dev]'
	@touch $@

demo: $(READY)
	$(BIN)/tilecppn render examples/poster.toml -o out/poster.zarr --export out/poster.dzi
	@echo "Open out/poster.html with a double-click."

# One process more than cores: tests of clusters and signals wait much. Neighbours share fixtures, so
# each process begins with a run of them, and takes from others at its end.
PROCESSES := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
test: $(READY)
	$(BIN)/python -m pytest -n $(PROCESSES) --maxprocesses 6 --dist worksteal

# A plain install on the newer Pythons that are here.
test-versions:
	.ci/versions

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

chaos: $(READY)
	$(BIN)/python -m tests.chaos --runs $(RUNS)
	$(BIN)/python -m tests.chaos.coordinators --rounds $(RUNS)

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v npx >/dev/null; then for config in jsconfig*.json; do \
		npx --yes --package=typescript@5.9.3 tsc -p $$config || exit 1; done; \
		else echo "no npx here: the types of the pages' scripts are not checked"; fi

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY)
	$(BIN)/python -m benchmarks

# The documentation site: out/docs/index.html. Warnings and dead links are errors.
docs: $(READY)
	rm -rf out/docs
	$(BIN)/python -m sphinx -q --fail-on-warning --keep-going docs out/docs
	$(BIN)/python docs/check_site.py out/docs

# A wheel and an sdist in dist/.
dist: $(READY)
	rm -rf dist
	$(BIN)/python -m hatchling build

clean:
	rm -rf .venv .venv-* out dist
