# make demo   install into .venv and matte the example shot on the CPU or GPU that is there
# make test   install what the tests need and run every check; pytest's closing line comes last
# make nuke-package   pack the Nuke plug-in into dist/; needs no install
# make blender-package   pack the Blender extension and a repository of it into dist/, by Blender's
#                        own tool; needs no install but a Blender, or bpy of the tests
# make test-blender-all  test the add-on in all five Blenders; makes what is missing (1 GB each)
# make test-blender-mistakes   plant mistakes in the add-on; a test must catch each
# make test-blender-gui    drive Blender 4.3 and 5.2 in real windows; makes what is missing (1.5 GB each;
#                          needs root's rights, Debian or its debootstrap, and half an hour)
# make clean  remove .venv and what the demo wrote
#
# TORCH_INDEX=https://download.pytorch.org/whl/cpu   takes torch from there (CPU only, 200 MB)
# PYTHON=python3.12                                  takes another Python (3.10 or newer)

SHELL := /bin/bash
.SHELLFLAGS := -e -o pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:

PYTHON ?= python3
VENV ?= .venv
TORCH := torch==2.13.0
TORCH_INDEX ?=
# Without a terminal (in CI) a moving bar would fill the log with its own pieces.
PIP_BAR := $(shell test -t 2 && echo on || echo off)

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PIP_INSTALL = $(PIP) install --progress-bar $(PIP_BAR) --constraint constraints.txt
VERSION_FILES := pyproject.toml constraints.txt

# An environment whose Python went away (an upgrade, a copied folder) is made anew as well.
ifneq ($(shell $(BIN)/python -m pip --version >/dev/null 2>&1 && echo works),works)
$(shell rm -f $(VENV)/.made)
endif

.PHONY: demo test install nuke-package blender-package test-blender-all test-blender-mistakes \
    test-blender-gui clean

demo: $(VENV)/.installed
	$(BIN)/platematte demo

install: $(VENV)/.installed

nuke-package:
	@$(PYTHON) nuke_plugin/package.py dist

blender-package:
	@$(PYTHON) blender_addon/package.py dist

# A Blender that is missing fails this, after those that are here have run.
test-blender-all: $(VENV)/.installed-tests
	@status=0; \
	$(BIN)/python tests/blender/environments.py --make || status=1; \
	$(BIN)/python -m pytest tests/blender_versions $(PYTEST_ARGS) || status=1; \
	if [ $$status -ne 0 ]; then echo "not all of it held in all five Blenders; see above"; fi; \
	exit $$status

test-blender-mistakes: $(VENV)/.installed-tests
	@$(BIN)/python tests/blender_versions/plant_addon_mistakes.py

# GUI=trixie or GUI=sid takes one of them, GUI="sid --only undo,escape" single steps.
test-blender-gui: $(VENV)/.installed
	@$(BIN)/python tests/blender_gui/run.py $(GUI)

# Every check runs even when an earlier one failed, pytest last; the worst result is make's result.
test: $(VENV)/.installed-tests
	@status=0; \
	check() { echo; echo "== $$*"; "$$@" || status=1; }; \
	check $(BIN)/python tests/interpreters.py --prepare $(VENV)/hosts; \
	check $(BIN)/ruff check .; \
	check $(BIN)/ruff format --check .; \
	check $(BIN)/mypy; \
	check $(BIN)/lint-imports --no-cache; \
	check $(BIN)/vermin --target=3.7- --no-tips --violations core/platematte_client core/platematte_panel nuke_plugin tests/in_nuke tests/nuke/doubles tests/nuke/comp.py tests/nuke/old_nuke.py; \
	if [ $$status -ne 0 ]; then echo; echo "== a check above failed; make will fail whatever pytest says"; fi; \
	check $(BIN)/python -m pytest $(PYTEST_ARGS); \
	exit $$status

clean:
	rm -rf $(VENV) demo_out

# A folder that lacks pip was left half made (no ensurepip, or stopped by hand): it is made anew.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	    { echo "PlateMatte needs Python 3.10 or newer; this is $$($(PYTHON) --version). Set PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "$(PYTHON) cannot make virtual environments. On Debian: apt-get install python3-venv"; exit 1; }
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	    echo "== making $(VENV)"; rm -rf $(VENV); $(PYTHON) -m venv $(VENV); fi
	@touch $@

# torch comes first and alone: a plain `pip install .` may take gigabytes of CUDA with it.
$(VENV)/.torch: $(VENV)/.made constraints.txt
	@echo "== installing $(TORCH)"
	$(PIP_INSTALL) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "$(TORCH)"
	@touch $@

$(VENV)/.installed: $(VENV)/.torch $(VERSION_FILES)
	@echo "== installing PlateMatte"
	$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.installed-tests: $(VENV)/.installed $(VERSION_FILES)
	@echo "== installing what the tests need"
	$(PIP_INSTALL) --editable ".[test]"
	@touch $@
