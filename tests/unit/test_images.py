"""Which part of a multi-platform image runs."""

import json

import pytest

from airdock.aws.images import part_for
from airdock.errors import Refused

INDEX = json.dumps(
    {
        "manifests": [
            {"digest": "sha256:x", "platform": {"os": "unknown", "architecture": "unknown"}},
            {"digest": "sha256:amd", "platform": {"os": "linux", "architecture": "amd64"}},
            {"digest": "sha256:arm", "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
        ]
    }
)


def test_part_of_a_single_image_is_the_image_itself():
    assert part_for("linux/amd64", '{"config": {}, "layers": []}', "sha256:me") == "sha256:me"


@pytest.mark.parametrize(("platform", "digest"), [("linux/amd64", "sha256:amd"), ("linux/arm64", "sha256:arm")])
def test_part_of_an_index_is_the_one_for_the_platform(platform, digest):
    assert part_for(platform, INDEX, "sha256:index") == digest


def test_part_for_a_platform_that_the_index_lacks_is_refused_with_what_it_has():
    with pytest.raises(Refused, match="no part for linux/s390x; it has linux/amd64, linux/arm64/v8"):
        part_for("linux/s390x", INDEX, "sha256:index")
