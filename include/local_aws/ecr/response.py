"""ECR's API: moto keeps the repositories and their settings; images and scans are real."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ecr.responses import ECRResponse

from local_aws.ecr import images, news, scan
from local_aws.ecr.registry import PASSWORD
from local_aws.world import world

TOKEN_SECONDS = 12 * 3600
LARGEST_PAGE = 100


class ImageNotFoundException(ServiceException):
    code = "ImageNotFoundException"


class ScanNotFoundException(ServiceException):
    code = "ScanNotFoundException"


class LimitExceededException(ServiceException):
    code = "LimitExceededException"


class RepositoryNotEmptyException(ServiceException):
    code = "RepositoryNotEmptyException"


class UnsupportedImageTypeException(ServiceException):
    code = "UnsupportedImageTypeException"


class RepositoryNotFoundException(ServiceException):
    code = "RepositoryNotFoundException"


class EcrResponse(ECRResponse):
    """ECR with real images."""

    def __init__(self) -> None:
        super().__init__()
        self.automated_parameter_parsing = True

    def create_repository(self) -> ActionResult:
        """Its address is this machine's, so that what is pushed there can be run."""
        result = super().create_repository()
        for repository in self.ecr_backend.repositories.values():
            repository.uri = f"{_registry()}/{repository.name}"
        return result

    def delete_repository(self) -> ActionResult:
        """With its images, when `force` says so."""
        held = images.of_repository(self._repository())
        if held and not self._get_param("force"):
            message = (
                f"The repository with name '{self._repository()}' cannot be deleted because it still contains images"
            )
            raise RepositoryNotEmptyException("RepositoryNotEmptyException", message)
        for each in held:
            images.delete(each)
        return super().delete_repository()

    def get_authorization_token(self) -> ActionResult:
        token = b64encode(f"AWS:{PASSWORD}".encode()).decode()
        expires = world().clock.now().timestamp() + TOKEN_SECONDS
        told = {"authorizationToken": token, "expiresAt": expires, "proxyEndpoint": f"http://{_registry()}"}
        return ActionResult({"authorizationData": [told]})

    def describe_images(self) -> ActionResult:
        asked = self._get_param("imageIds")
        found = [self._image(each) for each in asked] if asked else self._filtered()
        return ActionResult({"imageDetails": [self._detail(each) for each in found]})

    def list_images(self) -> ActionResult:
        ids = [
            {"imageDigest": each["digest"], **({"imageTag": tag} if tag else {})}
            for each in self._filtered()
            for tag in (each["tags"] or [""])
        ]
        return ActionResult({"imageIds": ids})

    def batch_get_image(self) -> ActionResult:
        found, failures = [], []
        for asked in self._get_param("imageIds", []):
            try:
                found.append(self._whole(self._image(asked), asked))
            except ImageNotFoundException as error:
                failures.append({"imageId": asked, "failureCode": "ImageNotFound", "failureReason": error.message})
        return ActionResult({"images": found, "failures": failures})

    def batch_delete_image(self) -> ActionResult:
        deleted, failures = [], []
        for asked in self._get_param("imageIds", []):
            try:
                deleted.append(_deleted(self._image(asked), asked))
            except ImageNotFoundException as error:
                failures.append({"imageId": asked, "failureCode": "ImageNotFound", "failureReason": error.message})
        return ActionResult({"imageIds": deleted, "failures": failures})

    def _by_the_registry(self) -> ActionResult:
        """Images come and go through the registry alone: moto would keep a record of an image that nobody can pull."""
        raise NotImplementedError

    put_image = initiate_layer_upload = upload_layer_part = complete_layer_upload = _by_the_registry
    batch_check_layer_availability = _by_the_registry

    def start_image_scan(self) -> ActionResult:
        image = self._image(self._get_param("imageId"))
        if image["media_type"] in images.INDEXES:
            raise UnsupportedImageTypeException(
                "UnsupportedImageTypeException", "An index is not scanned, its parts are"
            )
        if image["scan"]:
            raise LimitExceededException(
                "LimitExceededException", "The scan quota per image has been exceeded. Wait and try again."
            )
        scan.queue(image)
        return ActionResult({**self._named(image), "imageScanStatus": {"status": "IN_PROGRESS"}})

    def describe_image_scan_findings(self) -> ActionResult:
        image = self._image(self._get_param("imageId"))
        found = image["scan"]
        if not found or found["status"] == "QUEUED":
            message = f"Image scan does not exist for the image with '{image['digest']}'"
            raise ScanNotFoundException("ScanNotFoundException", message)
        status = {"status": found["status"], "description": f"The scan is {found['status'].lower()}."}
        told: dict[str, Any] = {**self._named(image), "imageScanStatus": status}
        if found["status"] in ("COMPLETE", "ACTIVE"):
            told |= self._page(scan.findings(image))
        return ActionResult(told)

    def _page(self, found: dict[str, Any]) -> dict[str, Any]:
        """One page of the findings, and where the next begins."""
        [listed] = (key for key in ("findings", "enhancedFindings") if key in found)
        begin = int(self._get_param("nextToken") or 0)
        end = begin + int(self._get_param("maxResults") or LARGEST_PAGE)
        more = {"nextToken": str(end)} if end < len(found[listed]) else {}
        return {"imageScanFindings": {**found, listed: found[listed][begin:end]}, **more}

    def _filtered(self) -> list[dict[str, Any]]:
        """The images with tags, those without, or all."""
        status = (self._get_param("filter") or {}).get("tagStatus", "ANY")
        held = images.of_repository(self._repository())
        return [each for each in held if status == "ANY" or bool(each["tags"]) == (status == "TAGGED")]

    def _image(self, asked: dict[str, str]) -> dict[str, Any]:
        repository = self._repository()
        digest, tag = asked.get("imageDigest"), asked.get("imageTag")
        image = images.find(repository, digest) if digest else images.tagged(repository, tag or "")
        if image is None or (tag and tag not in image["tags"]):
            named = f"{{imageDigest:'{digest or 'null'}', imageTag:'{tag or 'null'}'}}"
            message = f"The image with imageId {named} does not exist within the repository with name '{repository}'"
            raise ImageNotFoundException("ImageNotFoundException", message)
        return image

    def _repository(self) -> str:
        name = str(self._get_param("repositoryName"))
        if name not in self.ecr_backend.repositories:
            message = (
                f"The repository with name '{name}' does not exist in the registry with id '{self.current_account}'"
            )
            raise RepositoryNotFoundException("RepositoryNotFoundException", message)
        return name

    def _named(self, image: dict[str, Any]) -> dict[str, Any]:
        return {
            "registryId": self.current_account,
            "repositoryName": image["repository"],
            "imageId": {"imageDigest": image["digest"], **({"imageTag": image["tags"][0]} if image["tags"] else {})},
        }

    def _detail(self, image: dict[str, Any]) -> dict[str, Any]:
        detail: dict[str, Any] = {
            "registryId": self.current_account,
            "repositoryName": image["repository"],
            "imageDigest": image["digest"],
            "imageTags": image["tags"],
            "imageSizeInBytes": image["size"],
            "imagePushedAt": image["pushed"],
            "imageManifestMediaType": image["media_type"],
        }
        found = image["scan"]
        if found and found["status"] != "QUEUED":
            detail["imageScanStatus"] = {"status": found["status"]}
            if "findings" in found:
                counts = {"findingSeverityCounts": found["findings"], "imageScanCompletedAt": found["at"]}
                detail["imageScanFindingsSummary"] = counts
        return {key: value for key, value in detail.items() if value != []}

    def _whole(self, image: dict[str, Any], asked: dict[str, str]) -> dict[str, Any]:
        return {
            "registryId": self.current_account,
            "repositoryName": image["repository"],
            "imageId": {
                "imageDigest": image["digest"],
                **({"imageTag": asked["imageTag"]} if "imageTag" in asked else {}),
            },
            "imageManifest": images.manifest(image).decode(),
            "imageManifestMediaType": image["media_type"],
        }


def _deleted(image: dict[str, Any], asked: dict[str, str]) -> dict[str, str]:
    """By its tag an image loses that tag only, unless it is the last one."""
    tag = asked.get("imageTag")
    if tag and "imageDigest" not in asked and len(image["tags"]) > 1:
        images.untag(image, tag)
    else:
        images.delete(image)
    news.deleted(image, tag)
    return {"imageDigest": image["digest"], **({"imageTag": tag} if tag else {})}


def _registry() -> str:
    return world().settings.endpoint.removeprefix("http://")
