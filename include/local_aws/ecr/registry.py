"""The registry API `/v2/` (OCI Distribution Specification 1.1), with the login that GetAuthorizationToken gives."""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterable
from typing import IO, Any

from moto.ecr.models import ecr_backends
from werkzeug.wrappers import Request, Response

from local_aws.ecr import blobs, images
from local_aws.ecr.blobs import DIGEST
from local_aws.ecr.news import pushed
from local_aws.world import world

PREFIX = "/v2/"
PASSWORD = "local-aws"  # noqa: S105 - the port is open to this machine only
_NAME = r"(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
_CHUNK = 1024 * 1024


class Refusal(Exception):
    """An error of the specification: status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def serve_registry(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer one request of a registry client."""
    request = Request(environ)
    try:
        response = _answer(request) if _signed_in(request) else _sign_in()
    except Refusal as refusal:
        response = _refused(refusal.status, refusal.code, str(refusal))
    response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
    return response(environ, start_response)


def _signed_in(request: Request) -> bool:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        user, _, password = b64decode(credentials).decode().partition(":")
    except ValueError:
        return False
    return user == "AWS" and hmac.compare_digest(password.encode(), PASSWORD.encode())


def _sign_in() -> Response:
    response = _refused(401, "UNAUTHORIZED", "no basic auth credentials")
    response.headers["WWW-Authenticate"] = 'Basic realm="local AWS"'
    return response


def _answer(request: Request) -> Response:
    if request.path == PREFIX:
        return Response("{}", content_type="application/json")
    for pattern, act in _ROUTES:
        found = re.fullmatch(pattern, request.path)
        if found:
            _known(found["name"])
            return act(request, **found.groupdict())
    raise Refusal(404, "NAME_UNKNOWN", f"no such path: {request.path}")


def _known(name: str) -> Any:
    """moto's repository of that name, in whatever region it is."""
    for backend in ecr_backends[world().settings.account].values():
        if name in backend.repositories:
            return backend.repositories[name]
    raise Refusal(404, "NAME_UNKNOWN", f"The repository with name '{name}' does not exist in the registry")


def _blob(request: Request, name: str, digest: str) -> Response:  # noqa: ARG001 - blobs are shared by repositories
    file = blobs.path(digest)
    if not file.exists():
        raise Refusal(404, "BLOB_UNKNOWN", f"no blob {digest}")
    headers = {"Docker-Content-Digest": digest, "Content-Length": str(file.stat().st_size)}
    if request.method == "HEAD":
        return Response(headers=headers, content_type="application/octet-stream")
    content: IO[bytes] = file.open("rb")
    stream = iter(lambda: content.read(_CHUNK), b"")
    response = Response(stream, headers=headers, content_type="application/octet-stream", direct_passthrough=True)
    response.call_on_close(content.close)
    return response


def _begin(request: Request, name: str) -> Response:
    upload, digest = blobs.begin(), request.args.get("digest")
    return _finish(request, name, upload) if digest else _uploading(name, upload, 202)


def _upload(request: Request, name: str, upload: str) -> Response:
    if blobs.received(upload) is None:
        raise Refusal(404, "BLOB_UPLOAD_UNKNOWN", "no such upload")
    if request.method == "PUT":
        return _finish(request, name, upload)
    if request.method == "PATCH":
        _take(request, upload)
        return _uploading(name, upload, 202)
    return _uploading(name, upload, 204)


def _finish(request: Request, name: str, upload: str) -> Response:
    digest = request.args.get("digest", "")
    if not re.fullmatch(DIGEST, digest):
        raise Refusal(400, "DIGEST_INVALID", "only sha256 digests are taken")
    _take(request, upload)
    try:
        blobs.finish(upload, digest)
    except blobs.DigestMismatchError as error:
        raise Refusal(400, "DIGEST_INVALID", str(error)) from None
    headers = {"Location": f"{PREFIX}{name}/blobs/{digest}", "Docker-Content-Digest": digest}
    return Response(status=201, headers=headers)


def _take(request: Request, upload: str) -> None:
    for chunk in iter(lambda: request.stream.read(_CHUNK), b""):
        blobs.append(upload, chunk)


def _uploading(name: str, upload: str, status: int) -> Response:
    last = max((blobs.received(upload) or 0) - 1, 0)
    headers = {"Location": f"{PREFIX}{name}/blobs/uploads/{upload}", "Range": f"0-{last}", "Docker-Upload-UUID": upload}
    return Response(status=status, headers=headers)


def _manifest(request: Request, name: str, reference: str) -> Response:
    if request.method == "PUT":
        return _push(request, name, reference)
    by_digest = re.fullmatch(DIGEST, reference)
    document = images.find(name, reference) if by_digest else images.tagged(name, reference)
    if document is None:
        raise Refusal(404, "MANIFEST_UNKNOWN", f"Requested image not found: {name}, {reference}")
    body = images.manifest(document)
    headers = {"Docker-Content-Digest": document["digest"], "Content-Length": str(len(body))}
    content = b"" if request.method == "HEAD" else body
    return Response(content, headers=headers, content_type=document["media_type"])


def _push(request: Request, name: str, reference: str) -> Response:
    tag = None if re.fullmatch(DIGEST, reference) else reference
    try:
        document = images.push(
            name, request.get_data(), request.content_type or "", tag, _known(name).is_tag_immutable()
        )
    except images.TagTakenError:
        message = f"The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten"
        raise Refusal(400, "TAG_INVALID", message + " because the repository is immutable.") from None
    except images.MissingPartError as error:
        raise Refusal(400, "MANIFEST_BLOB_UNKNOWN", f"{error} was not pushed to '{name}'") from None
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(400, "MANIFEST_INVALID", str(error)) from None
    pushed(document, tag, _known(name).image_scanning_configuration.get("scanOnPush", False))
    digest = document["digest"]
    headers = {"Location": f"{PREFIX}{name}/manifests/{digest}", "Docker-Content-Digest": digest}
    return Response(status=201, headers=headers)


def _tags(_: Request, name: str) -> Response:
    tags = sorted(tag for each in images.of_repository(name) for tag in each["tags"])
    return Response(json.dumps({"name": name, "tags": tags}), content_type="application/json")


def _refused(status: int, code: str, message: str) -> Response:
    body = json.dumps({"errors": [{"code": code, "message": message}]})
    return Response(body, status=status, content_type="application/json")


_ROUTES: tuple[tuple[str, Callable[..., Response]], ...] = (
    (rf"/v2/{_NAME}/blobs/uploads/?", _begin),
    (rf"/v2/{_NAME}/blobs/uploads/(?P<upload>[0-9a-f]{{32}})", _upload),
    (rf"/v2/{_NAME}/blobs/(?P<digest>{DIGEST})", _blob),
    (rf"/v2/{_NAME}/tags/list", _tags),
    (rf"/v2/{_NAME}/manifests/(?P<reference>{DIGEST}|[\w][\w.-]{{0,127}})", _manifest),
)
