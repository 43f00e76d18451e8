"""Imported by every Airflow process at its start.

Each task runs in a fork of its worker and imports its dag file again; what is imported here is inherited by the fork
instead. With the AWS SDK and our operators that is a third of a second per task, and with AWS's models a fifth of a
second more for each service that the task calls. The dag processor parses in forks, too: what it builds here they need
not build again. Nothing here may stop a process.
"""

import contextlib
import gc
import importlib
import logging
import sys
from pathlib import Path

HEAVY = (
    "boto3",
    "pydantic",
    "yaml",
    "airflow.providers.amazon.aws.hooks.base_aws",
    "airflow.providers.standard.operators.empty",
    "airdock.factory.before_forks",
)

for module in HEAVY:
    # Whatever an import raises: what is broken shows where it is needed, in the dag's or the task's own words.
    with contextlib.suppress(Exception):
        importlib.import_module(module)
        logging.getLogger(__name__).debug("%s is imported", module)

with contextlib.suppress(Exception):
    importlib.import_module("airdock.aws.hooks").read_models()

with contextlib.suppress(Exception):
    folder = Path(importlib.import_module("airflow.configuration").conf.get("core", "dags_folder")) / "pipelines"
    before_forks = importlib.import_module("airdock.factory.before_forks")
    (before_forks.prepare_parses if "dag-processor" in sys.argv else before_forks.prepare_tasks)(folder)

# Forks inherit all of that and never let it go: out of the collector's sight it is not searched again and again, and a
# fork copies fewer pages.
gc.collect()
gc.freeze()
