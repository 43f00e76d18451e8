# Every target sets up what it needs. Python 3.11 to 3.13, git and make are all that must be there.
#   make demo     three deliveries on this machine       make up      Airflow on Docker Compose, with the local AWS
#   make test     all tests                              make down    stop that again
#   make lint     style, types, import rules, pages      make bench   the measurements
#   make docs     renew the generated pages              make fuzz    signed nonsense to the webhooks, SECONDS=600
#   make pictures renew the pictures of the board
#   make sample   the sample application's repository and infrastructure in the local AWS of make up
#   make clean    remove what was made here

SHELL := /bin/bash
VENV := .venv
READY := $(VENV)/.ready
# Compiled files halve the start of every Airflow process: a machine that forbids them is overruled here.
RUN := env -u PYTHONDONTWRITEBYTECODE PYTHONPATH=include $(VENV)/bin/python
# Each writes bench/results/<its name>.json; the page is made of them.
MEASURED := $(filter-out bench/figure.py bench/page.py,$(wildcard bench/*.py))
PYTHON ?=
SECONDS ?= 600
COMPOSE := docker compose --profile local-aws
SECRETS := secrets/.written

# The first Python on the path that fits; deferred, so that no target pays for it but those that set up.
FIND_PYTHON = for found in $(PYTHON) python3.12 python3.11 python3.13 python3; do \
  "$$found" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && break; done

.PHONY: demo test lint fuzz up sample down bench docs setup browser lock clean

demo:
	@began=$$(date +%s.%N); $(FIND_PYTHON); "$$found" include/demo/preflight.py || exit 2; \
	$(MAKE) --no-print-directory setup && DEMO_STARTED_AT=$$began exec $(RUN) -m demo

test: setup browser
	$(RUN) -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder --ignore tests/e2e
	$(RUN) -m pytest --numprocesses 2 --no-loadscope-reorder tests/e2e

lint: setup
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy include/airdock include/demo include/local_aws
	$(RUN) -m mypy --strict $(addprefix include/airdock/,errors.py names.py release.py spec plan board)
	env PYTHONPATH=include $(VENV)/bin/lint-imports
	$(RUN) -m pytest tests/architecture

fuzz: setup
	env PYTHONPATH=include:. $(VENV)/bin/python -m tests.hooks.fuzz $(SECONDS)

# Between containers the sample's balancer has a name; 127.0.0.1 would be each container itself.
up: $(SECRETS)
	@mkdir -p .compose && rm -f .compose/* && for file in dags/pipelines/*.yaml; do \
	  sed 's|//127\.0\.0\.1:8000/|//local-aws:8000/|' "$$file" > ".compose/$${file##*/}"; done
	AIRDOCK_PIPELINES=./.compose AWS_ENDPOINT_URL=$${AWS_ENDPOINT_URL-http://local-aws:4566} AWS_ACCESS_KEY_ID=$${AWS_ACCESS_KEY_ID-local} \
	AWS_SECRET_ACCESS_KEY=$${AWS_SECRET_ACCESS_KEY-local} $(COMPOSE) up --build --detach --wait
	@echo "Airflow: http://127.0.0.1:8080, user and password in secrets/admin_passwords.json"

sample:
	$(COMPOSE) exec local-aws python -m demo.seed

down:
	$(COMPOSE) down

bench: setup
	@for measured in $(MEASURED); do echo "== $$measured"; env PYTHONPATH=include:. $(VENV)/bin/python $$measured || exit 1; done
	@env PYTHONPATH=include:. $(VENV)/bin/python bench/page.py | tee docs/performance.md

docs: setup
	$(RUN) -m airdock.spec.schema > docs/pipeline.schema.json
	$(RUN) -m airdock.spec.reference > docs/pipeline.md
	env PYTHONPATH=include:. $(VENV)/bin/python -m tests.outcomes.table > docs/outcomes.md
	$(RUN) bench/page.py > docs/performance.md

pictures: setup browser
	env PYTHONPATH=include:. $(VENV)/bin/python -m tests.pictures

setup: $(READY)
	@:

# The board's tests look at it in Chromium: the machine's own, Debian's, or else Playwright's.
browser: setup
	@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "installing Chromium" >&2 && \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/dev/null || \
	  $(VENV)/bin/playwright install chromium || { echo "Chromium is missing: install it, then make test again"; exit 2; }

$(READY): requirements-dev.txt requirements-uv.txt
	@$(FIND_PYTHON); echo "setting up $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv --clear $(VENV) || { echo "python3-venv is missing: install it (apt-get install python3-venv)"; exit 2; }
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@env -u PYTHONDONTWRITEBYTECODE UV_HTTP_TIMEOUT=120 $(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python \
	  --require-hashes -r requirements-dev.txt
	@touch $@

lock: setup
	$(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.txt
	$(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate pyproject.toml --group dev \
	  -o requirements-dev.txt
	echo uv | $(VENV)/bin/uv pip compile --quiet --generate-hashes --no-header --no-annotate - -o requirements-uv.txt

$(SECRETS): include/airflow_config/write_secrets.py
	@$(FIND_PYTHON); "$$found" include/airflow_config/write_secrets.py secrets
	@touch $@

clean:
	rm -rf $(VENV) .demo .compose .pytest_cache .mypy_cache .ruff_cache
