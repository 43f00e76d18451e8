"""Lambda, for deployment hooks: a Python zip, each invocation in a process of its own."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import uuid
import zipfile
from pathlib import Path
from typing import Any, cast

from botocore.exceptions import ClientError
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from local_aws.lambdas.invocation import invoke
from local_aws.service import Service
from local_aws.world import World, world

Document = dict[str, Any]
_FUNCTION = "lambda.function"
_EVENT = "lambda.event"
_SHOWN = (
    "FunctionName", "FunctionArn", "Runtime", "Role", "Handler", "CodeSize", "CodeSha256", "Description", "Timeout",
    "MemorySize", "LastModified", "Version", "State", "LastUpdateStatus", "PackageType", "Environment",
)  # fmt: skip


class LambdaError(ServiceException):
    """An error of Lambda's: `LambdaError(code, message)`."""


class Answer(ActionResult):
    """An answer whose HTTP status is one of its members, as Invoke's is."""

    def execute_result(self, context: Any) -> Any:
        """The reply, with that status."""
        _, headers, body = super().execute_result(context)
        return dict(cast(Document, self.result))["StatusCode"], headers, body


class LambdaResponse(BaseResponse):
    """The actions that hooks need."""

    def __init__(self) -> None:
        super().__init__(service_name="lambda")
        self.automated_parameter_parsing = True

    def create_function(self) -> ActionResult:
        """CreateFunction, from a zip of Python files."""
        given = dict(self.params)
        name = given["FunctionName"]
        if world().store.get(_FUNCTION, self._key(name)):
            raise LambdaError("ResourceConflictException", f"Function already exist: {name}")
        if not str(given.get("Runtime", "")).startswith("python") or not given.get("Handler"):
            raise LambdaError("InvalidParameterValueException", "The local AWS runs Python zips only: Runtime, Handler")
        return self._keep({**_settings(given), **self._code(name, given.get("Code") or {})})

    def update_function_code(self) -> ActionResult:
        """UpdateFunctionCode."""
        found, given = self._function(), dict(self.params)
        return self._keep({**found, **self._code(found["FunctionName"], given)})

    def update_function_configuration(self) -> ActionResult:
        """UpdateFunctionConfiguration."""
        return self._keep({**self._function(), **_settings({**self._function(), **dict(self.params)})})

    def get_function(self) -> ActionResult:
        """GetFunction."""
        return ActionResult({"Configuration": _shown(self._function()), "Code": {"RepositoryType": "S3"}})

    def get_function_configuration(self) -> ActionResult:
        """GetFunctionConfiguration."""
        return ActionResult(_shown(self._function()))

    def list_functions(self) -> ActionResult:
        """ListFunctions."""
        found = [document for document in world().store.all(_FUNCTION) if document["region"] == self.region]
        return ActionResult({"Functions": [_shown(document) for document in found]})

    def delete_function(self) -> ActionResult:
        """DeleteFunction."""
        found = self._function()
        world().store.delete(_FUNCTION, self._key(found["FunctionName"]))
        shutil.rmtree(found["directory"], ignore_errors=True)
        return Answer({"StatusCode": 204})

    def invoke(self) -> ActionResult:
        """Invoke: waits for the answer, or returns at once for an invocation of the type Event."""
        function, given = self._function(), dict(self.params)
        event, request_id = json.loads(given.get("Payload") or b"{}"), str(uuid.uuid4())
        match given.get("InvocationType", "RequestResponse"):
            case "DryRun":
                return Answer({"StatusCode": 204})
            case "Event":
                world().store.put(_EVENT, request_id, {"id": request_id, "function": function, "event": event})
                world().threads.spawn(f"lambda {request_id}", _work_off, world(), request_id)
                return Answer({"StatusCode": 202})
        outcome = invoke(world(), function, event, request_id)
        error = {"FunctionError": "Unhandled"} if outcome.failed else {}
        payload = json.dumps(outcome.payload).encode()
        return Answer({"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": payload, **error})

    def _function(self) -> Document:
        """The function of the request, named by name or ARN."""
        given = str(self.params["FunctionName"])
        name = given.split(":function:")[-1].split(":")[0]
        found = world().store.get(_FUNCTION, self._key(name))
        if found is None:
            arn = f"arn:aws:lambda:{self.region}:{self.current_account}:function:{name}"
            raise LambdaError("ResourceNotFoundException", f"Function not found: {arn}")
        return found

    def _code(self, name: str, code: Document) -> Document:
        """Unpack a zip to a directory of its own, so that a run in flight keeps the files it has."""
        content = code.get("ZipFile") or self._from_s3(code)
        digest = hashlib.sha256(content).digest()
        directory = world().settings.state_dir / "functions" / f"{name}-{digest.hex()[:12]}"
        try:
            _unpack(content, directory)
        except (zipfile.BadZipFile, ValueError) as error:
            text = f"Could not unzip uploaded file: {error}"
            raise LambdaError("InvalidParameterValueException", text) from error
        sha256 = base64.b64encode(digest).decode()
        return {"directory": str(directory), "CodeSize": len(content), "CodeSha256": sha256}

    def _from_s3(self, code: Document) -> bytes:
        s3 = world().client("s3", "lambda", self.region)
        try:
            found = s3.get_object(Bucket=code.get("S3Bucket", ""), Key=code.get("S3Key", ""))
        except ClientError as error:
            text = f"Error occurred while GetObject: {error}"
            raise LambdaError("InvalidParameterValueException", text) from error
        return bytes(found["Body"].read())

    def _keep(self, function: Document) -> ActionResult:
        name = function["FunctionName"]
        kept = {
            **function,
            "FunctionArn": f"arn:aws:lambda:{self.region}:{self.current_account}:function:{name}",
            "LastModified": world().clock.now().isoformat(),
            "region": self.region,
        }
        world().store.put(_FUNCTION, self._key(name), kept)
        return ActionResult(_shown(kept))

    def _key(self, name: str) -> str:
        return f"{self.region}/{name}"


def start(running: World) -> None:
    """Work off the events that were accepted before the process died."""
    for waiting in running.store.all(_EVENT):
        running.threads.spawn(f"lambda {waiting['id']}", _work_off, running, waiting["id"])


def _work_off(running: World, request_id: str) -> None:
    waiting = running.store.get(_EVENT, request_id) or {}
    invoke(running, waiting["function"], waiting["event"], request_id)
    running.store.delete(_EVENT, request_id)


def _settings(given: Document) -> Document:
    variables = (given.get("Environment") or {}).get("Variables") or {}
    return {
        "FunctionName": given["FunctionName"],
        "Runtime": given["Runtime"],
        "Role": given.get("Role", ""),
        "Handler": given["Handler"],
        "Description": given.get("Description", ""),
        "Timeout": given.get("Timeout", 3),
        "MemorySize": given.get("MemorySize", 128),
        "Environment": {"Variables": variables},
        "variables": variables,
        "Version": "$LATEST",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
    }


def _shown(function: Document) -> Document:
    return {key: function[key] for key in _SHOWN}


def _unpack(content: bytes, directory: Path) -> None:
    """Unpack a zip; one that is there already is the same, for its name has the digest.

    Raises zipfile.BadZipFile, and ValueError for a member outside of the directory.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if not (directory / name).resolve().is_relative_to(directory.resolve()):
                raise ValueError(f"{name} leads out of the archive")
        directory.mkdir(parents=True, exist_ok=True)
        archive.extractall(directory)


SERVICE = Service(name="lambda", response=LambdaResponse, start=start)
