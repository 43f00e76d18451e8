"""The stand-in for docker: what it follows, and what it refuses."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from local_aws.docker_standin import dockerfile, images
from local_aws.docker_standin.dockerfile import DockerfileError


def names(layer: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as tar:
        return tar.getnames()


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "app.py").write_text("print(1)\n")
    (tmp_path / "src" / "deep.py").write_text("")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("")
    return tmp_path


def test_standin_builds_configuration_and_layers(context: Path) -> None:
    text = (
        'ARG BASE=a\nFROM ${BASE}\nWORKDIR /app\nENV A=1 B="two words"\n'
        'COPY app.py src ./\nUSER 1\nCMD ["python3", "app.py"]\n'
    )
    image = images.build(context, text, {"BASE": "b"}, {"x": "y"})
    assert image.base == "b"
    assert image.config["Env"] == ["A=1", "B=two words"]
    assert image.config["WorkingDir"] == "/app"
    assert image.config["Cmd"] == ["python3", "app.py"]
    assert image.config["Labels"] == {"local-aws.base": "b", "x": "y"}
    assert names(image.layers[0]) == ["app/app.py", "app/deep.py"]


def test_standin_builds_the_same_bytes_twice(context: Path) -> None:
    text = "FROM a\nCOPY . /app/\n"
    first, second = (images.build(context, text, {}, {}) for _ in range(2))
    assert (first.layers, first.configuration()) == (second.layers, second.configuration())
    assert "app/.git/config" not in names(first.layers[0])


def test_standin_configuration_names_each_layer_by_its_uncompressed_digest(context: Path) -> None:
    image = images.build(context, "FROM a\nCOPY app.py /\nCOPY src /src\n", {}, {})
    assert len(json.loads(image.configuration())["rootfs"]["diff_ids"]) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("FROM a\nRUN make", "line 2: .* does not follow RUN"),
        ("FROM a\n# x\nADD a b", "line 3: .* does not follow ADD"),
        ("FROM a\nFROM b", "no multi-stage images"),
        ("FROM a\nCOPY ../x /", "line 2: ../x is not in the build context"),
        ("FROM a\nCOPY missing /", "line 2: missing is not in the build context"),
        ("FROM a\nCOPY --from=b x /", "line 2: .* does not know COPY --from=b"),
        ("FROM a\nCOPY app.py", "needs a source and a destination"),
        ("ENV a=1", "begins with FROM"),
    ],
)
def test_standin_refuses_by_name(context: Path, text: str, told: str) -> None:
    with pytest.raises(DockerfileError, match=told):
        images.build(context, text, {}, {})


def test_dockerfile_joins_continued_lines_and_keeps_their_number() -> None:
    found = dockerfile.parse("FROM a\n\nENV A=1 \\\n  # why\n  B=2\nUSER x\n")
    assert [(each.line, each.word) for each in found] == [(1, "FROM"), (3, "ENV"), (6, "USER")]
    assert dockerfile.pairs(found[1].value) == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("written", "told"),
    [("$A", "1"), ("${A}x", "1x"), ("${C:-d}", "d"), ("\\$A", "$A"), ("$C", ""), ("a$A.b", "a1.b")],
)
def test_dockerfile_substitutes_variables(written: str, told: str) -> None:
    assert dockerfile.substituted(written, {"A": "1"}) == told
