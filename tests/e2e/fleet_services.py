"""The running services of the fleet. They share a program, and their environment tells which application each is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from airdock.plan.release_record import ReleaseRecord, fitting, from_text
from demo.clients import LocalAws
from demo.rest import OPENER
from tests.build_project import Project
from tests.e2e.fleet import FAILING, FLEET, NEEDS
from tests.e2e.native import network
from tests.unit.test_release_record import MOMENT, a_record

PORT = 8080
PROGRAM = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

ANSWER = f"{os.environ['APPLICATION']} 1".encode()


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)


server = HTTPServer((os.environ.get("HOST", "0.0.0.0"), 8080), Page)
Path("ready").touch()
server.serve_forever()
"""
NEW_PROGRAM = PROGRAM.replace("""['APPLICATION']} 1\"""", """['APPLICATION']} 2 in {os.environ['CURRENCY']}\"""")
DOCKERFILE = """\
FROM public.ecr.aws/docker/library/python:3.12-slim
WORKDIR /app
COPY app.py ./
CMD ["python3", "app.py"]
"""
BUILDSPEC = """\
version: 0.2
env:
  exported-variables: [IMAGE_DIGEST]
phases:
  build:
    on-failure: ABORT
    commands:
      - aws ecr get-login-password | docker login --username AWS --password-stdin "${REPOSITORY_URI%%/*}"
      - docker build --tag "$REPOSITORY_URI:$CODEBUILD_RESOLVED_SOURCE_VERSION" .
      - docker push "$REPOSITORY_URI:$CODEBUILD_RESOLVED_SOURCE_VERSION" > push.log 2>&1 || { cat push.log; exit 1; }
      - export IMAGE_DIGEST=$(grep -o 'sha256:[0-9a-f]*' push.log | tail -n 1)
"""
Running = dict[str, list[tuple[str, str]]]
"""By application, of each running task: the digest of its image, and what the program answers."""


class Fleet:
    """A service of each application with the first version of the program, and the records that it came live."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        self._ecs, self._ssm = aws.client("ecs"), aws.client("ssm")
        self._project = Project(aws, folder, BUILDSPEC, name=FLEET, **{"app.py": PROGRAM, "Dockerfile": DOCKERFILE})
        scanned = {"scanOnPush": True}
        aws.client("ecr").put_image_scanning_configuration(repositoryName=FLEET, imageScanningConfiguration=scanned)
        self._ecs.create_cluster(clusterName=FLEET)
        image, vpc = self._built(), network(aws)
        for number, name in enumerate(NEEDS, 1):
            definition = self._registered(name, image)
            self._serve(name, definition, vpc)
            self._record(number, name, image, definition)

    def push_new_program(self) -> str:
        """The new commit's id."""
        return self._project.push(**{"app.py": NEW_PROGRAM})

    def settled(self) -> bool:
        """Whether every service is at the end of its deployments."""
        return all(self._rollouts(name) == ["COMPLETED"] for name in NEEDS)

    def running(self, names: Iterable[str] = NEEDS) -> Running:
        """What runs at this moment, as ECS tells it and the tasks answer."""
        found: Running = {name: [] for name in names}
        arns = self._ecs.list_tasks(cluster=FLEET)["taskArns"]
        for task in self._ecs.describe_tasks(cluster=FLEET, tasks=arns)["tasks"]:
            name = task["group"].removeprefix("service:")
            if name in found and task["lastStatus"] == "RUNNING":
                found[name].append(_told(task))
        return found

    def releases(self) -> dict[str, tuple[str, str]]:
        """Commit and digest of what is recorded as live."""
        return {name: self._live(name).release for name in NEEDS}

    def close(self) -> None:
        """Take the services away."""
        for name in NEEDS:
            self._ecs.delete_service(cluster=FLEET, service=name, force=True)

    def _live(self, name: str) -> ReleaseRecord:
        record = from_text(self._ssm.get_parameter(Name=f"{_path(name)}/live")["Parameter"]["Value"])
        assert record is not None
        return record

    def _rollouts(self, name: str) -> list[str]:
        (service,) = self._ecs.describe_services(cluster=FLEET, services=[name])["services"]
        return [each["rolloutState"] for each in service["deployments"]]

    def _built(self) -> str:
        ended = self._project.ended(self._project.start())
        assert ended["buildStatus"] == "SUCCEEDED", self._project.log(ended)
        (digest,) = (each["value"] for each in ended["exportedEnvironmentVariables"])
        return f"{self._project.repository}@{digest}"

    def _registered(self, name: str, image: str) -> str:
        settings = {"APPLICATION": name} | ({} if name == FAILING else {"CURRENCY": "EUR"})
        container = {
            "name": "web",
            "image": image,
            "essential": True,
            "portMappings": [{"containerPort": PORT}],
            "environment": [{"name": key, "value": value} for key, value in settings.items()],
            "healthCheck": {"command": ["CMD", "test", "-e", "ready"], "interval": 60},
        }
        made = self._ecs.register_task_definition(
            family=name,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[container],
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def _serve(self, name: str, definition: str, vpc: dict[str, Any]) -> None:
        self._ecs.create_service(
            cluster=FLEET,
            serviceName=name,
            taskDefinition=definition,
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": vpc},
        )

    def _record(self, number: int, name: str, image: str, definition: str) -> None:
        brought = {"commit": self._project.commit, "image": image, "task_definition": definition}
        began = {"dag_id": f"deliver_{name}", "started_at": MOMENT.isoformat()}
        record = a_record(number, application=name, **brought, **began)
        for parameter in (f"releases/{record.key}", "live"):
            self._ssm.put_parameter(Name=f"{_path(name)}/{parameter}", Value=fitting(record), Type="String")


def _path(name: str) -> str:
    return f"/airdock/{name}/production"


def _told(task: dict[str, Any]) -> tuple[str, str]:
    (container,) = task["containers"]
    (interface,) = container["networkInterfaces"]
    with OPENER.open(f"http://{interface['privateIpv4Address']}:{PORT}/", timeout=10) as answer:
        return str(container["imageDigest"]), answer.read().decode()
