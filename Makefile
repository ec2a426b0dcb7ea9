# make demo and make test from a fresh clone do all the set-up. Needs Python 3.11 to 3.13 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP = $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
STAMP := $(VENV)/.installed
TRAIN := $(VENV)/.train

.PHONY: help install demo test coverage tampering mutants check fix picture bench schemathesis docs clean

help: ## show this
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

install: $(STAMP) ## make .venv with everything, the tests' parts too (does nothing when nothing changed)

$(STAMP): pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP) -e '.[test]'
	@$(BIN)/python -c 'import cv2' 2>$(VENV)/cv2.log || { tail -n 1 $(VENV)/cv2.log; \
	  echo "OpenCV needs system libraries: on Debian, apt-get install libgl1 libglib2.0-0"; exit 1; }
	@touch $(TRAIN) $(STAMP)

$(TRAIN): pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP) -e '.[train]'
	@$(BIN)/python -c 'import cv2' 2>$(VENV)/cv2.log || { tail -n 1 $(VENV)/cv2.log; \
	  echo "OpenCV needs system libraries: on Debian, apt-get install libgl1 libglib2.0-0"; exit 1; }
	@touch $(TRAIN)

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "Emotionet needs Python 3.11 to 3.13, $(PYTHON) is $$($(PYTHON) --version 2>&1): make PYTHON=python3.12 install"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "$(PYTHON) can't make a virtual environment: on Debian, apt-get install python3-venv"; exit 1; }

demo: $(TRAIN) ## the main job from import to audit, on drawn faces; installs what that needs
	$(BIN)/emotionet demo

test: install ## the whole suite on two processes, the same that CI runs
	$(BIN)/python -m pytest -n 2 --dist worksteal

# what reaches the three packages: their own tests, those of the audit, and of what others read of tables and trees
REACHING = tests/core tests/evaluation tests/provenance tests/content/labels tests/workflows/audit \
  $(addprefix tests/content/test_,folders.py hamt.py hostile.py) $(addprefix tests/workflows/,releases/test_attempts.py \
  releases/test_withdrawn.py training/test_base_weights.py training/test_final_weights.py \
  images/test_contributors_of_issuers.py images/test_names_that_clash.py)

coverage: install ## branch coverage of core, evaluation and provenance, each, by the tests that reach them
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q $(REACHING)
	@status=0; for package in core evaluation provenance; do echo "registry.$$package:"; \
	  $(BIN)/coverage report --skip-covered --include="registry/$$package/*" || status=1; done; exit $$status

tampering: install ## the whole tampering matrix, some 16,000 changed releases of four kinds; COUNT=1000 for fewer of each
	$(BIN)/python -m tests.tampering $(if $(COUNT),--count $(COUNT))

mutants: install ## mutation testing of core and the audit's checks: hours; FILES=registry/core/log.py for some of it
	$(PIP) -q -e '.[dev]'
	$(BIN)/python -m bench.mutants $(FILES)

check: install ## lint, types, direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: install ## mend what ruff can mend by itself, and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

picture: install ## draw docs/architecture.svg from the code
	$(BIN)/python -m bench.rooms

docs: | $(BIN)/pip ## the book, in English and Spanish, into build/docs; `emotionet serve` has it at /docs then
	$(PIP) -q -e '.[docs]'
	$(BIN)/python -m bench.book

bench: install ## measure, against baselines in the same minute
	$(BIN)/python -m bench

clean: ## remove what install made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info

schemathesis: install ## ask the API many requests that its description allows
	EMOTIONET_EXAMPLES=50 $(BIN)/python -m pytest tests/api/test_described_answers.py -q -p no:cacheprovider --timeout 3600
