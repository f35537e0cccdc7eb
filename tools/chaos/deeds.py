"""What is asked for while the storm blows: new instances, changes of those that run, and their end."""

import random
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

from django.db.models import QuerySet

from portal.core import clock
from portal.core.audit import Actor
from portal.core.errors import Conflict
from portal.core.models import Organization, User
from provisioning.models import (
    Channel,
    Cluster,
    Instance,
    InstanceStatus,
    Kind,
    Operation,
    OperationKind,
    Release,
    Size,
)
from provisioning.models.operations import LIVE
from provisioning.services import (
    cluster_add,
    instance_create,
    instance_delete,
    instance_repair,
    instance_resize,
    instance_upgrade,
)
from provisioning.services.instances import Wish
from provisioning.services.releases import release_import, release_publish
from tools.chaos.census import Census

BROUGHT_EVERY = 2
SIZES = ("xs", "s", "s-ha", "m")
COMING_VERSIONS = range(12, 32)


class Deed(StrEnum):
    CREATE = "create"
    UPGRADE = "upgrade"
    RESIZE = "resize"
    REPAIR = "repair"
    DELETE = "delete"
    INTERRUPT = "interrupt"  # delete what is just being built or changed


# As many new instances as deletions, so that a long storm does not drown in them.
DECK = {Deed.CREATE: 3, Deed.UPGRADE: 3, Deed.RESIZE: 4, Deed.REPAIR: 2, Deed.DELETE: 2, Deed.INTERRUPT: 1}


class Customer:
    """One who asks for a great deal. `asked_for` are the operations; `duplicates` what was found before deletions."""

    def __init__(self, *, seed: int, census: Census) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - it is to be repeatable, as far as timing lets it
        self._census = census
        self._made = 0
        self._deck: list[Deed] = []
        self.asked_for: set[str] = set()
        self.duplicates: list[str] = []
        user = User.objects.create_user("chaos@portal.example", None, name="Chaos")
        self._organization = Organization.objects.create(name="Chaos", slug="chaos", email_domain="portal.example")
        self._actor = Actor(user, user.email)
        self._cluster = self._bring_cluster()
        self._deeds: dict[Deed, Callable[[], bool]] = {
            Deed.CREATE: self.create,
            Deed.UPGRADE: lambda: self._to_one(_idle(), self.upgrade),
            Deed.RESIZE: lambda: self._to_one(_idle(), self.resize),
            Deed.REPAIR: lambda: self._to_one(_idle(), self.repair),
            Deed.DELETE: lambda: self._to_one(_idle(), self.delete),
            Deed.INTERRUPT: lambda: self._to_one(_busy(), self.delete),
        }

    def ask(self) -> None:
        """One more operation: of the cards that are left the first that can be played; a new instance if none can."""
        if not self._deck:
            self._deck = self._dice.sample(list(DECK), counts=list(DECK.values()), k=sum(DECK.values()))
        for deed in list(self._deck):
            if self._deeds[deed]():
                self._deck.remove(deed)
                return
        self.create()

    def create(self) -> bool:
        slug = f"chaos-{self._made + 1}"
        cluster = self._cluster if (self._made + 1) % BROUGHT_EVERY == 0 else None
        if not Instance.objects.filter(slug=slug).exists():  # it is there if the answer of the commit was lost
            wish = Wish(slug=slug, kind=Kind.INTERNAL, cluster=cluster)
            instance_create(organization=self._organization, wish=wish, actor=self._actor)
        self.asked_for.add(Operation.objects.get(instance__slug=slug, kind=OperationKind.PROVISION).pk)
        self._made += 1
        return True

    def upgrade(self, instance: Instance) -> bool:
        """To the release after its own. False when there is none."""
        newer = Release.objects.filter(released_at__gt=instance.release.released_at).order_by("released_at").first()
        return newer is not None and self._ask(
            lambda: instance_upgrade(instance=instance, release=newer, actor=self._actor)
        )

    def resize(self, instance: Instance) -> bool:
        """To a larger or a smaller size."""
        size = self._dice.choice([name for name in SIZES if name != instance.size_id])
        return self._ask(lambda: instance_resize(instance=instance, size=Size.objects.get(pk=size), actor=self._actor))

    def repair(self, instance: Instance) -> bool:
        return self._ask(lambda: instance_repair(instance=instance, actor=self._actor))

    def delete(self, instance: Instance) -> bool:
        found = self._census.duplicates_of([instance.pk, instance.domain])
        self.duplicates += [f"{instance}: {what}" for what in found]
        return self._ask(lambda: instance_delete(instance=instance, confirmation=instance.slug, actor=self._actor))

    def _ask(self, request: Callable[[], Operation]) -> bool:
        """Whether it was granted. A conflict is with what was asked for before, and whose answer was lost."""
        try:
            self.asked_for.add(request().pk)
        except Conflict:
            return False
        return True

    def _to_one(self, instances: QuerySet[Instance], deed: Callable[[Instance], bool]) -> bool:
        found = list(instances.select_related("release", "size").order_by("pk"))
        return bool(found) and deed(self._dice.choice(found))

    def _bring_cluster(self) -> Cluster:
        return cluster_add(
            organization=self._organization,
            name="brought",
            kubeconfig=self._census.bring_cluster(),
            has_cluster_wide_rights=False,
            actor=self._actor,
        )


def prepare_releases() -> None:
    """New instances are of the oldest release there is, and one upgrade after another lies before them."""
    now, actor = clock.now(), Actor(None, "chaos")
    for days, minor in enumerate(COMING_VERSIONS, start=1):
        imported = release_import(app_version=f"5.{minor}.0", actor=actor)
        release_publish(release=imported, actor=actor)
        Release.objects.filter(pk=imported.pk).update(released_at=now + timedelta(days=days))
    oldest = Release.objects.order_by("released_at")[0]
    Release.objects.exclude(pk=oldest.pk).update(channel=Channel.EARLY)


def _idle() -> QuerySet[Instance]:
    return Instance.objects.filter(status=InstanceStatus.RUNNING).exclude(operations__status__in=LIVE)


def _busy() -> QuerySet[Instance]:
    """Those being built or changed, whose end is not asked for yet."""
    busy = Operation.objects.filter(status__in=LIVE)
    return Instance.objects.filter(operations__in=busy).exclude(operations__kind=OperationKind.TEARDOWN)
