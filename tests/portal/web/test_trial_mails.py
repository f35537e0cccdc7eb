"""The mails about trials can be written, in all their forms."""

import pytest
from django.template.loader import render_to_string

ENDINGS = ("subject.txt", "txt", "html")
USUAL = {
    "name": "acme",
    "domain": "acme.sourcegraph.localhost",
    "organization": "Acme",
    "portal_link": "https://portal.example/instances/",
    "url": "https://acme.sourcegraph.localhost",
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("kind", "more", "says"),
    [
        ("trial-extended", {"ends_at": "15 January 2027", "days": 14, "is_back": True}, "15 January 2027"),
        ("trial-waiting", {"position": 3}, "waiting list"),
        ("trial-name-taken", {"note": "“acme” is taken."}, "name"),
        ("trial-refused", {"note": "Talk to us."}, "trial"),
    ],
)
def test_each_says_what_it_is_about_and_leads_to_the_portal(kind, more, says, ending):
    text = render_to_string(f"mail/{kind}.{ending}", USUAL | more)
    assert says in text
    if ending != "subject.txt":
        assert USUAL["portal_link"] in text


@pytest.mark.parametrize(
    ("is_back", "says"), [(True, "It is back within minutes"), (False, "You need not do anything")]
)
def test_an_extension_says_whether_it_comes_back(is_back, says):
    more = {"ends_at": "15 January 2027", "days": 1, "is_back": is_back}
    text = render_to_string("mail/trial-extended.txt", USUAL | more)
    assert says in text
    assert "1 more day:" in text


@pytest.mark.parametrize("ending", ["txt", "html"])
def test_the_mail_at_its_start_says_when_a_trial_ends(ending):
    context = {**USUAL, "admin_link": "", "trial_ends_at": "24 December 2026"}
    assert "Your trial goes on until 24 December 2026." in render_to_string(f"mail/instance-ready.{ending}", context)
    of_a_customer = render_to_string(f"mail/instance-ready.{ending}", context | {"trial_ends_at": ""})
    assert "trial" not in of_a_customer
