# `make help` lists what there is. Everything runs from a bare checkout with Python >= 3.11 and make.

PY := .venv/bin/python
ARGS ?=
FLOORS := $(wildcard tests/test_floors.py tests/*/test_floors.py)

.DEFAULT_GOAL := help
.PHONY: help run test check chaos bench screenshots lock run-environment dev-environment

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | awk -F'|' '{printf "make %-12s %s\n", $$1, $$2}'

run: run-environment ## Start everything on this machine: http://127.0.0.1:8000 (PORT=..., see .env.example)
	@exec $(PY) -m portal.run --with-make

test: dev-environment ## Run the whole suite, browser tests included (ARGS="-k words")
	@CHROMIUM=$$(sh tests/run/chromium.sh); export CHROMIUM; \
	$(PY) -m pytest -n auto --dist loadgroup $(ARGS); code=$$?; \
	[ -n "$$CHROMIUM" ] || echo "No Chromium here, and none could be installed by apt-get or playwright:" \
	    "the browser tests were SKIPPED. Install Chromium, or name one: CHROMIUM=/path make test"; \
	exit $$code

check: dev-environment ## Formatting, lint, types, migrations, settings, floors
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy .
	SECRET_KEY=$${SECRET_KEY:-check-only} $(PY) manage.py makemigrations --check --dry-run
	SECRET_KEY=$${SECRET_KEY:-check-only} $(PY) manage.py check --fail-level WARNING
	$(if $(FLOORS),$(PY) -m pytest -q $(FLOORS))

chaos: dev-environment ## Order while everything is killed and cut, then count (ARGS=..., see docs/chaos.md)
	$(PY) -m tests.chaos $(ARGS)

bench: dev-environment ## Measure (ARGS=..., see docs/bench.md)
	$(PY) -m bench $(ARGS)

screenshots: dev-environment ## Take the pictures of the documentation in real Chromium
	CHROMIUM=$$(sh tests/run/chromium.sh) $(PY) -m tests.browser.screenshots $(ARGS)

lock: ## Pin the dependencies of pyproject.toml anew by hash (needs uv)
	@command -v uv >/dev/null || { echo "portal: make lock needs uv." >&2; exit 1; }
	@for kind in run dev; do \
	    group=; [ $$kind = run ] || group="--group dev"; \
	    { echo "# Made by \`make lock\` from pyproject.toml. Every file is pinned by its hash."; \
	      uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	          --no-emit-index-url $$group pyproject.toml; } >requirements/$$kind.new && \
	    mv requirements/$$kind.new requirements/$$kind.txt || exit 1; \
	done
	@{ sed -n 1,2p requirements/mail.txt; \
	  awk '/^django-anymail==/{mine=1;print;next} mine&&/^ /{print;next} {mine=0}' requirements/dev.txt; } >requirements/mail.new && \
	    mv requirements/mail.new requirements/mail.txt

run-environment:
	@sh portal/run/venv.sh run

dev-environment:
	@sh portal/run/venv.sh dev
