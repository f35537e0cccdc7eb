"""The main job as a person clicks it: from a stranger to a running instance, and back to nothing."""

import pytest
from playwright.sync_api import expect

from tests.browser.pages import COMES_UP_MS, GOES_AWAY_MS, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def test_a_person_signs_up_gets_an_instance_opens_it_and_deletes_it(open_window, stack):
    visitor = Visitor(open_window(), "gina@initech.example")
    visitor.signs_up("Gina Green")
    visitor.names_the_organization("Initech")
    watches_it_come_up(visitor)
    opens_it(visitor)

    inbox = visitor.page.context.new_page()
    inbox.goto(f"{stack.devcloud.http_url}/mail/")
    Visitor(inbox, visitor.email).opens_the_mail("initech is ready")
    expect(inbox.locator("pre")).to_contain_text("first site admin")

    deletes_it(visitor)
    reads_the_certificate(visitor)
    inbox.goto(f"{stack.devcloud.http_url}/mail/")
    Visitor(inbox, visitor.email).opens_the_mail("initech is deleted")


def watches_it_come_up(visitor: Visitor) -> None:
    """A double click starts one trial, and its page fills without being loaded anew."""
    visitor.wishes_for("admin", "Frankfurt")
    visitor.reads("is reserved")
    visitor.fills("Name", "initech")
    visitor.reads("initech.sourcegraph.localhost is free")
    visitor.page.get_by_role("button", name="Start the trial").dblclick()
    visitor.sees("Bringing up initech")
    visitor.page.evaluate("window.wasNeverReloaded = true")
    visitor.sees("initech is ready", timeout_ms=COMES_UP_MS)
    assert visitor.page.evaluate("window.wasNeverReloaded")


def opens_it(visitor: Visitor) -> None:
    with visitor.page.expect_popup() as opened:
        visitor.follows("Open instance")
    expect(opened.value.locator("body")).to_contain_text("Sourcegraph")
    assert opened.value.url.startswith("http://initech.sourcegraph.localhost")
    opened.value.close()


def deletes_it(visitor: Visitor) -> None:
    """After the plan, and only by its right name."""
    visitor.follows("Instances")
    visitor.reads("Running")
    visitor.follows("initech")
    visitor.follows("Delete…")
    visitor.reads("This will be lost")
    expect(visitor.page.get_by_text("objects will be removed")).to_be_visible(timeout=60_000)
    visitor.page.get_by_label("Type initech to confirm").fill("initec")
    visitor.presses("Delete this instance")
    visitor.reads("Type “initech” to confirm")
    visitor.page.get_by_label("Type initech to confirm").fill("initech")
    visitor.presses("Delete this instance")
    visitor.sees("Deleting initech")
    visitor.sees("initech is deleted", timeout_ms=GOES_AWAY_MS)


def reads_the_certificate(visitor: Visitor) -> None:
    visitor.follows("Certificate")
    visitor.sees("Certificate of deletion")
    visitor.reads("Database server")
    visitor.page.go_back()
    visitor.follows("To your instances")
    visitor.reads("No instance in use")


def test_it_works_on_a_phone_without_scripts(open_window):
    page = open_window(java_script_enabled=False, viewport={"width": 390, "height": 844})
    visitor = Visitor(page, "hugo@umbrella.example")
    visitor.signs_up("Hugo Hall")
    visitor.names_the_organization("Umbrella")
    visitor.wishes_for("umbrella", "Tokyo")
    visitor.presses("Start the trial")
    visitor.sees("Bringing up umbrella")
    # The page loads itself anew: sooner or later the first step is among the done.
    expect(page.locator("#steps-done #step-project")).to_be_visible(timeout=60_000)

    visitor.follows("umbrella")
    visitor.follows("Delete…")
    visitor.presses("Show what will be removed")
    visitor.reads("looked at")
    visitor.presses("Look again")
    page.get_by_label("Type umbrella to confirm").fill("umbrella")
    visitor.presses("Delete this instance")
    visitor.sees("Deleting umbrella")
    visitor.sees("umbrella is deleted", timeout_ms=GOES_AWAY_MS)
