PYTHON ?= .venv/bin/python

.PHONY: check test props

check:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest

props:
	GANFORGE_EXAMPLES=1000 $(PYTHON) -m pytest tests/properties
