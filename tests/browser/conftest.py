import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.browser.stack import Stack, running_stack

STEP_TIMEOUT_MS = 15_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def stack(tmp_path_factory) -> Iterator[Stack]:
    """The whole portal, one for all browser tests: each test signs up people of its own."""
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_window(chromium, stack, request, tmp_path):
    """Opens a window of its own, on the portal's front page. What went wrong in it fails the test."""
    contexts, complaints = [], []

    def is_ours(said: ConsoleMessage) -> bool:
        return said.type == "error" and said.location["url"].startswith(stack.url)

    def make(**options) -> Page:
        context = chromium.new_context(base_url=stack.url, **{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(STEP_TIMEOUT_MS)
        contexts.append(context)
        page: Page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if is_ours(said) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/")
        return page

    yield make
    for number, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=Path(tmp_path) / f"end-{number}.png")
        context.close()
    assert not complaints
