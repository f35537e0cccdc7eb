"""Instances in great number, for benchmarks: rows as the services make them, made at once."""

from portal.core.audit import Actor
from portal.core.models import Organization, User
from provisioning.models import Instance, InstanceStatus, Kind, Release, Size


def actor() -> tuple[Organization, Actor]:
    user = User.objects.create_user("bench@portal.example", None, name="Bench")
    organization = Organization.objects.create(name="Bench", slug="bench", email_domain="portal.example")
    return organization, Actor(user, user.email)


def idle_instances(count: int, organization: Organization, by: Actor) -> list[Instance]:
    """So many running instances, of which nothing stands anywhere."""
    size, release = Size.objects.get(pk="xs"), Release.objects.latest("released_at")
    return Instance.objects.bulk_create(
        Instance(
            organization=organization,
            slug=f"bench-{number}",
            domain=f"bench-{number}.portal.example",
            kind=Kind.INTERNAL,
            size=size,
            release=release,
            admin_email="bench@portal.example",
            status=InstanceStatus.RUNNING,
            created_by=by.user,
        )
        for number in range(count)
    )
