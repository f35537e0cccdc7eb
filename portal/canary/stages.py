"""What a run does, stage by stage: all that a customer does, by the same calls as their browser makes.

Each stage may be done twice, by whoever has lost what came of the first time: it opens a page, and sends its form only
where that page still asks for it. It answers what it waits for, in words, or "" when it is done.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import Resolver404, ResolverMatch, resolve, reverse
from django.utils.crypto import salted_hmac

from portal.canary.models import CanaryRun
from provisioning.clients.browser import Browser, Refused, Unwell, front_page
from provisioning.clients.pages import Page

SOON: Final = timedelta(seconds=5)
WHILE_IT_COMES: Final = timedelta(seconds=15)
PROMPT: Final = timedelta(minutes=3)
PATIENT: Final = timedelta(minutes=10)  # for mail, and for names and certificates to come through
LONG: Final = timedelta(minutes=90)
SALT: Final = "portal.canary"


@dataclass
class Visit:
    """A run that is at work, with its browser; what it comes to know is kept in `known`."""

    run: CanaryRun
    browser: Browser
    known: dict[str, str]

    def open(self, page: str, *keys: str) -> Page:
        """The page of that name, after logging in where that is asked for."""
        address = reverse(page, args=keys)
        found = self.browser.open(address)
        if is_at(found, "account_login"):
            self.log_in(found)
            found = self.browser.open(address)
        return found

    def log_in(self, page: Page) -> Page:
        """Raises Refused where the account is not let in."""
        return self.browser.fill_in(page, login=self.run.email, password=self.password)

    @property
    def password(self) -> str:
        """Kept nowhere: it follows from the address. Written so that it is not like the digits of that."""
        return base64.b32encode(salted_hmac(SALT, self.run.email, algorithm="sha256").digest()).decode()


Look = Callable[[Visit], str]


@dataclass(frozen=True)
class Stage:
    """`again`: how long it waits between two looks. What is not done by the deadline has failed."""

    name: str
    title: str
    look: Look
    deadline: timedelta = PROMPT
    again: timedelta = SOON


def is_at(page: Page, name: str) -> bool:
    """Whether one has come to the page of that name."""
    match = _match(page.path)
    return match is not None and match.url_name == name


def sign_up(visit: Visit) -> str:
    form = visit.browser.open(reverse("account_signup"))
    name = f"Canary {visit.run.slug}"
    page = visit.browser.fill_in(form, name=name, email=visit.run.email, password1=visit.password)
    return _come_to(page, "account_email_verification_sent")


def verify(visit: Visit) -> str:
    """By the link of the mail, which a mail server has taken."""
    form = re.escape(settings.PORTAL_URL) + reverse("account_confirm_email", args=["KEY"]).replace("KEY", r"[^/\s]+")
    link = re.search(form, visit.run.letter)
    if link is None:
        return "No mail with a link has gone out to it."
    visit.browser.open(link.group(0))
    return _come_to(visit.open("account"), "account")


def name_organization(visit: Visit) -> str:
    page = visit.open("organization_new")
    if is_at(page, "organization_new"):
        page = visit.browser.fill_in(page, name=visit.run.slug)
    return _come_to(page, "instance_new", "home", "instance_list")


def start_trial(visit: Visit) -> str:
    """Where the form is not shown any more, the trial has been asked for before: it is in the list."""
    page = visit.open("instance_new")
    if "slug" in page.fields:
        page = visit.browser.fill_in(page, slug=visit.run.slug, region=visit.run.region)
        _come_to(page, "operation_detail")
    page = visit.open("instance_list")
    matches = filter(None, map(_match, page.links.values()))
    found = next((match for match in matches if match.url_name == "instance_detail"), None)
    if found is None:
        raise Unwell("No trial is in the list of instances.")
    visit.known["instance"] = found.kwargs["instance_id"]
    return ""


def wait_until_ready(visit: Visit) -> str:
    page = _instance(visit)
    address = page.link("Open instance")
    if not address:
        return "It does not run yet."
    visit.known["address"] = address
    return ""


def open_instance(visit: Visit) -> str:
    """What its people get to see first. It is reached as they reach it, or through INSTANCE_GATEWAY."""
    page = front_page(urlsplit(visit.known["address"]).hostname or "")
    if "Sourcegraph" not in page.words:
        raise Unwell(f"{visit.known['address']} shows something else: “{page.words[:80]}”.")
    return ""


def delete_instance(visit: Visit) -> str:
    page = visit.open("instance_delete", visit.known["instance"])
    if is_at(page, "instance_delete"):
        page = visit.browser.fill_in(page, confirmation=visit.run.slug)
    return _come_to(page, "operation_detail", "instance_detail")


def wait_until_gone(visit: Visit) -> str:
    """What is gone has a certificate of that."""
    return "" if _instance(visit).link("Certificate") else "It is not gone yet."


def close_account(visit: Visit) -> str:
    """Done is it when nobody is let in any more, whoever closed it."""
    page = visit.browser.open(reverse("account_close"))
    if is_at(page, "account_login"):
        try:
            page = visit.log_in(page)
        except Refused:
            return ""
        page = visit.browser.open(reverse("account_close"))
    visit.browser.fill_in(page, confirmation=visit.run.email)
    try:
        page = visit.log_in(visit.browser.open(reverse("account_login")))
    except Refused:
        return ""
    raise Unwell(f"The account is closed, and still led to {page.path}.")


STAGES: Final = (
    Stage("sign-up", "Signs up", sign_up),
    Stage("verify", "Confirms its address", verify, PATIENT),
    Stage("organization", "Names an organization", name_organization),
    Stage("trial", "Starts a trial", start_trial),
    Stage("ready", "Waits until it runs", wait_until_ready, LONG, WHILE_IT_COMES),
    Stage("open", "Opens it", open_instance, PATIENT),
    Stage("delete", "Deletes it", delete_instance),
    Stage("gone", "Waits until it is gone", wait_until_gone, LONG, WHILE_IT_COMES),
    Stage("close", "Closes its account", close_account),
)
BY_NAME: Final = {stage.name: stage for stage in STAGES}


def after(stage: Stage) -> Stage | None:
    """The stage that comes next; None after the last."""
    return next(iter(STAGES[STAGES.index(stage) + 1 :]), None)


def _instance(visit: Visit) -> Page:
    """Its page. Raises Refused with what that says, where what was begun has stopped before its end."""
    page = visit.open("instance_detail", visit.known["instance"])
    if page.complaints:
        raise Refused(" ".join(page.complaints))
    return page


def _come_to(page: Page, *names: str) -> str:
    """Nothing is waited for. Raises Unwell for a page that is none of these."""
    if not any(is_at(page, name) for name in names):
        raise Unwell(f"It came to {page.path}, “{page.heading}”.")
    return ""


def _match(path: str) -> ResolverMatch | None:
    try:
        return resolve(path)
    except Resolver404:
        return None
