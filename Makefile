# make restore IMAGE=photo.jpg   restore a picture
# make test                      run the tests
# make soak                      test faults at full size, with figures: minutes
# make lint                      check style and imports
#
# Each makes the virtual environment .venv and installs what it needs first.

PYTHON ?= python3
IMAGE ?= samples/astronaut.jpg
VENV := .venv

.PHONY: restore test soak lint clean

restore: $(VENV)/installed
	$(VENV)/bin/dual-prior restore "$(IMAGE)" --overwrite

test: $(VENV)/installed-for-tests
	$(VENV)/bin/python -m pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile

soak: $(VENV)/installed-for-tests
	$(VENV)/bin/python -m pytest --soak -rP tests/dual_prior/soak_test.py

lint: $(VENV)/installed-for-tests
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --editable .
	touch $@

$(VENV)/installed-for-tests: $(VENV)/installed
	$(VENV)/bin/pip install --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
