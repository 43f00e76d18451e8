"""imageDetail.json among a build's artifacts, as CodeBuild leaves it in S3."""

import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airdock.aws.builds import image_detail
from airdock.errors import Refused
from tests.fake_aws import FakeAccount, an_error

TEXT = b'{"ImageURI": "registry/greeter@sha256:x"}'
BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DETAIL = {"ImageURI": "registry/greeter@sha256:x"}


class S3:
    """Objects by their address."""

    written_at = BEGAN + timedelta(seconds=30)

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if f"{Bucket}/{Key}" not in self.objects:
            raise an_error("NoSuchKey")
        return {"Body": io.BytesIO(self.objects[f"{Bucket}/{Key}"]), "LastModified": self.written_at}


def detail_of(place: str, **objects: bytes) -> Any:
    return detail_in(S3(**objects), place)


def detail_in(s3: S3, place: str) -> Any:
    account: Any = FakeAccount(s3=s3)
    times = {"started_at": BEGAN.isoformat(), "ended_at": (BEGAN + timedelta(minutes=1)).isoformat()}
    return image_detail(account, {"id": "greeter:1", "artifact": f"arn:aws:s3:::{place}" if place else "", **times})


def a_zip(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_image_detail_is_read_from_a_folder_of_artifacts():
    assert detail_of("bucket/greeter", **{"bucket/greeter/imageDetail.json": TEXT}) == DETAIL


def test_image_detail_is_read_from_a_zip_of_artifacts():
    packed = a_zip(**{"imageDetail.json": TEXT, "other": b"x"})
    assert detail_of("bucket/greeter.zip", **{"bucket/greeter.zip": packed}) == DETAIL


def test_image_detail_is_empty_when_there_is_none():
    assert detail_of("") == {}
    assert detail_of("bucket/greeter") == {}
    assert detail_of("bucket/greeter.zip", **{"bucket/greeter.zip": a_zip(other=b"x")}) == {}
    assert detail_of("bucket/greeter", **{"bucket/greeter": b"no zip"}) == {}


def test_image_detail_that_is_no_json_is_refused():
    with pytest.raises(Refused, match="no JSON"):
        detail_of("bucket/greeter", **{"bucket/greeter/imageDetail.json": b"ImageURI=x"})


@pytest.mark.parametrize("seconds", [-10, 70])
def test_image_detail_that_another_build_has_written_is_refused(seconds):
    s3 = S3(**{"bucket/greeter/imageDetail.json": TEXT})
    s3.written_at = BEGAN + timedelta(seconds=seconds)
    with pytest.raises(Refused, match="not of the build greeter:1"):
        detail_in(s3, "bucket/greeter")
