"""Adoption in the admin: a table, plots, filters in the address, and the same rows as a file."""

import csv
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from billing.models import Grant, OptIn
from portal.core import clock
from provisioning.models import Instance, Usage

pytestmark = pytest.mark.django_db


@pytest.fixture
def adas(ada) -> Client:
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def used(trial, sam, on_offer):
    """Acme's, in production since October, which uses batch changes and has opted in to code insights as well."""
    started = "2026-10-03T00:00:00Z"
    Instance.objects.filter(pk=trial.pk).update(status="running", kind="production", ready_at=started)
    for name in ("batch-changes", "code-insights"):
        Grant.objects.create(instance=trial, feature_id=name, reason="a test", granted_by=sam)
        OptIn.objects.create(instance=trial, feature_id=name)
    day = clock.now().date() - timedelta(days=1)
    Usage.objects.create(instance=trial, day=day, figures={"seats": 3, "batch_changes": 2})
    return trial


def page() -> str:
    return reverse("admin:billing_feature_adoption")


def rows(client, **query) -> dict[str, dict[str, str]]:
    answer = client.get(reverse("admin:billing_feature_adoption_csv"), query)
    assert answer["Content-Type"] == "text/csv"
    lines = b"".join(answer.streaming_content).decode().splitlines()
    return {row["feature"]: row for row in csv.DictReader(lines)}


def test_it_shows_figures_and_what_nobody_counts(adas, used):
    shown = adas.get(page()).content.decode()
    assert "Features of 1 instance of customers" in shown
    assert "Batch changes: 1 entitled, 1 opted in, used: 1 of 1" in shown
    assert "Code insights: 1 entitled, 1 opted in, used: not counted" in shown
    assert "2026-10: 100%, 1 instances" in shown


def test_it_names_nobody(adas, used, alice):
    shown = adas.get(page()).content.decode()
    assert used.slug not in shown.partition('id="features-title"')[2]
    assert alice.email not in shown


def test_what_is_chosen_stays_in_the_address(adas, used):
    shown = adas.get(page(), {"channel": "stable", "cohort": "2026-10"}).content.decode()
    assert 'href="?channel=stable&amp;cohort=2026-10&amp;plan=none"' in shown
    assert f"{reverse('admin:billing_feature_adoption_csv')}?channel=stable&amp;cohort=2026-10" in shown
    none = adas.get(page(), {"channel": "early"}).content.decode()
    assert "No instance is like that." in none


def test_the_file_has_the_same_rows(adas, used):
    found = rows(adas)
    assert found["batch-changes"] == {
        "feature": "batch-changes", "title": "Batch changes", "entitled": "1", "opted_in": "1",
        "opted_in_share": "1.0", "counted": "1", "used": "1", "used_share": "1.0",
    }  # fmt: skip
    assert found["code-insights"]["used"] == ""
    assert rows(adas, channel="early")["batch-changes"]["entitled"] == "0"


def test_it_is_for_staff(client, alice, used):
    client.force_login(alice)
    assert client.get(page()).status_code == 302
    assert client.get(reverse("admin:billing_feature_adoption_csv")).status_code == 302
