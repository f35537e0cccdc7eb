"""The one way into an instance: by an open access, with a token of minutes, in the customer's audit (decision 21).

Nothing else may call provisioning.clients.diagnostics. What is seen is answered and kept nowhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Forbidden
from provisioning.clients import diagnostics
from provisioning.clients.diagnostics import EventSeen, Place, PodSeen, RevisionSeen, Unseen
from provisioning.clients.google import GoogleError, NotFound
from provisioning.clients.google.session import NO_ANSWER
from provisioning.fleet.access import CALL_SECONDS, is_open, token_seconds
from provisioning.models import Access, InstanceStatus, Tenancy
from provisioning.outcomes import NotYet, Refused
from provisioning.spec import InstanceSpec, spec_of
from provisioning.steps import gke, names


class What(StrEnum):
    PODS = "pods"
    LOG = "log"
    EVENTS = "events"
    REVISIONS = "revisions"


@dataclass(frozen=True)
class Wish:
    """What is to be looked at. Pod and container are named for a log."""

    what: What
    pod: str = ""
    container: str = ""


@dataclass(frozen=True)
class Sight:
    """What was seen: of these, what was wished for."""

    pods: tuple[PodSeen, ...] = ()
    lines: tuple[str, ...] = ()
    events: tuple[EventSeen, ...] = ()
    revisions: tuple[RevisionSeen, ...] = ()


def access_look(*, access: Access, wish: Wish, actor: Actor) -> Sight:
    """What was wished for, as it is now. That it was looked at is in the audit before anything is, and stays there
    where nothing could be seen.

    Raises as `open_access` does, and Conflict with a sentence where the instance cannot be looked into.
    """
    with transaction.atomic():
        held = open_access(access, actor)
        _tell(held, wish, actor)
    with _sentences():
        return _seen(_place_of(held), wish)


def open_access(access: Access, actor: Actor) -> Access:
    """The access, as it is written down now: it is open, and whoever acts has asked for it.

    Raises Forbidden for anybody else, whoever they are; Conflict once it is over, and for an instance that is deleted
    or in a cluster of the customer's own.
    """
    row = Access.objects.select_related("instance__release", "instance__size", "asked_by").get(pk=access.pk)
    user = actor.user
    if user is None or user.pk != row.asked_by_id or not user.is_active or not user.is_staff:
        raise Forbidden("Only who has asked may look, and only as long as they run the fleet.")
    if not is_open(row, clock.now()):
        raise Conflict("This access is not open. Ask for one, and say why.")
    if row.instance.status == InstanceStatus.DELETED or row.instance.tenancy == Tenancy.BYOK:
        raise Conflict("There is nothing to look into.")
    return row


def token_for(access: Access) -> str:
    """A token for one look, dead when the access is at the latest. Raises Conflict in the last seconds of an access."""
    seconds = token_seconds(access, clock.now())
    if seconds == 0:
        raise Conflict("This access ends in a moment: there is no time left for a look.")
    return gke.token_of(spec_of(access.instance), lifetime_seconds=seconds, timeout_seconds=CALL_SECONDS)


def _place_of(access: Access) -> Place:
    spec: InstanceSpec = spec_of(access.instance)
    document = gke.kubeconfig_of(spec, token=token_for(access), timeout_seconds=CALL_SECONDS)
    return Place(document, names.namespace(spec), CALL_SECONDS)


def _seen(place: Place, wish: Wish) -> Sight:
    match wish.what:
        case What.PODS:
            return Sight(pods=diagnostics.pods_seen(place))
        case What.LOG:
            return Sight(lines=diagnostics.log_seen(place, wish.pod, wish.container))
        case What.EVENTS:
            return Sight(events=diagnostics.events_seen(place))
        case What.REVISIONS:
            return Sight(revisions=diagnostics.revisions_seen(place, names.RELEASE))


@contextmanager
def _sentences() -> Iterator[None]:
    """Whatever is in the way of a look is said as a sentence. Raises Conflict."""
    try:
        yield
    except Unseen as error:
        raise Conflict(str(error)) from None
    except NotFound:
        raise Conflict("It has no cluster that could be looked into.") from None
    except NotYet as waiting:
        raise Conflict(f"It cannot be looked into yet. It waits for {waiting.why}.") from None
    except (GoogleError, Refused) as error:
        raise Conflict(f"Google does not let us in: {error}") from None
    except NO_ANSWER:
        raise Conflict(f"Google cannot be reached, or did not answer within {CALL_SECONDS} seconds.") from None


def _tell(access: Access, wish: Wish, actor: Actor) -> None:
    named = {"pod": wish.pod, "container": wish.container} if wish.what == What.LOG else {}
    record(
        "access.look",
        access,
        organization_id=access.instance.organization_id,
        actor=actor,
        reason=access.reason,
        details={"instance": access.instance_id, "ticket": access.ticket, "what": wish.what.value, **named},
    )
