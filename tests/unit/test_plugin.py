"""The plugin file as Airflow's components read it."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

PLUGIN = Path(__file__).parents[2] / "plugins" / "airdock_plugin.py"
READ = """
import runpy, sys
AirdockPlugin = runpy.run_path(sys.argv[1])["AirdockPlugin"]
plugin = AirdockPlugin()
print(plugin.name, [each.name for each in plugin.operator_extra_links])
print(sorted(name for name in sys.modules if name == "boto3" or name.startswith("airdock.web")))
"""


def test_a_task_that_reads_the_plugin_pays_for_no_web_application() -> None:
    told = subprocess.run([sys.executable, "-c", READ, str(PLUGIN)], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-2:] == ["airdock ['AWS console']", "[]"]


def test_the_api_server_mounts_the_hooks_before_the_board_below_which_they_lie() -> None:
    plugin = runpy.run_path(str(PLUGIN))["AirdockPlugin"]()
    prefixes = [each["url_prefix"] for each in plugin.fastapi_apps]
    assert prefixes == ["/airdock/hooks", "/airdock"]
    assert plugin.fastapi_apps[0]["app"] is plugin.fastapi_apps[0]["app"], "made once"
