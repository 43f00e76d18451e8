"""`python -m airdock`."""

from __future__ import annotations

import sys

from airdock.command import main

sys.exit(main())
