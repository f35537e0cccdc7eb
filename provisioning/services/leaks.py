"""Leaks, both ways: what is ours in the cloud and nobody owns, and instances whose own is gone.

Each listing is a source and a task of its own. Only a complete pass of a source opens and resolves its leaks; one that
fails leaves them as they were, and leaves the other sources alone.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from provisioning.engine.survey import Finding, Verdict
from provisioning.models import BUILT, Cluster, Instance, InstanceStatus, Leak, Operation, OperationKind, Tenancy
from provisioning.models.operations import LIVE
from provisioning.outcomes import NotYet, Refused
from provisioning.services.operations import operation_request
from provisioning.services.sending import send, send_on_commit
from provisioning.steps import inventory
from provisioning.steps.inventory import Found
from provisioning.turns import NotItsTurn, turn

LIST = "provisioning.tasks.list_source"
PROJECTS, ZONE = "projects", "dns"
TRIES = 5
PAUSE = timedelta(seconds=30)
LISTINGS_LAG = timedelta(hours=1)  # what has just been deleted may still be listed
ORPHAN, GONE = Leak.Kind.ORPHAN, Leak.Kind.GONE
Leaks = Mapping[tuple[str, str], str]  # kind and resource: the instance's id
log = structlog.get_logger(__name__)


def leaks_check_request(*, actor: Actor) -> None:
    """Every source is being listed anew."""
    log.info("leaks are looked for", by=actor.label)
    for source in sources():
        send_on_commit(LIST, source, expires=None)


def sources() -> list[str]:
    """All listings that there are: the projects, the shared zone, and each brought cluster."""
    return [PROJECTS, ZONE, *(f"cluster:{pk}" for pk in Cluster.objects.values_list("pk", flat=True))]


def leaks_send_all() -> None:
    """A task for each source is called."""
    for source in sources():
        send(LIST, source, expires=None)


def leaks_look_for(source: str, tries: int = 1) -> str:
    """The source's leaks are as a complete listing says, and "" is answered; or they stay, and the reason is.

    What may pass is tried again later, a few times.
    """
    try:
        with turn(f"list/{source}"):
            leaks = _listing(source)()
    except NotItsTurn as line:
        send(LIST, source, tries, after=line.again * float(settings.ENGINE_PACE))
        return line.why
    except Refused as refused:
        log.warning("a listing was refused; its leaks stay as they were", source=source, error=str(refused))
        return str(refused)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one source, the others are listed
        log.warning("a listing did not come; its leaks stay as they were", source=source, error=str(error), tries=tries)
        if tries < TRIES:
            send(LIST, source, tries + 1, after=error.again if isinstance(error, NotYet) else PAUSE * tries)
        return str(error) or type(error).__name__
    _record(source, leaks)
    return ""


def missing_recorded(*, instance_id: str, findings: Iterable[Finding]) -> None:
    """What a drift survey found missing is an open leak of its instance; what it found again is resolved."""
    missing = (finding.resource for finding in findings if finding.verdict is Verdict.MISSING and finding.resource)
    _record(f"drift:{instance_id}", {(GONE, resource): instance_id for resource in missing})


def leak_remove(*, leak: Leak, actor: Actor, reason: str) -> Operation:
    """A teardown of the deleted instance that left it runs again, and will prove that nothing is left.

    Raises Invalid for what that cannot remove, with what to do instead.
    """
    instance = Instance.objects.filter(pk=leak.instance_id).first()
    if leak.kind == GONE:
        raise Invalid("There is nothing to remove: it is gone. Repair the instance, or delete it.")
    if instance is None:
        raise Invalid(
            f"No instance is known that {leak.resource} belongs to. Find out who made it, then remove it by hand; "
            "the next check closes the leak."
        )
    if instance.status != InstanceStatus.DELETED:
        raise Conflict(f"{instance.slug} is {instance.status}: delete the instance, and this goes with it.")
    with transaction.atomic():
        operation = operation_request(instance=instance, kind=OperationKind.TEARDOWN, actor=actor, reason=reason)
        record(
            "leak.remove",
            leak,
            organization_id=instance.organization_id,
            actor=actor,
            reason=reason,
            details={"resource": leak.resource, "instance": instance.pk, "operation": operation.pk},
        )
    return operation


def _listing(source: str) -> Callable[[], Leaks]:
    if source == PROJECTS:
        return _in_projects
    if source == ZONE:
        return lambda: _orphans(inventory.names_in_zone)
    cluster = Cluster.objects.get(pk=source.removeprefix("cluster:"))
    return lambda: _orphans(lambda: inventory.things_in_cluster(cluster))


def _in_projects() -> Leaks:
    """Orphaned projects, and built instances that have lost theirs: a listing may lag, so each is asked about."""
    found: list[Found] = []

    def listing() -> list[Found]:
        found.extend(inventory.projects())
        return found

    orphans = _orphans(listing)
    listed = {project.instance_id for project in found}
    unlisted = [pk for pk in _built().values_list("pk", flat=True) if pk not in listed]
    lost = [pk for pk in unlisted if inventory.has_lost_project(pk)]
    _resolve_of_the_deleted()
    return {**orphans, **{(GONE, inventory.project_resource(pk)): pk for pk in lost}}


def _orphans(listing: Callable[[], Iterable[Found]]) -> Leaks:
    """What is listed and no instance owns.

    An instance's row is there before anything of it and is deleted after everything: owned is what has an owner
    before the listing or after it.
    """
    before = _owners()
    found = list(listing())
    owners = before | _owners()
    return {(ORPHAN, thing.resource): thing.instance_id for thing in found if thing.instance_id not in owners}


def _owners() -> set[str]:
    lately = Q(deleted_at__gt=clock.now() - LISTINGS_LAG)
    return set(Instance.objects.filter(~Q(status=InstanceStatus.DELETED) | lately).values_list("pk", flat=True))


def _built() -> QuerySet[Instance]:
    """Instances that should have a project, and on which nothing is being done."""
    changing = Operation.objects.filter(instance=OuterRef("pk"), status__in=LIVE)
    return Instance.objects.filter(~Exists(changing), status__in=BUILT, tenancy=Tenancy.DEDICATED)


def _resolve_of_the_deleted() -> None:
    """Nobody misses what a deleted instance had, and no survey looks at it again."""
    built = Instance.objects.filter(pk=OuterRef("instance_id"), status__in=BUILT)
    Leak.objects.filter(~Exists(built), kind=GONE, resolved_at__isnull=True).update(resolved_at=clock.now())


@transaction.atomic
def _record(source: str, leaks: Leaks) -> None:
    """The source's open leaks are these: known ones are seen again, new ones opened, the others resolved."""
    now = clock.now()
    known = Leak.objects.select_for_update().filter(source=source, resolved_at__isnull=True)
    again = [leak.pk for leak in known if (leak.kind, leak.resource) in leaks]
    Leak.objects.filter(pk__in=again).update(last_seen_at=now)
    Leak.objects.filter(source=source, resolved_at__isnull=True).exclude(pk__in=again).update(resolved_at=now)
    Leak.objects.bulk_create(
        [
            Leak(
                kind=kind,
                resource=resource,
                source=source,
                instance_id=instance_id if len(instance_id) <= 24 else "",
                first_seen_at=now,
                last_seen_at=now,
            )
            for (kind, resource), instance_id in leaks.items()
        ],
        ignore_conflicts=True,  # already open, by this pass or by another source
    )
