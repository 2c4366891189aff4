# make restore IMAGE=photo.jpg   restore a picture
# make test                      run the tests
# make soak                      test faults at full size: minutes
# make lint                      check style, imports and types
# make docs                      write the reference: build/reference/dual_prior.html
#
# Each makes the virtual environment .venv and installs what it needs first.

PYTHON ?= python3
IMAGE ?= samples/astronaut.jpg
VENV := .venv
PIP := $(VENV)/bin/pip install -qq --disable-pip-version-check

.PHONY: restore test soak lint docs clean

restore: $(VENV)/installed
	@$(VENV)/bin/dual-prior restore "$(IMAGE)" --overwrite

test: $(VENV)/installed-for-tests
	@$(VENV)/bin/python -m pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile

soak: $(VENV)/installed-for-soak
	@$(VENV)/bin/python -m pytest --soak -rP tests/dual_prior/soak_test.py \
		tests/dual_prior/command/cluster_test.py tests/dual_prior/command/web_test.py \
		tests/dual_prior/network/contract_on_jax_test.py

lint: $(VENV)/installed-for-tests
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy

docs: $(VENV)/installed-for-docs
	@$(VENV)/bin/python -W error::UserWarning docs/reference.py build/reference

$(VENV)/installed: setup.cfg pyproject.toml
	@echo "Setting up $(VENV): this downloads TensorFlow and takes minutes, once."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --editable .
	@touch $@

$(VENV)/installed-for-tests: $(VENV)/installed
	@echo "Installing what the tests need."
	@$(PIP) --editable ".[test]"
	@touch $@

$(VENV)/installed-for-soak: $(VENV)/installed-for-tests
	@$(PIP) --editable ".[soak]"
	@touch $@

$(VENV)/installed-for-docs: $(VENV)/installed
	@$(PIP) --editable ".[docs]"
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
