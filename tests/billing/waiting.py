"""Organizations that ask for trials, and the caps that are in their way."""

from billing.models import TrialPolicy, TrialRequest
from billing.selectors.trials import Waiting, waiting_of
from billing.services.waiting_list import trial_ask, waiting_list_drain
from portal.core.audit import Actor
from portal.core.models import Organization, Role
from provisioning.models import Instance
from tests.conftest import member


def newcomer(name: str) -> tuple[Organization, Actor]:
    """An organization of that name, and its owner's hand."""
    organization = Organization.objects.create(name=name.title(), slug=name, email_domain=f"{name}.example")
    owner = member(organization, f"owner@{name}.example", Role.OWNER, "An Owner")
    return organization, Actor(owner, owner.email)


def caps(**fields) -> None:
    TrialPolicy.objects.update(**fields)


def ask(organization: Organization, actor: Actor, slug: str = "", region: str = "us-central1") -> Instance | Waiting:
    return trial_ask(organization=organization, slug=slug or organization.slug, region=region, actor=actor)


def wait(organization: Organization, actor: Actor, slug: str = "") -> TrialRequest:
    """It is on the list, for there is no room just now."""
    caps(is_open=False)
    asked = ask(organization, actor, slug)
    assert isinstance(asked, Waiting)
    return asked.request


def queue(count: int) -> list[TrialRequest]:
    return [wait(*newcomer(f"company-{number}")) for number in range(count)]


def drain(**fields) -> int:
    caps(is_open=True, **fields)
    return waiting_list_drain()


def states() -> list[str]:
    return list(TrialRequest.objects.order_by("pk").values_list("state", flat=True))


def position(organization: Organization) -> int:
    place = waiting_of(organization)
    assert place
    return place.position
