"""`manage.py seed_demo`: the people of the demo, and a release that nobody has yet.

There is an instance that is coming up, with how it was used and how it did until now.

Run twice, it changes nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from portal.core import clock
from portal.core.audit import Actor
from portal.core.models import Membership, Organization, Role, User
from provisioning.fleet.catalogue import load_catalogue
from provisioning.models import Instance, Kind, Outage, Release, UptimeDay, Usage
from provisioning.services import instance_create
from provisioning.services.instances import Wish
from provisioning.services.releases import Terms, release_import

DAYS_OF_USE = 30
FIRST_SEATS, LAST_SEATS = 14, 31  # as many as tools/demo.py tells the application that there are
SATURDAY = 5
DAYS_OF_UPTIME, A_DAY_SECONDS = 60, 86_400
LOST = {8: (95, 0), 19: (240, 240), 34: (410, 0)}  # by days ago: seconds down, and of these planned
NEXT = "5.12.0"
NOTES = "Search is faster in large repositories, and batch changes show what they wait for."
PASSWORD = "let me in, please"  # noqa: S105 - the demo's, printed when it starts


@dataclass(frozen=True)
class Login:
    email: str
    name: str
    what: str
    flags: dict[str, bool]


LOGINS = (
    Login("alice@acme.example", "Alice Archer", "customer without an instance yet: start a trial", {}),
    Login("charlie@globex.example", "Charlie Carter", "customer whose instance is coming up or running", {}),
    Login(
        "sam@portal.example",
        "Sam Summers",
        "sales, at a desk of their own: all customers, and what needs a person",
        {"is_sales": True},
    ),
    Login(
        "ada@portal.example",
        "Ada Adler",
        "admin, at /admin/: publish 5.12.0 there, and roll it out",
        {"is_staff": True, "is_superuser": True},
    ),
)
CUSTOMERS = {"Acme": "alice@acme.example", "Globex": "charlie@globex.example"}


class Command(BaseCommand):
    help = "Makes the demo's people, organizations and first instance, where they are missing. Only with DEMO=1."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        if not settings.DEMO:
            raise CommandError("This makes people with a known password. It runs only where DEMO=1 is set.")
        load_catalogue()
        people = {login.email: _person(login) for login in LOGINS}
        for name, owner in CUSTOMERS.items():
            _organization(name, people[owner])
        _first_instance(people["charlie@globex.example"])
        _next_release(people["ada@portal.example"])
        for login in LOGINS:
            self.stdout.write(f"{login.email:<24} {login.what}")
        self.stdout.write(f"{'password for all:':<24} {PASSWORD}")


def _person(login: Login) -> User:
    user = User.objects.filter(email=login.email).first()
    if user is None:
        user = User.objects.create_user(login.email, PASSWORD, name=login.name, **login.flags)
        EmailAddress.objects.create(user=user, email=login.email, primary=True, verified=True)
    return user


def _organization(name: str, owner: User) -> None:
    slug = name.lower()
    domain = owner.email.split("@")[1]
    organization, _ = Organization.objects.get_or_create(slug=slug, defaults={"name": name, "email_domain": domain})
    Membership.objects.get_or_create(organization=organization, user=owner, defaults={"role": Role.OWNER})


def _first_instance(owner: User) -> None:
    organization = owner.organizations.get()
    if Instance.objects.filter(organization=organization).exists():
        return
    wish = Wish(slug="globex", kind=Kind.PRODUCTION, size="s")
    by_owner = Actor(owner, owner.email)
    instance = instance_create(organization=organization, wish=wish, actor=by_owner, reason="The demo's first.")
    _use(instance)
    _uptime(instance)


def _use(instance: Instance) -> None:
    """A month of counts, as if it had been there: more people every week, and hardly anybody at weekends."""
    now = clock.now()
    for ago in range(DAYS_OF_USE):
        at = now - timedelta(days=ago)
        seats = LAST_SEATS - (LAST_SEATS - FIRST_SEATS) * ago // (DAYS_OF_USE - 1)
        figures = {
            "seats": seats,
            "active_1d": 2 if at.weekday() >= SATURDAY else seats * 2 // 5,
            "active_7d": seats * 3 // 5,
            "active_30d": seats * 4 // 5,
            "repositories": 200 + 2 * (DAYS_OF_USE - ago),
            "batch_changes": 1 + (DAYS_OF_USE - ago) // 10,
        }
        Usage.objects.create(instance=instance, day=at.date(), counted_at=at, figures=figures)


def _uptime(instance: Instance) -> None:
    """Two months of days, as if it had been there: two outages, and one night of maintenance."""
    today = clock.now().date()
    for ago in range(1, DAYS_OF_UPTIME):
        down, planned = LOST.get(ago, (0, 0))
        day = today - timedelta(days=ago)
        lost = {"down_seconds": down, "planned_seconds": planned}
        UptimeDay.objects.create(instance=instance, day=day, watched_seconds=A_DAY_SECONDS, **lost)
        if down > planned:
            began_at = datetime.combine(day, time(14, 3), UTC)
            ended_at = began_at + timedelta(seconds=down)
            what = "It answers 503 Service Unavailable."
            Outage.objects.create(instance=instance, began_at=began_at, ended_at=ended_at, what=what)


def _next_release(admin: User) -> None:
    if not Release.objects.filter(app_version=NEXT).exists():
        release_import(app_version=NEXT, actor=Actor(admin, admin.email), terms=Terms(notes=NOTES))
