# Two commands matter: `make serve` and `make test`. Everything they need is installed into .venv, once.

VENV ?= .venv
BIN := $(VENV)/bin
PLATFORM := $(VENV)/.platform
DEV := $(VENV)/.dev
# The newest Python that is here and new enough; say PYTHON=... for another.
PYTHON ?= $(shell .ci/find-python)
# Tests run file by file in so many processes (many wait much), each with a database of its own; JOBS=0 is one alone.
JOBS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); [ "$$n" -gt 3 ] && echo 4 || echo "$$((n + 1))")

.DEFAULT_GOAL := help
.PHONY: help serve test test-server check format bench bench-booking demo-reset gen messages clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

serve: $(PLATFORM) ## the whole house at http://127.0.0.1:8000 (YBA_PORT, YBA_DATA, YBA_DATABASE_URL)
	@$(BIN)/yba serve

test: $(DEV) ## the whole suite, browser journeys included
	@.ci/need-chromium
	@mkdir -p artefacts
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --junitxml=artefacts/tests.xml $(ARGS)

test-server: $(DEV) ## the same suite on an outside PostgreSQL (YBA_DATABASE_URL, else a temporary one)
	@.ci/need-chromium
	@mkdir -p artefacts
	@.ci/with-server $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --junitxml=artefacts/tests-server.xml $(ARGS)

check: $(DEV) ## format, lint, types, contracts, generated code, translations, templates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.r4 --check
	$(BIN)/python -m yba.site.translations --check
	$(BIN)/djlint src --lint --quiet --ignore H015,H020,H043,H054

format: $(DEV) ## put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(DEV) ## requests a second and ratios, in one run (wants wrk)
	@.ci/need-wrk
	@$(BIN)/python -m bench $(ARGS)

bench-booking: $(DEV) ## a province's morning over HTTP: from the booking to the number, and what must be true after
	@$(BIN)/python -m bench.booking $(ARGS)

demo-reset: $(PLATFORM) ## throw the demo's data away and load it anew
	@$(BIN)/yba demo-reset

gen: $(DEV) ## make the FHIR types anew from HL7's definitions
	$(BIN)/python -m tools.r4

messages: $(DEV) ## collect the sentences people read, for translation
	$(BIN)/python -m yba.site.translations

clean: ## remove what was installed and made, not the data
	rm -rf $(VENV) artefacts build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(BIN)/python:
	@.ci/make-venv "$(PYTHON)" "$(VENV)"

$(PLATFORM): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what Y Bạ needs (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[platform]"
	@touch $@

$(DEV): $(PLATFORM)
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[platform,dev]"
	@touch $@
