"""The releases of an application: one row for an image, wherever and however often it went."""

from __future__ import annotations

from airdock.board.releases import MOST, before, find, grouped, release_rows, ways_back
from airdock.release import Outcome
from tests.board.entries import an_entry, at

IMAGE = {"image": "1.example/greeter@sha256:" + "7" * 64, "commit": "7" * 40}


def test_a_release_that_was_promoted_stays_one_row_with_its_places() -> None:
    here = an_entry(1, environment="staging", committed_at=at(-9), run_id="run-1", **IMAGE)
    there = an_entry(3, dag_id="deploy_greeter", run_id="promotion", **IMAGE)
    [row] = release_rows({"staging": [here], "production": [there]}, {"run-1": 42.0})
    assert [(each["name"], each["live"]) for each in row["environments"]] == [("staging", True), ("production", True)]
    assert (row["release"], row["built_seconds"], row["lead_seconds"]) == ("sha256:" + "7" * 64, 42.0, 720.0)
    assert row["committed_at"] == at(-9)


def test_only_what_went_live_last_is_live() -> None:
    entries = {"production": [an_entry(1), an_entry(2), an_entry(3, Outcome.ROLLED_BACK)]}
    rows = release_rows(entries, {})
    assert [row["subject"] for row in rows] == ["Change 3", "Change 2", "Change 1"]
    assert [row["environments"][0]["live"] for row in rows] == [False, True, False]
    assert [row["environments"][0]["outcome"] for row in rows] == ["rolled_back", "live", "live"]


def test_lead_time_ends_when_the_last_environment_first_had_it() -> None:
    first = an_entry(2, committed_at=at(0), **IMAGE)
    again = an_entry(50, dag_id="deploy_greeter", **IMAGE)
    assert release_rows({"production": [first, again]}, {})[0]["lead_seconds"] == 120
    staged = an_entry(2, environment="staging", committed_at=at(0), **IMAGE)
    assert release_rows({"staging": [staged], "production": []}, {})[0]["lead_seconds"] is None


def test_a_delivery_without_an_image_is_a_row_by_its_key() -> None:
    failed = an_entry(1, Outcome.REFUSED, image="")
    [row] = release_rows({"production": [failed]}, {})
    assert (row["release"], row["digest"]) == (failed.record.key, "")


def test_the_newest_come_first_and_no_more_than_a_page() -> None:
    entries = {"production": [an_entry(1000 + number) for number in range(MOST + 5)]}
    rows = release_rows(entries, {})
    assert (len(rows), rows[0]["subject"]) == (MOST, f"Change {1000 + MOST + 4}")


def test_a_way_back_names_what_goes_and_what_comes_and_where_nothing_is_live_there_is_none() -> None:
    first, live = an_entry(1), an_entry(2)
    entries = {"staging": [an_entry(1)], "production": [first, live, an_entry(3, Outcome.FAILED)], "far": []}
    staging, production = ways_back(entries)
    assert (staging["name"], staging["before"]) == ("staging", None)
    told = [
        {"release": each.record.key, "commit": each.record.commit, "subject": each.record.subject}
        for each in (live, first)
    ]
    assert production == {"name": "production", "live": told[0], "before": told[1]}


def test_a_release_is_found_by_its_digest_and_by_its_key() -> None:
    entry = an_entry(1, **IMAGE)
    entries = {"production": [entry]}
    assert find(entries, entry.record.digest) == find(entries, entry.record.key) == entry
    assert find(entries, "sha256:") is None
    assert list(grouped(entries)) == [entry.record.digest]


def test_a_release_that_is_live_stays_so_when_it_is_refused_the_next_time() -> None:
    good, refused = an_entry(1, verified=True, **IMAGE), an_entry(2, Outcome.REFUSED, **IMAGE)
    [row] = release_rows({"production": [good, refused]}, {})
    [there] = row["environments"]
    assert (there["outcome"], there["live"], there["was_live"], there["verified"]) == ("refused", True, True, True)
    [newer, row] = release_rows({"production": [good, refused, an_entry(3)]}, {})
    assert [(each["live"], each["was_live"]) for each in (newer["environments"][0], row["environments"][0])] == [
        (True, True),
        (False, True),
    ]


def test_the_way_back_leads_behind_the_release_that_is_live_now_first_was() -> None:
    first, second, third = an_entry(1), an_entry(2), an_entry(3)
    back = an_entry(4, task_definition=second.record.task_definition, image=second.record.image)
    told = before([first, an_entry(1.5, Outcome.ROLLED_BACK), second, third, back])
    assert told == {"release": first.record.key, "commit": first.record.commit, "subject": "Change 1"}
    assert before([first]) is None
    assert before([]) is None
