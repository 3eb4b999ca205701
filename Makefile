# Two commands on a fresh machine: `make demo` and `make test`. They need Python >= 3.10 and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-long test-lowest check docs bench clean

demo: $(VENV)/installed
	rm -rf demo
	$(BIN)/crossspace data synthesize demo/corpus.parquet
	$(BIN)/crossspace train --recipe css-synthetic --data demo/corpus.parquet --out demo/run

test: $(VENV)/tested
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m "not long"

test-long: $(VENV)/tested
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m long

# With the oldest release of every library that pyproject.toml allows, which uv resolves to: what needs no extra in an
# environment without any, then everything in one with all; the extras named there are those that `test` does not bring.
test-lowest:
	$(call lowest,.[test-core])
	$(VENV)-lowest/bin/python -m benchmarks.lowest
	$(VENV)-lowest/bin/python -m pytest -q -n 2 --dist loadgroup $(CORE)
	$(call lowest,.[test$(comma)asr$(comma)gcs$(comma)mlflow$(comma)opensmile$(comma)tensorboard$(comma)tune])
	$(VENV)-lowest/bin/python -m benchmarks.lowest extras
	$(VENV)-lowest/bin/crossspace doctor
	$(VENV)-lowest/bin/python -m pytest -q -n 2 --dist loadgroup

comma := ,
CORE := $(addprefix tests/,data batching models nn objectives balance training evaluation inference experiment \
	publishing/test_hub.py test_predict.py test_released.py)
define lowest
	$(PYTHON) -m venv --clear $(VENV)-lowest
	$(VENV)-lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(VENV)-lowest/bin/uv pip install --quiet --python $(VENV)-lowest/bin/python --resolution lowest-direct --editable '$(1)'
endef

check: $(VENV)/checked
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/documented
	$(BIN)/sphinx-build -W -q -b html docs docs/_build/html
	@echo "Documentation: docs/_build/html/index.html"

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks.bench

clean:
	rm -rf $(VENV) $(VENV)-lowest demo docs/_build

# PyTorch first and alone: pinned, it is the build that was tested; asked for by others, it could be any.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) --editable '.[text,media,serve]'
	@touch $@

$(VENV)/tested: $(VENV)/installed
	$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/checked: $(VENV)/installed
	$(PIP) --editable '.[test,check]'
	@touch $@

$(VENV)/documented: $(VENV)/installed
	$(PIP) --editable '.[docs]'
	@touch $@
