"""The progress page: what runs, what waits and why, and what it says at the end."""

import pytest

from portal.core import clock
from portal.web.telling import tell
from provisioning.models import OperationStatus, StepStatus
from provisioning.selectors import progress_of
from tests.portal.web.watching import ended, page_of


@pytest.fixture
def waiting_step(setup):
    """The project's step, at work and waiting."""
    step = setup.steps.get(name="project")
    step.status, step.started_at, step.waiting_for = StepStatus.WAITING, clock.now(), "Google to make the project"
    step.save()
    return step


def test_it_shows_every_step_and_why_one_waits(alices, setup, waiting_step):
    page = alices.get(page_of(setup)).content.decode()
    for step in progress_of(setup).steps:
        assert f'id="step-{step.name}"' in page
        assert f'id="station-{step.name}"' in page
    assert "Waiting for Google to make the project" in page
    assert "longest path" in page


def test_it_says_what_a_pending_step_comes_after(setup, waiting_step):
    story = tell(progress_of(setup))
    billing = next(telling for telling in story.to_come if "project" in telling.step.needs)
    assert billing.why.startswith("After: ")


def test_it_asks_for_news_and_works_without_scripts(alices, setup):
    page = alices.get(page_of(setup)).content.decode()
    assert f'hx-get="{page_of(setup, "operation_fragment")}"' in page
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page


def test_the_fragment_carries_the_title_and_no_page_around_it(alices, setup):
    fragment = alices.get(page_of(setup, "operation_fragment")).content.decode()
    assert fragment.lstrip().startswith("<title>")
    assert "<html" not in fragment


def test_the_news_end_with_the_operation(alices, running, setup):
    answer = alices.get(page_of(setup, "operation_fragment"))
    assert answer.status_code == 286
    assert "hx-get" not in answer.content.decode()
    assert alices.get(page_of(setup, "operation_summary")).headers["HX-Refresh"] == "true"


def test_the_good_end_offers_to_open_it(alices, running, setup):
    page = alices.get(page_of(setup)).content.decode()
    assert "acme is ready" in page
    assert f'href="{running.url}"' in page
    assert "http-equiv" not in page


def test_a_failure_is_told_without_its_inner_words(alices, setup):
    setup.steps.filter(name="project").update(
        status=StepStatus.FAILED, error="403 quota of billingAccounts/0X exceeded"
    )
    setup.error = "403 quota of billingAccounts/0X exceeded"
    ended(setup, OperationStatus.FAILED)
    page = alices.get(page_of(setup)).content.decode()
    assert "did not succeed" in page
    assert "We have been told" in page
    assert "billingAccounts" not in page


@pytest.mark.parametrize("status", OperationStatus.values)
def test_there_is_a_page_for_every_status(alices, setup, status):
    ended(setup, status)
    assert alices.get(page_of(setup)).status_code == 200


def test_a_colleague_watches_too(bobs, setup):
    assert bobs.get(page_of(setup)).status_code == 200


def test_what_is_read_aloud_changes_only_with_the_steps(alices, setup, waiting_step):
    first = tell(progress_of(setup)).summary
    waiting_step.started_at = waiting_step.started_at.replace(year=2025)
    waiting_step.save()
    assert tell(progress_of(setup)).summary == first
