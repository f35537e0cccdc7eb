"""A browser without scripts: what it reads of a page, and what it takes for an answer that is none."""

import pytest

from provisioning.clients.browser import Browser, Unwell, front_page
from provisioning.clients.pages import Page, read
from tests.provisioning.health.gateway import Gateway, gateway

FORM = """<!doctype html><title>Acme</title><h1>Start <svg><path/></svg> your trial</h1>
<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="t0k3n">
<input type="radio" name="region" value="a"><input type="radio" name="region" value="b"><input name="slug">
<p class="field-error"><svg></svg><span>“x” is taken.</span></p></form>
<div class="alert alert-bad"><div><p>It stopped.</p><div>We know.</div></div></div><p>after</p>
<a class="button" href="http://acme.example">Open instance<svg></svg><span class="sr-only"> (in a new tab)</span></a>"""


def page(html: str = FORM) -> Page:
    return read(html, url="http://portal.example/new/", path="/new/", status=200)


@pytest.fixture
def outside(settings):
    with gateway() as known:
        settings.INSTANCE_GATEWAY = known.url
        yield known


def test_it_reads_what_a_person_would():
    assert page().heading == "Start your trial"
    assert page().link("Open instance") == "http://acme.example"
    assert page().link("Delete") == ""
    assert page().complaints == ("“x” is taken.", "It stopped. We know.")
    assert page().fields == {"region": frozenset({"a", "b"}), "slug": frozenset()}
    assert page().token == "t0k3n"


@pytest.mark.parametrize(
    ("html", "answers", "says"),
    [
        (FORM, {"name": "x"}, "does not ask for “name”"),
        (FORM, {"region": "c"}, "does not offer “c”"),
        ('<form><input name="slug"></form>', {"slug": "x"}, "has no form that could be sent"),
    ],
)
def test_it_sends_only_what_a_page_asks_for(outside: Gateway, html, answers, says):
    with Browser(outside.url) as browser, pytest.raises(Unwell, match=says):
        browser.fill_in(page(html), **answers)
    assert not outside.asked


@pytest.mark.parametrize(("way", "says"), [(500, "was answered 500"), ("closed", "RemoteProtocolError")])
def test_what_is_no_answer_is_told_in_a_sentence(outside: Gateway, way, says):
    outside.ways["127.0.0.1"] = way
    with Browser(outside.url) as browser, pytest.raises(Unwell, match=says):
        browser.open("/")


def test_an_instance_is_asked_for_by_its_own_name(outside: Gateway, settings):
    settings.INSTANCE_URL_FORMAT = "http://{domain}"
    outside.says = "<title>Sourcegraph</title>"
    assert front_page("acme.example").words == "Sourcegraph"
    assert outside.asked == {"acme.example/": 1}
