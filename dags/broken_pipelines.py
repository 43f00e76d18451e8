"""Holds no dag: shows in Airflow's import errors what is wrong with the files in pipelines/.

Airflow takes every dag of a file with an import error out of service. Kept here, the error of one pipeline file
stops none of the others.
"""

from pathlib import Path

from airdock.factory.catalogue import refuse_broken

refuse_broken(Path(__file__).parent / "pipelines")
