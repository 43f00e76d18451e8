"""The board's page in Chromium, against a server that plays its contract: what people see, reach by key, and send."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route

from tests.e2e import browser
from tests.fake_board import HOSTILE, FakeBoard, served

RUNNING = "#/deliveries/deliver_payments/push__running"
ONE, OTHER = (each["release"] for each in FakeBoard().releases(["payments"], {})["releases"][:2])
COMPARE = f"#/compare/payments?from={OTHER}&to={ONE}"
VIEWS = (
    "#/",
    RUNNING,
    "#/deliveries/deliver_payments/push__failed",
    "#/deliveries/deliver_payments/push__held",
    "#/deliveries/deliver_payments/push__hostile",
    "#/releases/payments",
    COMPARE,
    "#/measures",
    "#/measures/payments",
    "#/approvals",
)
RUN = {"logical_date": None}
TOKYO: dict[str, Any] = {"timezone_id": "Asia/Tokyo", "locale": "en-GB"}
DEPLOY_TASK = "/api/v2/dags/deliver_payments/dagRuns/push__running/taskInstances/production.deploy"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.started() as chromium:
        yield chromium


@pytest.fixture
def board() -> Iterator[FakeBoard]:
    with served(FakeBoard()) as board:
        yield board


@pytest.fixture
def page(chromium: Browser, board: FakeBoard) -> Iterator[Page]:
    with browser.page_of(chromium) as page:
        yield page


def shown(page: Page, board: FakeBoard, view: str = "#/") -> Page:
    """The page, once the view has its data."""
    page.goto(f"{board.address}{view}")
    page.wait_for_selector("h1")
    page.wait_for_selector("#tools .user")
    return page


def test_hostile_text_is_shown_as_text_and_starts_nothing(page: Page, board: FakeBoard) -> None:
    ran: list[str] = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: ran.append(message.text) if message.type == "error" else None)
    board.frozen = {"by": HOSTILE, "at": board.at(3), "reason": HOSTILE}
    board.applications = [{**each, "description": HOSTILE, "owner": HOSTILE} for each in board.applications]
    for view in VIEWS:
        shown(page, board, view)
        assert page.locator("img[src=x], main script").count() == 0
        assert page.locator("a[href^='javascript:']").count() == 0
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    shown(page, board, "#/deliveries/deliver_payments/push__hostile")
    assert page.locator("h1").inner_text() == HOSTILE
    assert HOSTILE in page.locator("#freeze").inner_text()
    assert ran == []


DIALOGS = {
    "#/": "Roll back basket",
    "#/approvals": "Approve customer for production",
    "#/releases/payments": "Promote to production",
}


@pytest.mark.parametrize("view", ["#/", "#/approvals", "#/releases/payments", "#/measures/payments", COMPARE])
def test_no_view_and_no_dialog_takes_what_strangers_wrote_for_more_than_text(
    page: Page, board: FakeBoard, view: str
) -> None:
    ran: list[str] = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: ran.append(message.text) if message.type == "error" else None)
    board.hostile = True
    shown(page, board, view)
    if view in DIALOGS:
        page.get_by_role("button", name=DIALOGS[view], exact=True).first.click()
        assert HOSTILE in page.get_by_role("dialog").inner_text()
    assert HOSTILE in page.locator("body").inner_text()
    assert page.locator("img[src=x], main script, dialog script, a[href^='javascript:']").count() == 0
    assert ran == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_view_has_a_fault_that_axe_knows(chromium: Browser, board: FakeBoard, scheme: Any) -> None:
    board.frozen = {"by": "bob", "at": board.at(3), "reason": "the payment provider is down"}
    with browser.page_of(chromium, color_scheme=scheme) as page:
        for view in VIEWS:
            found = Axe().run(shown(page, board, view))
            assert found.violations_count == 0, f"{view}: {found.generate_report()}"
        shown(page, board).get_by_role("button", name="Roll back basket", exact=True).click()
        page.get_by_role("dialog").wait_for()
        assert Axe().run(page).violations_count == 0


@pytest.mark.parametrize("width", [360, 768])
def test_narrow_screen_never_scrolls_sideways(chromium: Browser, board: FakeBoard, width: int) -> None:
    with browser.page_of(chromium, viewport={"width": width, "height": 740}) as page:
        for view in VIEWS:
            shown(page, board, view)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view


def test_filter_is_reached_used_and_shared_by_keyboard(page: Page, board: FakeBoard) -> None:
    shown(page, board).keyboard.press("/")
    page.keyboard.type("mail")
    rows = page.locator("tbody tr:not(.group)")
    page.wait_for_function("document.querySelectorAll('tbody tr:not(.group)').length === 1")
    assert rows.get_by_role("rowheader").inner_text().startswith("mailer")
    assert page.get_by_role("status").filter(has_text="1 of 12 applications").count() == 1
    assert page.url.endswith("#/?q=mail")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Nothing matches")
    assert page.evaluate("document.activeElement.textContent").startswith("On the way")
    page.get_by_role("button", name="Show all").click()
    page.get_by_role("link", name="basket", exact=True).wait_for()
    assert page.get_by_role("searchbox").input_value() == ""


def test_commit_and_digest_are_found_by_the_whole_that_somebody_pastes(page: Page, board: FakeBoard) -> None:
    live = board.applications[0]["environments"][0]["live"]
    row = shown(page, board).get_by_role("row", name=re.compile("^basket "))
    for pasted in (live["commit"] + "0" * 28, f"sha256:{live['digest']}{'0' * 52}"):
        page.get_by_role("searchbox").fill(pasted)
        page.get_by_role("status").filter(has_text="1 of 12 applications").wait_for()
        row.wait_for()


def test_way_back_that_cannot_be_told_is_not_asked_about(page: Page, board: FakeBoard) -> None:
    board.answers["api/ways-back/basket"] = (503, {"detail": "The database is away."})
    shown(page, board).get_by_role("button", name="Roll back basket", exact=True).click()
    page.get_by_text("The database is away.").wait_for()
    assert page.get_by_role("dialog").count() == 0


def test_line_is_one_table_for_a_screen_reader(page: Page, board: FakeBoard) -> None:
    table = shown(page, board).get_by_role("table", name="What runs in each environment of each application")
    columns = table.get_by_role("columnheader").all_inner_texts()
    assert columns[:4] == ["Application", "staging", "canary-eu", "production"]
    traffic = table.get_by_role("img", name="Traffic: 90 % to the old version, 10 % to the new one")
    assert traffic.count() == 1


def test_traffic_moves_while_somebody_looks_and_nothing_else_does(page: Page, board: FakeBoard) -> None:
    shown(page, board, RUNNING)
    assert "10 % new version" in page.locator(".split").first.inner_text()
    page.locator("summary", has_text="Times of every stage").click()
    stop = page.get_by_role("button", name="Stop", exact=True)
    stop.focus()
    page.evaluate("scrollTo(0, 120)")
    board.green = 50
    page.locator(".split").first.get_by_text("50 % new version").wait_for()
    assert page.locator(".traffic.large .new").first.evaluate("(bar) => bar.style.width") == "50%"
    assert page.locator("details[data-key=times]").get_attribute("open") is not None
    assert page.evaluate("[document.activeElement.textContent, scrollY]") == ["Stop", 120]


def test_overview_that_did_not_change_is_not_sent_again_and_one_change_touches_one_row(
    page: Page, board: FakeBoard
) -> None:
    statuses: list[int] = []
    page.on("response", lambda answer: statuses.append(answer.status) if "api/overview" in answer.url else None)
    shown(page, board)
    with page.expect_response(lambda answer: "api/overview" in answer.url and answer.status == 304):
        pass
    assert statuses == [200, 304]
    page.evaluate("document.querySelectorAll('tbody tr').forEach((each) => { each.seen = true; })")
    board.applications[0]["environments"][0]["live"]["subject"] = "A newer release"
    page.get_by_text("A newer release").wait_for()
    assert page.evaluate("[...document.querySelectorAll('tbody tr')].every((each) => each.seen)")


def test_ages_go_on_while_nothing_changes(page: Page, board: FakeBoard) -> None:
    page.clock.install()
    board.applications[7]["environments"][0]["live"]["at"] = board.at(10.2)
    row = shown(page, board).get_by_role("row", name=re.compile("^mailer"))
    row.get_by_text("10 min ago").first.wait_for()
    for milliseconds in (20 * 60_000, 10_000):  # the second poll begins when the first has been digested
        with page.expect_response(lambda answer: "api/overview" in answer.url and answer.status == 304):
            page.clock.fast_forward(milliseconds)
    assert row.get_by_text("30 min ago").count() == 1


def test_five_hundred_applications_are_found_without_five_hundred_rows(chromium: Browser) -> None:
    with served(FakeBoard(500)) as board, browser.page_of(chromium) as page:
        shown(page, board)
        assert page.evaluate("document.querySelectorAll('*').length") < 5000
        page.get_by_role("searchbox").fill("payments-49")
        page.get_by_role("link", name="payments-49", exact=True).wait_for()
        assert page.get_by_text("1 of 500 applications").count() == 1


def _conf(environment: str, release: str | None = None, origin: str | None = None, **more: str) -> dict[str, Any]:
    return {**RUN, "conf": {"release": release, "environment": environment, "from_environment": origin, **more}}


def _question(dag_id: str) -> str:
    return f"/api/v2/dags/{dag_id}/dagRuns/push__running/taskInstances/production.approve/-1/hitlDetails"


SAYS = {
    "deliver": "The newest commit of its branch is built and scanned, then goes through the environments",
    "approve": "If no other approval is missing, it goes to production now.",
    "refuse": "It does not go to production, and this delivery ends as refused.",
}
ACTIONS = {
    "deliver": (
        "#/", "Deliver basket", "POST", "/api/v2/dags/deliver_basket/dagRuns",
        {**RUN, "conf": {"environment": "production"}},
    ),
    "approve": (
        "#/approvals", "Approve customer for production", "PATCH", _question("deliver_customer"),
        {"chosen_options": ["Approve"], "params_input": {}},
    ),
    "refuse": (
        "#/approvals", "Refuse customer for production", "PATCH", _question("deliver_customer"),
        {"chosen_options": ["Refuse"], "params_input": {}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("action", ACTIONS)
def test_action_says_what_it_will_do_and_then_sends_exactly_that(page: Page, board: FakeBoard, action: str) -> None:
    view, name, method, path, body = ACTIONS[action]
    opener = shown(page, board, view).get_by_role("button", name=name, exact=True)
    opener.click()
    dialog = page.get_by_role("dialog")
    assert SAYS[action] in dialog.inner_text()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert board.sent == []
    assert opener.evaluate("(button) => button === document.activeElement")
    opener.click()
    dialog.locator("button[type=submit]").click()
    dialog.wait_for(state="detached")
    assert board.sent == [(method, path, body)]


def test_way_back_names_what_comes_back_and_what_it_replaces(page: Page, board: FakeBoard) -> None:
    there = board.ways_back(["basket"], {})["environments"][-1]
    shown(page, board).get_by_role("button", name="Roll back basket", exact=True).click()
    told = page.get_by_role("dialog").get_by_role("listitem").filter(has_text="production").inner_text()
    back, live = there["before"], there["live"]
    assert f"{back['commit'][:7]} {back['subject']} comes back" in told
    assert f"{live['commit'][:7]} {live['subject']} goes" in told
    page.get_by_role("dialog").get_by_role("button", name="Roll back", exact=True).click()
    page.wait_for_url(re.compile("#/deliveries/deploy_basket"))
    body = _conf("production", back["release"], instead_of=live["release"])
    assert board.sent == [("POST", "/api/v2/dags/deploy_basket/dagRuns", body)]


def test_stop_says_who_and_marks_the_task_at_work_so_that_the_line_can_end(page: Page, board: FakeBoard) -> None:
    stop = shown(page, board, RUNNING).get_by_role("button", name="Stop", exact=True)
    stop.click()
    dialog = page.get_by_role("dialog")
    assert "is stopped in AWS, and production goes back" in dialog.get_by_role("listitem").first.inner_text()
    board.answers[f"{DEPLOY_TASK}/xcomEntries"] = (409, {"detail": "It exists."})  # somebody else began to stop it
    dialog.get_by_role("button", name="Stop", exact=True).click()
    dialog.wait_for(state="detached")
    assert board.sent == [
        ("POST", f"{DEPLOY_TASK}/xcomEntries", {"key": "stopped", "value": "dana stopped it"}),
        ("PATCH", DEPLOY_TASK, {"new_state": "failed"}),
    ]


def test_stop_of_a_delivery_that_has_moved_on_meanwhile_does_nothing(page: Page, board: FakeBoard) -> None:
    told = board.delivery(["deliver_payments", "push__running"], {})
    [stop] = told["actions"]
    earlier = {**stop, "says": "Nothing more is begun, production is not touched, and the delivery ends as stopped."}
    board.answers["api/deliveries/deliver_payments/push__running"] = (200, {**told, "actions": [earlier]})
    shown(page, board, RUNNING).get_by_role("button", name="Stop", exact=True).click()
    board.answers.clear()
    page.get_by_role("dialog").get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("dialog").get_by_role("alert").get_by_text("It has moved on since you were asked.").wait_for()
    assert board.sent == []


@pytest.mark.parametrize(("name", "words"), [("Promote to production", "it waits"), ("again", "goes live at once")])
def test_dialog_under_a_freeze_says_what_is_held_and_what_is_let_through(
    page: Page, board: FakeBoard, name: str, words: str
) -> None:
    board.frozen = {"by": "bob", "at": board.at(3), "reason": "fire"}
    shown(page, board, "#/releases/payments").get_by_role("button", name=re.compile(name)).first.click()
    assert words in page.get_by_role("dialog").get_by_role("listitem").last.inner_text()


def test_delivery_that_a_stopped_line_holds_says_who_stopped_it_and_why(page: Page, board: FakeBoard) -> None:
    board.frozen = {"by": "bob", "at": board.at(3), "reason": "fire"}
    there = board.applications[0]["environments"][-1]
    held = {"stage": "production.hold", "stage_state": "held", "since": board.at(2), "weights": None}
    commit = {key: there["live"][key] for key in ("commit", "subject", "author")}
    there["running"] = {"dag_id": "deliver_basket", "run_id": "push__held", **commit, **held}
    row = shown(page, board).get_by_role("row", name=re.compile("^basket"))
    row.get_by_text("bob stopped the line: fire").wait_for()
    row.get_by_role("link", name="held").click()
    note = page.locator(".note").filter(has_text="bob stopped the line 3 min ago: fire")
    note.wait_for()
    assert page.get_by_role("listitem").filter(has_text="hold").get_by_text("held", exact=True).count() == 1
    board.frozen = None
    note.wait_for(state="detached")


def test_release_that_was_live_and_is_refused_later_can_still_come_back(page: Page, board: FakeBoard) -> None:
    told = board.releases(["payments"], {})
    told["releases"][3]["environments"][1] |= {"outcome": "refused", "sentence": "no capacity"}
    board.answers["api/releases/payments"] = (200, told)
    row = shown(page, board, "#/releases/payments").get_by_role("row").nth(4)
    place = row.get_by_role("listitem").filter(has_text="production")
    assert [place.get_by_text(word).count() for word in ("was live", "refused")] == [1, 1]
    assert row.get_by_role("button", name=re.compile("to production again")).count() == 1


def test_release_is_promoted_from_where_it_was_live(page: Page, board: FakeBoard) -> None:
    shown(page, board, "#/releases/payments").get_by_role("button", name="Promote to production").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Promote", exact=True).click()
    page.wait_for_url(re.compile("#/deliveries/deploy_payments/manual__started"))
    key = board.releases(["payments"], {})["releases"][0]["release"]
    assert board.sent == [("POST", "/api/v2/dags/deploy_payments/dagRuns", _conf("production", key, "staging"))]


def test_line_is_stopped_with_a_reason_and_everybody_sees_it(page: Page, board: FakeBoard) -> None:
    shown(page, board).get_by_role("button", name="Stop the line").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop the line").click()
    assert board.sent == []  # the reason is missing
    page.get_by_label("Why").fill("the payment provider is down")
    board.frozen = {"by": "dana", "at": board.at(0), "reason": "the payment provider is down"}
    page.keyboard.press("Enter")
    page.get_by_role("region", name="The line is stopped").get_by_text("the payment provider is down").wait_for()
    body = {"frozen": True, "reason": "the payment provider is down"}
    assert board.sent == [("POST", "/airdock/api/freeze", body)]


def test_who_may_not_stop_the_line_is_not_offered_it(page: Page, board: FakeBoard) -> None:
    board.may_freeze = False
    assert shown(page, board).get_by_role("button", name="Stop the line").count() == 0
    board.frozen = {"by": "bob", "at": board.at(3), "reason": "fire"}
    page.get_by_role("region", name="The line is stopped").wait_for()
    assert page.get_by_role("button", name="Let it run").count() == 0


def test_plot_of_lead_times_shows_what_failed_as_its_caption_says(page: Page, board: FakeBoard) -> None:
    runs = board.measures([], {"days": "30", "application": "payments"})["applications"][0]["runs"]
    failed = sum(each["outcome"] != "live" for each in runs)
    assert failed > 0
    plot = shown(page, board, "#/measures/payments").get_by_role("group", name=re.compile("Lead time of"))
    assert [plot.locator(kind).count() for kind in ("circle.good", "path.bad")] == [len(runs) - failed, failed]
    assert plot.get_by_role("link", name=re.compile("^rolled back")).count() == failed
    assert page.get_by_text("a cross at the bottom did not go live").count() == 1


def test_two_releases_are_compared(page: Page, board: FakeBoard) -> None:
    boxes = shown(page, board, "#/releases/payments").get_by_role("checkbox")
    boxes.nth(5).check()
    boxes.nth(0).check()
    boxes.nth(3).check()
    assert [boxes.nth(number).is_checked() for number in (0, 3, 5)] == [True, True, False]
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("heading", name="Releases between them: 3").wait_for()
    assert page.get_by_role("heading", name="Commits between them: 5").count() == 1
    assert page.get_by_role("list", name="Changes").get_by_text("RETRY_LIMIT").count() == 1


def test_release_tells_the_commits_that_came_since_the_one_before(page: Page, board: FakeBoard) -> None:
    known = board.releases(["payments"], {})["releases"]
    links = shown(page, board, "#/releases/payments").get_by_role("link", name="What is in it")
    assert links.count() == len(known) - 1  # before the oldest none is known
    links.nth(1).click()
    commits = page.get_by_role("list", name="Commits between them").get_by_role("listitem")
    commits.first.wait_for()
    told = f"{known[1]['commit'][:7]} {known[1]['subject']} {known[1]['author']}"
    assert commits.first.inner_text().split() == told.split()
    assert page.url.endswith(f"from={known[2]['release']}&to={known[1]['release']}".replace(":", "%3A"))
    found = board.compare(["payments"], {"from": known[2]["release"], "to": known[1]["release"]})
    assert commits.count() == len(found["brought"])
    board.answers["api/compare/payments"] = (200, {**found, "brought_unknown": "these are the newest 200"})
    page.reload()
    page.get_by_text("There may be more: these are the newest 200.").wait_for()


def test_comparison_does_not_call_the_same_what_nobody_knows(page: Page, board: FakeBoard) -> None:
    one, other = board.releases(["payments"], {})["releases"][:2]
    unknown = {"from": other, "to": one, "commits": [], "files": None, "findings": None}
    unknown |= {"brought": None, "brought_unknown": "git.example can't be reached"}
    board.answers["api/compare/payments"] = (200, unknown)
    shown(page, board, "#/compare/payments?from=a&to=b").get_by_text("files of one of them are not known").wait_for()
    assert page.get_by_text("what came and went can't be told").count() == 1
    sentence = "Which commits came between is not known: git.example can't be reached."
    assert page.get_by_text(sentence, exact=True).count() == 1
    assert page.get_by_text("are the same").count() == 0


def test_refusal_is_told_in_words_and_the_dialog_stays(page: Page, board: FakeBoard) -> None:
    board.answers["/api/v2/dags/deliver_basket/dagRuns"] = (403, {"detail": "Forbidden"})
    shown(page, board).get_by_role("button", name="Deliver basket", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Deliver", exact=True).click()
    alert = page.get_by_role("dialog").get_by_role("alert")
    alert.get_by_text("permission to edit this DAG").wait_for()
    assert page.get_by_role("dialog").get_by_role("button", name="Deliver", exact=True).is_enabled()


def test_who_may_only_look_finds_no_action(page: Page, board: FakeBoard) -> None:
    row = shown(page, board).get_by_role("row", name=re.compile("^checkout"))
    assert row.get_by_role("button").count() == 0
    assert row.get_by_text("You may look, but not deploy").count() == 1


def test_lost_connection_keeps_what_was_seen_and_comes_back_by_itself(page: Page, board: FakeBoard) -> None:
    shown(page, board)
    page.context.set_offline(True)
    page.get_by_role("status").filter(has_text="Airflow can't be reached.").wait_for()
    assert page.get_by_role("link", name="basket", exact=True).is_visible()
    page.context.set_offline(False)
    page.get_by_role("status").filter(has_text="Airflow can't be reached.").wait_for(state="detached")


def test_who_is_signed_out_is_sent_to_sign_in_and_back(page: Page, board: FakeBoard) -> None:
    board.answers["api/overview"] = (401, {"detail": "Sign in first."})
    page.goto(board.address)
    sign_in = page.get_by_role("main").get_by_role("link", name="Sign in")
    assert str(sign_in.get_attribute("href")).startswith(board.address.replace("/airdock/", "/auth/login?next="))


def test_new_page_has_the_focus_on_its_heading_and_a_title(page: Page, board: FakeBoard) -> None:
    shown(page, board).get_by_role("link", name="basket", exact=True).click()
    page.get_by_role("heading", level=1, name="basket").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "basket"
    assert page.title() == "basket · Airdock"


def test_what_needs_a_look_stands_first_and_what_is_steady_takes_two_lines(page: Page, board: FakeBoard) -> None:
    groups = shown(page, board).locator("tr.group").all_inner_texts()
    assert [each.rpartition(" ")[0].strip() for each in groups] == ["Needs a look", "On the way", "Steady"]
    row = page.get_by_role("row", name=re.compile("^basket "))
    assert row.evaluate("(row) => row.getBoundingClientRect().height") < 50
    digest = board.applications[0]["environments"][0]["live"]["digest"]
    assert row.get_by_title(digest).first.inner_text() == f"@{digest[:7]}"


def test_what_is_built_and_what_waits_can_be_reached_from_the_overview(page: Page, board: FakeBoard) -> None:
    row = shown(page, board).get_by_role("row", name=re.compile("^ledger"))
    building, queued = row.get_by_role("cell").first.locator(".later a").all()
    assert building.inner_text().startswith("builds")
    assert str(building.get_attribute("href")).endswith("#/deliveries/deliver_ledger/push__running")
    assert queued.inner_text() == "queued"


def test_small_share_is_seen_and_drawn_until_now(page: Page, board: FakeBoard) -> None:
    plot = shown(page, board, RUNNING).get_by_role("img", name=re.compile("^Share of the new version"))
    high, wide = plot.locator("path.curve").evaluate("(curve) => [curve.getBBox().height, curve.getBBox().width]")
    assert (high, wide) == (90, 640 - 66 - 10)
    assert plot.get_by_text("now, after").count() == 1
    assert page.get_by_role("list", name="Steps").get_by_text("then 25 %, 50 %, 100 %").count() == 1
    assert page.locator(".stop.busy").get_by_text("shifts traffic").count() == 1


def test_failed_delivery_tells_at_once_what_happened(page: Page, board: FakeBoard) -> None:
    shown(page, board, "#/deliveries/deliver_payments/push__failed")
    assert page.get_by_text("roll_back: success").is_visible()


def test_times_are_those_of_the_zone_of_who_looks(chromium: Browser, board: FakeBoard) -> None:
    with browser.page_of(chromium, **TOKYO) as page:
        first = shown(page, board, RUNNING).get_by_role("list", name="Steps").locator("time").first
        told = datetime.fromisoformat(str(first.get_attribute("datetime")))
        assert first.inner_text() == told.astimezone(ZoneInfo("Asia/Tokyo")).strftime("%H:%M:%S")


def test_board_without_an_application_says_how_one_comes_there(page: Page, board: FakeBoard) -> None:
    board.applications = []
    assert shown(page, board).get_by_text("once its pipeline file lies in the DAG folder").is_visible()


def test_page_that_waits_for_its_data_says_so(page: Page, board: FakeBoard) -> None:
    held: list[Route] = []
    page.route("**/api/overview", lambda route: held.append(route))
    page.goto(board.address)
    page.get_by_text("Loading").wait_for(state="attached")
    assert page.locator("[aria-busy=true]").count() == 1
    held.pop().continue_()
    page.get_by_role("link", name="basket", exact=True).wait_for()
    assert page.locator("[aria-busy=true]").count() == 0


def test_server_that_fails_is_told_in_words_and_asked_again(page: Page, board: FakeBoard) -> None:
    board.answers["api/overview"] = (500, {})
    page.goto(board.address)
    alert = page.get_by_role("alert").filter(has_text="Airflow answered with an error (500).")
    alert.wait_for()
    board.answers.clear()
    alert.get_by_role("button", name="Try again").click()
    page.get_by_role("link", name="basket", exact=True).wait_for()


def test_question_says_how_many_must_approve_and_who_has(page: Page, board: FakeBoard) -> None:
    shown(page, board, "#/approvals")
    assert page.get_by_role("article", name="customer to production").get_by_text("one has to approve").count() == 1
    second = page.get_by_role("article", name="payments to production")
    assert second.get_by_text("1 of 2 has approved: dana").count() == 1
    assert "new since what is live: CVE-2026-0871" in second.get_by_label("Evidence for").inner_text()
