"""What pages and calls cost at a thousand instances, each of a customer of its own, with months of what was seen.

worst_p95_ratio: the 95th percentile of the slowest of ten pages, over that of the plainest page that somebody who is
signed in can have (tools.benchmarks.plain), on the same server, asked by turns. One process serves, and one asks: it is
the work of a page that is measured, and not how many fit beside each other. `queries` are statements to the database.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

import httpx  # noqa: E402 - Django has to be set up first
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from portal.core import clock  # noqa: E402
from portal.core.audit import Actor, record  # noqa: E402
from portal.core.models import Membership, Organization, Role, User  # noqa: E402
from portal.core.tokens import token_create  # noqa: E402
from provisioning.models import (  # noqa: E402
    Alert,
    AlertRule,
    Instance,
    InstanceStatus,
    Kind,
    Operation,
    Outage,
    ProbeTally,
    Release,
    Size,
    Step,
    UptimeDay,
    Usage,
)
from tools.paths import PROJECT  # noqa: E402
from tools.ports import HOST, any_free  # noqa: E402

DAYS, HOURS = 90, 24 * 40  # a million rows of hours and days at a thousand instances
ROUNDS, WARM_ROUNDS = 60, 5
PATIENCE_SECONDS = 30.0
PLAIN = "/plain/"
BATCH = 5_000


@dataclass(frozen=True)
class Page:
    """A page or a call: its name, where it is, and who asks for it."""

    name: str
    address: str
    who: str


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1_000, help="instances")
    count = parser.parse_args().count
    people, instance, operation, token = _fleet(count)
    pages = _pages(instance, operation)
    headers = {name: {"Cookie": _cookie(person)} for name, person in people.items()}
    headers["program"] = {"Authorization": f"Bearer {token}"}
    queries = {page.name: _queries(page, people, headers) for page in pages}
    with _server() as port:
        seconds = _measured(port, pages, headers)
    p95 = {name: statistics.quantiles(taken, n=20)[-1] for name, taken in seconds.items()}
    plain = p95.pop("plain")
    ratios = {name: round(value / plain, 2) for name, value in p95.items()}
    for name in sorted(ratios, key=lambda name: -ratios[name]):
        print(f"{name}: {1000 * p95[name]:.1f} ms, {ratios[name]} times the plainest, {queries[name]} queries")  # noqa: T201
    result = {
        "worst_p95_ratio": max(ratios.values()),
        "plain_p95_ms": round(1000 * plain, 2),
        "p95_ratios": ratios,
        "queries": queries,
        "instances": count,
        "rows": ProbeTally.objects.count() + UptimeDay.objects.count(),
    }
    print(json.dumps(result))  # noqa: T201


def _pages(instance: Instance, operation: Operation) -> list[Page]:
    own = f"/instances/{instance.pk}/"
    return [
        Page("plain", PLAIN, "customer"),
        Page("instances", "/instances/", "customer"),
        Page("instance", own, "customer"),
        Page("health", f"{own}health/", "customer"),
        Page("subscription", f"{own}subscription/", "customer"),
        Page("progress", f"{own}operations/{operation.pk}/", "customer"),
        Page("desk", "/desk/customers/", "sales"),
        Page("admin overview", "/admin/", "staff"),
        Page("admin instances", "/admin/provisioning/instance/", "staff"),
        Page("API instances", "/api/v1/instances", "program"),
        Page("API instance", f"/api/v1/instances/{instance.pk}", "program"),
    ]


def _fleet(count: int) -> tuple[dict[str, User], Instance, Operation, str]:
    """The people, one instance of many with an operation on it, and a token of its organization."""
    customer = User.objects.create_user("customer@bench.example", None, name="Customer")
    staff = User.objects.create_user("staff@portal.example", None, name="Staff", is_staff=True, is_superuser=True)
    sales = User.objects.create_user("sales@portal.example", None, name="Sales", is_sales=True)
    organizations = Organization.objects.bulk_create(
        Organization(name=f"Customer {number}", slug=f"customer-{number}", email_domain=f"{number}.example")
        for number in range(count)
    )
    Membership.objects.create(organization=organizations[0], user=customer, role=Role.OWNER)
    instances = _instances(organizations, staff)
    _history(instances)
    operation = _operation(instances[0], customer)
    scopes = ["instances:read"]
    by = Actor(customer, customer.email)
    _, token = token_create(organization=organizations[0], name="bench", scopes=scopes, actor=by)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {"customer": customer, "staff": staff, "sales": sales}, instances[0], operation, token


def _instances(organizations: Sequence[Organization], by: User) -> list[Instance]:
    size, release = Size.objects.get(pk="s"), Release.objects.latest("released_at")
    return Instance.objects.bulk_create(
        Instance(
            organization=organization,
            slug=organization.slug,
            domain=f"{organization.slug}.sourcegraph.localhost",
            kind=Kind.PRODUCTION,
            size=size,
            release=release,
            admin_email=by.email,
            status=InstanceStatus.RUNNING,
            created_by=by,
        )
        for organization in organizations
    )


def _history(instances: Sequence[Instance]) -> None:
    """What a prober, pings and people have left behind."""
    now = clock.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    rule = AlertRule.objects.get(pk="instance-down")
    for instance in instances:
        ProbeTally.objects.bulk_create(
            ProbeTally(instance=instance, hour=hour - timedelta(hours=ago), probes=120, minutes=60)
            for ago in range(HOURS)
        )
        UptimeDay.objects.bulk_create(
            UptimeDay(instance=instance, day=now.date() - timedelta(days=ago), watched_seconds=86_400, down_seconds=ago)
            for ago in range(DAYS)
        )
        Usage.objects.create(instance=instance, day=now.date(), counted_at=now, figures={"seats": 20, "active_7d": 5})
    many = instances[:: max(1, len(instances) // 100)]
    Outage.objects.bulk_create(
        Outage(
            instance=each, began_at=now - timedelta(days=3), ended_at=now - timedelta(days=3, seconds=-60), what="503"
        )
        for each in many
    )
    Alert.objects.bulk_create(
        Alert(rule=rule, subject=each.pk, instance=each, sentence="It is down.", opened_at=now, told_at=now)
        for each in many
    )
    for _ in range(200):
        record("instance.look", instances[0], organization_id=instances[0].organization_id, actor_label="bench")


def _operation(instance: Instance, by: User) -> Operation:
    """An upgrade in its midst, with steps as they are in life."""
    from provisioning.engine import graph

    operation = Operation.objects.create(
        instance=instance, kind="upgrade", status="running", wanted={}, requested_by=by, started_at=clock.now()
    )
    nodes = graph.workflow_of("upgrade").for_tenancy(instance.tenancy)
    Step.objects.bulk_create(
        Step(operation=operation, name=node.name, position=position, needs=list(node.needs), queue="steps")
        for position, node in enumerate(nodes)
    )
    return operation


def _cookie(person: User) -> str:
    client = Client()
    client.force_login(person)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def _queries(page: Page, people: Mapping[str, User], headers: Mapping[str, Mapping[str, str]]) -> int:
    """In this process; the plain page is the server's own."""
    if page.address == PLAIN:
        return 0
    known = {name: value for name, value in headers[page.who].items() if name != "Cookie"}
    client = Client(headers=known, SERVER_NAME=HOST)
    if page.who in people:
        client.force_login(people[page.who])
    client.get(page.address)
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(page.address)
    if answer.status_code != 200:
        raise SystemExit(f"{page.name} answered {answer.status_code}.")
    return len(asked)


@contextmanager
def _server() -> Iterator[int]:
    """One process of gunicorn, as in docker-compose.yml but for their number."""
    port = any_free()
    command = ["gunicorn", "tools.benchmarks.plain:application", "--bind", f"{HOST}:{port}", "--workers", "1"]
    server = subprocess.Popen([sys.executable, "-m", *command, "--keep-alive", "30"], env=os.environ, cwd=PROJECT)
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            try:
                httpx.get(f"http://{HOST}:{port}/healthz", trust_env=False)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                break
        yield port
    finally:
        server.terminate()
        server.wait()


def _measured(port: int, pages: Sequence[Page], headers: Mapping[str, Mapping[str, str]]) -> dict[str, list[float]]:
    """By page how long each answer took; all by turns, so that what disturbs one disturbs all."""
    taken: defaultdict[str, list[float]] = defaultdict(list)
    with httpx.Client(base_url=f"http://{HOST}:{port}", trust_env=False, timeout=PATIENCE_SECONDS) as http:
        for number in range(WARM_ROUNDS + ROUNDS):
            for page in pages:
                began = time.perf_counter()
                answer = http.get(page.address, headers=dict(headers[page.who]))
                seconds = time.perf_counter() - began
                if answer.status_code != 200:
                    raise SystemExit(f"{page.name} answered {answer.status_code}.")
                if number >= WARM_ROUNDS:
                    taken[page.name].append(seconds)
    return taken


if __name__ == "__main__":
    main()
