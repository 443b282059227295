# Everything runs in .venv, which is set up once and again when a file it was made from changes.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules
# Where it is set, each of the tests' processes would compile all test modules again.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
BIN := .venv/bin
STAMPS := .venv/stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
VERSION = $(shell sed -n 's/^__version__[^=]*= "\(.*\)"/\1/p' webhook/__init__.py)
SOURCES = $(shell find webhook ray_config pyproject.toml -type f ! -name '*.pyc' | LC_ALL=C sort)

.PHONY: help demo cluster test e2e e2e-ray e2e-scale soak picture bench bench-record bench-quick fuzz docs audit-deps sbom dist release-check lock clean FORCE

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMPS)/server $(STAMPS)/wheel  ## serve HTTPS on loopback, send it the sample pods, show what changed and why
	@$(BIN)/ray-webhook demo

cluster: $(STAMPS)/dev $(STAMPS)/wheel  ## a real Kubernetes API server on loopback to install the webhook in, until Ctrl-C
	@$(BIN)/python -m tests.sandbox

# Four at a time on two cores, for many wait for time-outs and for processes to start.
UNIT = --numprocesses 4 --ignore=tests/control_plane --ignore=tests/e2e --ignore=tests/ray --ignore=tests/soak --ignore=tests/browser

test: $(STAMPS)/dev $(STAMPS)/wheel  ## lint, types, import contracts, unit and HTTP tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest $(UNIT) -m 'not paced and not scale'
	$(BIN)/pytest $(UNIT) -m paced tests/cluster  # by themselves: they count how often a sick API server is asked in a time

e2e: $(STAMPS)/dev $(STAMPS)/browser $(STAMPS)/docs $(STAMPS)/wheel  ## everything on a real Kubernetes API server (KUBEBUILDER_ASSETS, else built once by Go)
	$(BIN)/pytest -m 'not scale and not soak' tests/control_plane tests/e2e tests/soak tests/browser

e2e-ray: $(STAMPS)/dev $(STAMPS)/ray $(STAMPS)/wheel  ## ray_config with the env of each role on a real Ray, which it installs
	$(BIN)/pytest tests/ray

e2e-scale: $(STAMPS)/dev $(STAMPS)/wheel  ## 10,000 namespaces with settings of their own, 5,000 and 100,000 pods audited
	$(BIN)/pytest -m scale -s tests/e2e tests/cluster

SOAK_PODS ?= 10000
SOAK_RATE ?= 100

soak: $(STAMPS)/dev $(STAMPS)/wheel  ## every fault while SOAK_PODS (10000) pods are created, SOAK_RATE (100) a second: one table
	SOAK_PODS=$(SOAK_PODS) SOAK_RATE=$(SOAK_RATE) $(BIN)/pytest -m soak -s tests/soak

picture: $(STAMPS)/dev $(STAMPS)/wheel  ## docs/images/demo.svg anew, from what the demo prints
	UPDATE_GOLDEN=1 $(BIN)/pytest -k picture tests/cli/test_demo.py

bench: $(STAMPS)/dev $(STAMPS)/wheel  ## what an admission costs, beside other servers, one of them in Go: 12 minutes
	$(BIN)/python -m bench

bench-record: $(STAMPS)/dev $(STAMPS)/wheel  ## make bench, then the documentation with its figures; on a quiet machine
	$(BIN)/python -m bench --record

bench-quick: $(STAMPS)/dev $(STAMPS)/wheel  ## has an admission become dearer? in under a minute
	$(BIN)/python -m bench.quick

FUZZ_BODIES ?= 1000000

fuzz: $(STAMPS)/fuzz $(STAMPS)/wheel  ## FUZZ_BODIES (1000000) guided by coverage, a tenth of it mutated over HTTPS
	$(BIN)/python tests/fuzz/coverage_guided.py --executions $(FUZZ_BODIES)
	$(BIN)/python tests/fuzz/mutated_bodies.py --bodies $$(($(FUZZ_BODIES) / 10))

docs: $(STAMPS)/server $(STAMPS)/docs $(STAMPS)/wheel  ## dist/docs/index.html: the site, without a network; any warning is an error
	$(BIN)/sphinx-build --fail-on-warning --nitpicky --keep-going --quiet --doctree-dir dist/doctrees docs dist/docs

# The advisories come from the package index; --strict fails where it has none for a pin, so that silence is no pass.
audit-deps: $(STAMPS)/dev  ## known vulnerabilities of what the image runs; asks the package index
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements/server.txt

# Without -i every package would get an address at the public index, which need not be where it came from.
sbom: $(STAMPS)/dev  ## dist/ray-webhook-VERSION.cdx.json: what the wheel's server extra brings, in CycloneDX
	@mkdir -p dist
	@made=dist/ray-webhook-$(VERSION).cdx.json; folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	sed 's/^dynamic = .*/version = "$(VERSION)"/' pyproject.toml > "$$folder/pyproject.toml" && \
	PYTHONWARNINGS=ignore $(BIN)/cyclonedx-py requirements -i '' --pyproject "$$folder/pyproject.toml" --output-reproducible \
		-o "$$folder/made.json" requirements/server.txt && mv "$$folder/made.json" "$$made" && echo "$$made"

# The backend writes no times of its own, so the same commit gives the same bytes; with the pinned one, without network.
dist: $(STAMPS)/dev  ## dist/: the wheel and the sdist of a release
	@$(BIN)/python -m build --no-isolation --outdir dist >&2
	@ls dist/ray_webhook-$(VERSION)-py3-none-any.whl dist/ray_webhook-$(VERSION).tar.gz

release-check:  ## TAG=v1.2.3: is that what the tree is, and does the changelog tell of it? writes dist/release-notes.md
	@test "$(TAG)" = "v$(VERSION)" || { echo "TAG is '$(TAG)'; allowed: v$(VERSION), of webhook/__init__.py" >&2; exit 1; }
	@mkdir -p dist
	@awk '/^## \[/ { on = index($$0, "## [$(VERSION)] - ") == 1; next } on' CHANGELOG.md > dist/release-notes.md
	@grep -q '^- ' dist/release-notes.md || \
	{ echo "CHANGELOG.md has no section '## [$(VERSION)] - YYYY-MM-DD' with entries; move them there" >&2; exit 1; }

# The largest set is resolved first and bounds the others, so that one .venv can hold them all.
# `make lock LOCK_FLAGS=--upgrade` takes newer versions; without it those that still fit stay.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make lock' $(LOCK_FLAGS)
define BUILD_REQUIRES
import pathlib, tomllib
print(*tomllib.loads(pathlib.Path("pyproject.toml").read_text())["build-system"]["requires"], sep="\n")
endef
export BUILD_REQUIRES

lock: $(STAMPS)/dev  ## resolve pyproject.toml anew into requirements/*.txt
	$(COMPILE) --overrides requirements/overrides.txt --extra server --extra dev -o requirements/dev.txt pyproject.toml
	$(COMPILE) --extra server -c requirements/dev.txt -o requirements/server.txt pyproject.toml
	$(COMPILE) --extra fuzz -c requirements/dev.txt -o requirements/fuzz.txt pyproject.toml
	$(COMPILE) --extra docs -c requirements/dev.txt -o requirements/docs.txt pyproject.toml
	$(COMPILE) --extra browser -c requirements/dev.txt -o requirements/browser.txt pyproject.toml
	$(COMPILE) --extra ray -c requirements/dev.txt -o requirements/ray.txt pyproject.toml
	$(BIN)/python -c "$$BUILD_REQUIRES" | $(COMPILE) -c requirements/dev.txt -o requirements/build.txt -

clean:  ## remove what make and the tools have made
	rm -rf .venv dist docs/reference .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find webhook ray_config tests bench docs -name __pycache__ -prune -exec rm -rf {} +

define CHECK_PYTHON
import sys
if sys.version_info < (3, 11):
    sys.exit("$(PYTHON) is Python %d.%d; ray-webhook needs 3.11 or newer: make PYTHON=/path/to/python3.11" % sys.version_info[:2])
endef
export CHECK_PYTHON

$(STAMPS)/venv:
	@$(PYTHON) -c "$$CHECK_PYTHON"
	@echo 'Setting up .venv (once)'
	@$(PYTHON) -m venv --clear .venv
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/server: requirements/server.txt requirements/build.txt $(STAMPS)/venv
	@$(PIP) install --require-hashes -r requirements/server.txt -r requirements/build.txt
	@touch $@

# All of them are in the file but what requirements/overrides.txt leaves out, hence no dependencies of theirs.
$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/venv
	@$(PIP) install --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

$(STAMPS)/fuzz: requirements/fuzz.txt $(STAMPS)/dev
	@$(PIP) install --require-hashes -r requirements/fuzz.txt
	@touch $@

# Beside the others: no part of them may need Ray, and tests that must do without it hide it.
$(STAMPS)/ray: requirements/ray.txt $(STAMPS)/venv
	@$(PIP) install --require-hashes -r requirements/ray.txt
	@touch $@

# Beside the others too, for make docs, and make e2e, which looks at the site.
$(STAMPS)/docs: requirements/docs.txt $(STAMPS)/venv
	@$(PIP) install --require-hashes -r requirements/docs.txt
	@touch $@

# Beside the others too; the browser itself comes from the system, or from Debian's package (tests/browser/chromium.py).
$(STAMPS)/browser: requirements/browser.txt $(STAMPS)/venv
	@$(PIP) install --require-hashes -r requirements/browser.txt
	@touch $@

# A checksum of the sources, rewritten only when it changes: a deleted file counts, a touched one does not.
$(STAMPS)/sources: $(STAMPS)/venv FORCE
	@cksum $(SOURCES) > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# Built with the pinned backend (both requirement sets have it), thus without network.
$(STAMPS)/wheel: $(STAMPS)/sources | $(STAMPS)/venv
	@rm -rf .venv/wheel
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir .venv/wheel .
	@$(PIP) install --no-deps --no-index --force-reinstall .venv/wheel/*.whl
	@touch $@
