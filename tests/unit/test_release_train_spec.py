"""The release train's own file, and the words of a pipeline file that go with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from airdock.spec import ReleaseTrain, SpecError, Train, load_train

ROOT = Path(__file__).parents[2]


def train_of(folder: Path, text: str) -> ReleaseTrain:
    path = folder / "release_train.yaml"
    path.write_text(text)
    return load_train(path)


def complaints(folder: Path, text: str) -> list[str]:
    with pytest.raises(SpecError) as refused:
        train_of(folder, text)
    return refused.value.sentence.splitlines()


def test_a_schedule_is_all_that_a_train_needs(tmp_path: Path) -> None:
    train = train_of(tmp_path, "schedule: 30 2 * * *\n")
    assert (train.timezone, train.at_once, train.on_failure, train.environment) == ("UTC", 4, "stop", None)


def test_all_that_is_wrong_is_told_at_once_with_line_and_the_word_that_was_meant(tmp_path: Path) -> None:
    text = "schedul: 30 2 * * *\ntimezone: Europe/Berln\nat_once: 0\non_failure: putback\n"
    told = complaints(tmp_path, text)
    assert [line.partition(".yaml:")[2].split(":")[0] for line in told] == ["1", "1", "2", "3", "4"]
    assert "did you mean 'schedule'" in told[1].lower()
    assert "did you mean Europe/Berlin?" in told[2]
    assert "must be at least 1 (found 0)" in told[3]
    assert "Did you mean 'put_back'?" in told[4]


@pytest.mark.parametrize("zone", ["../etc/passwd", "Europe", "Berlin", "", "Europe/Berlin "])
def test_what_is_no_timezone_is_refused(tmp_path: Path, zone: str) -> None:
    [told] = complaints(tmp_path, f"schedule: '@daily'\ntimezone: '{zone}'\n")
    assert ":2:1: timezone: must be" in told


def test_a_missing_file_is_a_problem_in_words(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="can't be opened: No such file"):
        load_train(tmp_path / "release_train.yaml")


def test_an_empty_group_is_enough_to_go_with_the_train() -> None:
    assert Train.model_validate({}).depends_on == []


def test_the_example_is_a_train() -> None:
    assert load_train(ROOT / "dags" / "release_train.example.yaml").on_failure == "put_back"


def test_every_setting_is_explained_on_the_page_in_the_models_own_words() -> None:
    page = (ROOT / "docs" / "release-train.md").read_text()
    for name, setting in ReleaseTrain.model_fields.items():
        assert f"| `{name}` |" in page
        assert str(setting.description).split(":")[0].rstrip(".") in page.replace("`", "")
