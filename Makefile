PYTHON ?= .venv/bin/python

.PHONY: check test props bench study docs

check:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest -n auto

props:
	GANFORGE_EXAMPLES=1000 $(PYTHON) -m pytest tests/properties

# nothing else should run meanwhile; about an hour on two cores
bench:
	$(PYTHON) -m benchmarks --json build/bench.json

# hours; what is finished is kept, what was stopped is resumed
study:
	$(PYTHON) -m studies run

# the site, in build/site
docs:
	rm -rf build/site-source
	$(PYTHON) docs/site/assemble.py build/site-source
	$(PYTHON) -m sphinx -q -W --keep-going build/site-source build/site
