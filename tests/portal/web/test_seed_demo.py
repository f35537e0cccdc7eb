"""What the demo begins with."""

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from portal.core.models import User
from provisioning.fleet.figures import NAMES
from provisioning.models import Instance, Usage
from tools.demo import USE

pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(settings) -> Instance:
    settings.DEMO = True
    call_command("seed_demo")
    call_command("seed_demo")  # twice, it changes nothing
    return Instance.objects.get()


def test_it_runs_in_a_demo_alone():
    with pytest.raises(CommandError, match="DEMO=1"):
        call_command("seed_demo")


def test_its_first_instance_has_been_used_for_a_month(seeded):
    rows = list(Usage.objects.filter(instance=seeded).order_by("day"))
    assert len(rows) == 30
    assert all(row.figures.keys() == NAMES for row in rows)
    assert rows[0].figures["seats"] < rows[-1].figures["seats"]


def test_the_application_goes_on_where_the_month_ends(seeded):
    assert USE["host"] == seeded.domain
    newest = Usage.objects.filter(instance=seeded).latest("day").figures
    assert USE["figures"]["seats"] == newest["seats"]
    assert USE["figures"].keys() == NAMES


def test_its_pages_show_it(seeded, client):
    client.force_login(User.objects.get(email="charlie@globex.example"))
    shown = client.get(reverse("instance_subscription", args=[seeded.pk])).content.decode()
    assert "24 people have used it in the last 30 days" in shown
    assert "Accounts in the last 30 days: from 14 to 31, now 31." in shown
