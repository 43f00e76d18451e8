"""`python -m airdock`."""

from __future__ import annotations

import os
import sys

from airdock.command import main

# The provider's clients are Airflow's, whose log would stand between the lines of the answer.
os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
sys.exit(main())
