# Longhaul's verbs. `make` alone lists them. Needs Python 3.11+ and make, nothing else.

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
MANAGE := $(BIN)/python manage.py

.DEFAULT_GOAL := help
.PHONY: help setup run web worker demo test test-sqlite check lint format types layers migrations deploy-check \
	lock lock-check migrate staff openapi static bench-campaign bench-import bench-tenders bench-enrichment bench-growth bench-webhooks bench-engine bench-funnel \
	chaos-campaign

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | \
		awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

# --- the virtual environment: each stamp is made once, and again when its list changes ---------------

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found. Name one: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; $(PYTHON) is " + sys.version.split()[0])'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module. On Debian or Ubuntu: sudo apt install python3-venv"; exit 1; }
	@echo "Making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.product: requirements.txt $(VENV)/.made
	@echo "Installing requirements.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.made
	@echo "Installing requirements-dev.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# --- use it -------------------------------------------------------------------------------------------

setup: $(VENV)/.product ## Install the product and prepare the database
	@$(MANAGE) migrate --verbosity 0

run: setup ## Run web and worker together; Ctrl-C stops both
	@$(MAKE) --no-print-directory -j2 web worker

web: $(VENV)/.product ## Run the web server alone
	@$(BIN)/gunicorn --config deploy/gunicorn.conf.py config.wsgi:application

worker: $(VENV)/.product ## Run one worker alone
	@$(MANAGE) worker

demo: $(VENV)/.product ## See a campaign of 2,000 go out, and survive a killed worker
	@$(BIN)/python -m config.demo

migrate: setup ## Bring the database up to date

staff: setup ## Create or change a staff log-in: make staff NAME=alice ROLE=owner
	@$(MANAGE) create_staff "$(NAME)" --role "$(or $(ROLE),owner)"

static: $(VENV)/.product ## Collect static files for production
	@$(MANAGE) collectstatic --noinput --verbosity 0

# --- change it ----------------------------------------------------------------------------------------

test: $(VENV)/.dev ## Run the whole suite: on SQLite, and on PostgreSQL where one is reachable
	@$(BIN)/python -m tools.run_tests $(ARGS)

test-sqlite: $(VENV)/.dev ## Run the suite on SQLite alone: make test-sqlite ARGS='tests/core -k keys'
	@$(BIN)/python -m tools.run_tests --only sqlite $(ARGS)

check: lint types layers migrations deploy-check lock-check ## Everything that must hold before a change is shared
	@CHECK=1 $(BIN)/python -m tools.run_tests

lint: $(VENV)/.dev ## Lint, and check the format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/.dev ## Put the code into its format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.dev ## Check the types
	@$(BIN)/mypy .

layers: $(VENV)/.dev ## Check that imports point down
	@$(BIN)/lint-imports

migrations: $(VENV)/.dev ## Check that no migration is missing
	@$(MANAGE) makemigrations --check --dry-run

deploy-check: $(VENV)/.dev ## Run Django's deployment checks under production settings
	@$(BIN)/python -m tools.deploy_check

lock: $(VENV)/.dev ## Compile the requirements with hashes: make lock UPGRADE=--upgrade
	@$(BIN)/uv pip compile $(UPGRADE) --quiet --universal --generate-hashes --python-version 3.11 -o requirements.txt requirements.in
	@$(BIN)/uv pip compile $(UPGRADE) --quiet --universal --generate-hashes --python-version 3.11 -o requirements-dev.txt requirements-dev.in

lock-check: $(VENV)/.dev ## Check that the locks hold what requirements*.in ask for
	@$(BIN)/python -m tools.lock_check

bench-campaign: $(VENV)/.dev ## Measure 36,000 messages beside the floor of this machine
	@$(BIN)/python -m bench.campaign $(ARGS)

bench-import: $(VENV)/.dev ## Measure an import of 120,000 rows beside the floor of this machine
	@$(BIN)/python -m bench.imports $(ARGS)

bench-tenders: $(VENV)/.dev ## Measure a sync of 10,000 releases, and searches among 200,000 tenders
	@$(BIN)/python -m bench.tenders $(ARGS)

bench-enrichment: $(VENV)/.dev ## Measure 1,000 clients asked about, three at a time
	@$(BIN)/python -m bench.enrichment $(ARGS)

bench-growth: $(VENV)/.dev ## Measure 360,000 messages, and pages while a campaign runs
	@$(BIN)/python -m bench.growth

bench-webhooks: $(VENV)/.dev ## Measure 10,000 webhooks in random order while a campaign runs
	@$(BIN)/python -m bench.webhooks

bench-engine: $(VENV)/.dev ## Measure the engine beside DBOS Transact and Absurd
	@$(BIN)/python -m bench.engine $(ARGS)

bench-funnel: $(VENV)/.dev ## Measure an event's whole life with 20,000 people, its clock moved through it
	@$(BIN)/python -m bench.funnel $(ARGS)

chaos-campaign: $(VENV)/.dev ## Send 36,000 messages while everything is killed and cut: none lost, none doubled
	@$(BIN)/python -m bench.chaos $(ARGS)

openapi: $(VENV)/.dev ## Write docs/openapi.yaml anew
	@$(MANAGE) spectacular --validate --fail-on-warn --file docs/openapi.yaml
