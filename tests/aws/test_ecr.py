"""ECR: what is pushed can be pulled, is scanned, and keeps its tag."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError

from tests.local_aws_process import LocalAws
from tests.registry import MANIFEST, Registry


@pytest.fixture
def registry(local_aws: LocalAws) -> Registry:
    scanned = {"imageScanningConfiguration": {"scanOnPush": True}, "imageTagMutability": "IMMUTABLE"}
    return Registry(local_aws, **scanned)


def test_what_is_pushed_is_described_and_pulled_by_its_true_digest(registry: Registry) -> None:
    digest = registry.push("one")
    pulled = registry.call("GET", f"/v2/{registry.name}/manifests/{digest}").read()
    assert "sha256:" + hashlib.sha256(pulled).hexdigest() == digest
    layer = json.loads(pulled)["layers"][0]
    content = registry.call("GET", f"/v2/{registry.name}/blobs/{layer['digest']}").read()
    assert "sha256:" + hashlib.sha256(content).hexdigest() == layer["digest"]
    [detail] = registry.ecr.describe_images(repositoryName=registry.name, imageIds=[{"imageTag": "one"}])[
        "imageDetails"
    ]
    assert (detail["imageDigest"], detail["imageTags"]) == (digest, ["one"])
    assert detail["imageSizeInBytes"] > layer["size"]


def test_the_registry_wants_a_login(registry: Registry) -> None:
    assert b64decode(registry.token).startswith(b"AWS:")
    registry.token = "AWS:wrong"
    with pytest.raises(HTTPError, match="401"):
        registry.call("GET", "/v2/")


def test_an_immutable_tag_does_not_move(registry: Registry) -> None:
    digest = registry.push("one")
    with pytest.raises(HTTPError, match="400"):
        registry.push("one")
    [detail] = registry.ecr.describe_images(repositoryName=registry.name)["imageDetails"]
    assert detail["imageDigest"] == digest


def test_a_blob_that_is_not_what_it_says_is_refused(registry: Registry) -> None:
    begun = registry.call("POST", f"/v2/{registry.name}/blobs/uploads/")
    with pytest.raises(HTTPError, match="400"):
        registry.call(
            "PUT", f"{begun.headers['Location']}?digest=sha256:{'0' * 64}", b"other", "application/octet-stream"
        )


def test_a_pushed_image_is_scanned_and_clean_by_default(registry: Registry) -> None:
    found = registry.scan(registry.push("one"))
    assert found["imageScanStatus"]["status"] == "COMPLETE"
    assert found["imageScanFindings"]["findingSeverityCounts"] == {}


def test_labels_seed_basic_findings(registry: Registry) -> None:
    found = registry.scan(registry.push("one", {"local-aws.scan.findings": "CRITICAL:1,HIGH:2"}))
    assert found["imageScanFindings"]["findingSeverityCounts"] == {"CRITICAL": 1, "HIGH": 2}
    assert len(found["imageScanFindings"]["findings"]) == 3


def test_enhanced_findings_have_their_own_shape(registry: Registry) -> None:
    labels = {"local-aws.scan.type": "enhanced", "local-aws.scan.findings": "HIGH:1"}
    found = registry.scan(registry.push("one", labels))
    assert found["imageScanStatus"]["status"] == "ACTIVE"
    assert found["imageScanFindings"]["enhancedFindings"][0]["severity"] == "HIGH"


def test_a_scan_can_be_told_to_fail_by_its_tag(registry: Registry) -> None:
    told = json.dumps({"status": "FAILED", "tag": "bad"}).encode()
    registry.call("PUT", f"/_local/scan/{registry.name}", told, "application/json")
    assert registry.scan(registry.push("bad"))["imageScanStatus"]["status"] == "FAILED"
    assert registry.scan(registry.push("good"))["imageScanStatus"]["status"] == "COMPLETE"


def test_a_scan_goes_on_after_kill_9(registry: Registry) -> None:
    digest = registry.push("one")
    registry.aws.kill9()
    registry.aws.restart()
    assert registry.scan(digest)["imageScanStatus"]["status"] == "COMPLETE"


def test_an_unknown_image_is_named(registry: Registry) -> None:
    with pytest.raises(registry.ecr.exceptions.ImageNotFoundException, match="imageTag:'none'"):
        registry.ecr.describe_images(repositoryName=registry.name, imageIds=[{"imageTag": "none"}])


def test_an_image_without_its_layers_is_refused(registry: Registry) -> None:
    config = registry.blob(b"{}")
    for digest in (f"sha256:{'0' * 64}", "../../etc/passwd"):
        manifest = {"schemaVersion": 2, "config": config, "layers": [{"digest": digest, "size": 1}]}
        with pytest.raises(HTTPError, match="400"):
            registry.call("PUT", f"/v2/{registry.name}/manifests/one", json.dumps(manifest).encode(), MANIFEST)
    assert registry.ecr.describe_images(repositoryName=registry.name)["imageDetails"] == []


def test_an_index_is_not_scanned_itself(registry: Registry) -> None:
    index = {"imageDigest": registry.push_index("all", {"amd64": registry.push("one")})}
    with pytest.raises(registry.ecr.exceptions.ScanNotFoundException):
        registry.ecr.describe_image_scan_findings(repositoryName=registry.name, imageId=index)
    with pytest.raises(registry.ecr.exceptions.UnsupportedImageTypeException):
        registry.ecr.start_image_scan(repositoryName=registry.name, imageId=index)


def test_unreadable_seeds_fail_the_scan_and_not_the_scanner(registry: Registry) -> None:
    bad = registry.push("bad", {"local-aws.scan.findings": "HIGH:many"})
    assert registry.scan(bad)["imageScanStatus"]["status"] == "FAILED"
    assert registry.scan(registry.push("good"))["imageScanStatus"]["status"] == "COMPLETE"


def test_findings_come_in_pages(registry: Registry) -> None:
    digest = registry.push("one", {"local-aws.scan.findings": "LOW:5"})
    registry.scan(digest)
    pages = registry.ecr.get_paginator("describe_image_scan_findings").paginate(
        repositoryName=registry.name, imageId={"imageDigest": digest}, PaginationConfig={"PageSize": 2}
    )
    sizes = [len(page["imageScanFindings"]["findings"]) for page in pages]
    assert sizes == [2, 2, 1]


def test_a_deleted_tag_leaves_the_image_to_its_other_tags(local_aws: LocalAws) -> None:
    registry = Registry(local_aws)
    digest = registry.push("one")
    manifest = registry.call("GET", f"/v2/{registry.name}/manifests/one").read()
    registry.call("PUT", f"/v2/{registry.name}/manifests/two", manifest, MANIFEST)

    def delete(tag: str) -> list[str]:
        answer = registry.ecr.batch_delete_image(repositoryName=registry.name, imageIds=[{"imageTag": tag}])
        return [each["imageDigest"] for each in answer["imageIds"]]

    assert delete("one") == [digest]
    assert registry.ecr.list_images(repositoryName=registry.name)["imageIds"] == [
        {"imageDigest": digest, "imageTag": "two"}
    ]
    assert delete("one") == []
    with pytest.raises(registry.ecr.exceptions.RepositoryNotEmptyException):
        registry.ecr.delete_repository(repositoryName=registry.name)
    assert delete("two") == [digest]
    registry.ecr.delete_repository(repositoryName=registry.name)


def test_images_are_not_put_past_the_registry(registry: Registry) -> None:
    with pytest.raises(ClientError, match="not implemented by the local AWS: ecr:PutImage"):
        registry.ecr.put_image(repositoryName=registry.name, imageManifest="{}", imageTag="one")
