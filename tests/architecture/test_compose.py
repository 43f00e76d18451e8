"""Docker Compose runs what `make demo` runs: the same settings, the same modules, kept alive, no secret in the open."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.settings import PYTHON_PATH, SHARED_SETTINGS, shared_settings
from local_aws.__main__ import settings_from

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
AIRFLOW = ("migrate", "api-server", "scheduler", "dag-processor", "triggerer", "worker")
HOME = "/opt/airflow"
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_every_part_of_airflow_is_there() -> None:
    commands = {str(service.get("command")).partition("airflow ")[2].strip('"') for service in SERVICES.values()}
    parts = {"db migrate", "api-server", "scheduler", "dag-processor", "triggerer", "celery worker"}
    assert parts <= commands
    assert set(SERVICES) == {*AIRFLOW, "postgres", "redis", "local-aws"}


@pytest.mark.parametrize("name", AIRFLOW)
def test_airflow_has_the_settings_and_modules_of_the_demonstration(name: str) -> None:
    service = SERVICES[name]
    assert ROOT / service["env_file"] == SHARED_SETTINGS
    assert service["environment"]["PYTHONPATH"] == PYTHON_PATH.replace(str(ROOT), HOME)
    assert not set(service["environment"]) & set(shared_settings())


@pytest.mark.parametrize("name", SERVICES)
def test_what_ends_or_hangs_is_started_again(name: str) -> None:
    service = SERVICES[name]
    once = name == "migrate"
    assert service["restart"] == ("no" if once else "always")
    assert once or service["healthcheck"]["test"]


@pytest.mark.parametrize("name", AIRFLOW)
def test_secrets_are_files(name: str) -> None:
    service = SERVICES[name]
    assert set(service["secrets"]) == set(COMPOSE["secrets"])
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
    told = "".join(str(each) for each in (service["environment"], service["command"]))
    assert set(re.findall(r"/run/secrets/(\w+)", told)) >= set(COMPOSE["secrets"]) - {"admin_passwords"}
    kept = {
        key for key in service["environment"] if re.search("SECRET|PASSWORD|FERNET|SQL_ALCHEMY|RESULT_BACKEND", key)
    }
    of_aws = {"AWS_SECRET_ACCESS_KEY", "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"}
    assert {key for key in kept if not key.endswith("_CMD")} == of_aws
    assert service["environment"]["AWS_SECRET_ACCESS_KEY"] == "${AWS_SECRET_ACCESS_KEY:-}"


def test_the_secrets_are_those_that_make_up_writes(tmp_path: Path) -> None:
    program = str(ROOT / "include" / "airflow_config" / "write_secrets.py")
    subprocess.run(["python3", program, str(tmp_path / "secrets")], check=True)
    written = {f"secrets/{file.name}" for file in (tmp_path / "secrets").iterdir()}
    assert {secret["file"] for secret in COMPOSE["secrets"].values()} == written


def test_the_local_aws_tells_clients_the_name_of_its_service() -> None:
    service = SERVICES["local-aws"]
    _, _, options = service["command"].partition("python -m local_aws ")
    settings = settings_from([*options.split(), "--runtime", "process"])
    assert settings.public_endpoint == "http://local-aws:4566"
    assert settings.bind == "0.0.0.0"
    assert all(port.startswith("127.0.0.1:") for each in SERVICES.values() for port in each.get("ports", ()))


def test_make_up_leads_the_sample_to_its_balancer() -> None:
    """What is verified at 127.0.0.1 by the demonstration is verified at the local AWS between containers."""
    [edit] = re.findall(r"sed 's\|(.+?)\|(.+?)\|'", (ROOT / "Makefile").read_text())
    sample = (ROOT / "dags" / "pipelines" / "greeter.yaml").read_text()
    led = re.sub(*edit, sample)
    assert yaml.safe_load(led)["environments"]["production"]["verify"]["url"] == "http://local-aws:8000/"
    assert "127.0.0.1" not in led
    mounted = [volume for volume in SERVICES["worker"]["volumes"] if ":/opt/airflow/dags/pipelines:" in volume]
    assert mounted == ["${AIRDOCK_PIPELINES:-./dags/pipelines}:/opt/airflow/dags/pipelines:ro"]


def test_the_image_has_what_the_services_run() -> None:
    [python_path] = re.findall(r"PYTHONPATH=(\S+)", DOCKERFILE)
    assert python_path == PYTHON_PATH.replace(str(ROOT), HOME)
    assert "--require-hashes -r requirements.txt" in DOCKERFILE
    copied = re.findall(r"^COPY (?:--\S+ )?(\S+) ", DOCKERFILE, re.MULTILINE)
    assert {"requirements.txt", "include", "plugins", "dags"} == set(copied)
    assert all((ROOT / name).exists() for name in copied)
    assert DOCKERFILE.index("\nUSER airflow") < DOCKERFILE.index("\nENTRYPOINT")
    assert {tool for tool in ("git", "curl", "dumb-init") if tool in DOCKERFILE} == {"git", "curl", "dumb-init"}


def composers() -> list[list[str]]:
    """Docker Compose as this machine has it: the plugin, the older program, both or none."""
    docker, program = shutil.which("docker"), shutil.which("docker-compose")
    plugin = docker and not subprocess.run([docker, "compose", "version"], capture_output=True).returncode
    return [*([[docker, "compose"]] if docker and plugin else ()), *([[program]] if program else ())]


def test_compose_itself_takes_the_file_where_it_is_installed() -> None:
    for composer in composers():
        checked = subprocess.run(
            [*composer, "--profile", "local-aws", "config", "--quiet"], cwd=ROOT, capture_output=True, text=True
        )
        assert not checked.returncode, checked.stderr
