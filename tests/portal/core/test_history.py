"""Rows keep what they were: written by the database, shown to admins, changed by nobody."""

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse

from portal.core.history import FieldChange, changes_of
from portal.core.models import Membership, Organization
from provisioning.models import Instance, Size

pytestmark = pytest.mark.django_db


@pytest.fixture
def adas(ada) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def shown(row) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_history", args=[row.pk])


def test_each_change_has_what_was_before_and_after(trial):
    Instance.objects.filter(pk=trial.pk).update(channel="early", maintenance_hour=3)
    newest, first = changes_of(trial, 10)
    assert (newest.what, first.what) == ("update", "insert")
    assert set(newest.fields) == {FieldChange("channel", "stable", "early"), FieldChange("maintenance hour", 1, 3)}
    assert FieldChange("slug", None, "acme") in first.fields


def test_who_goes_past_our_code_is_written_down_too(catalogue):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE provisioning_size SET node_count = 9 WHERE name = 's'")
    change = changes_of(Size.objects.get(pk="s"), 1)[0]
    assert [(field.field, field.after) for field in change.fields] == [("node count", 9)]


def test_what_changes_nothing_is_no_change(trial):
    Instance.objects.filter(pk=trial.pk).update(slug=trial.slug)
    assert len(changes_of(trial, 10)) == 1


def test_rights_are_kept_and_nothing_personal_is(alice):
    alice.name, alice.is_staff = "Alicia", True
    alice.save()
    newest = changes_of(alice, 1)[0]
    assert newest.fields == (FieldChange("staff status", False, True),)
    membership = Membership.objects.get(user=alice)
    Membership.objects.filter(pk=membership.pk).update(role="billing")
    assert changes_of(membership, 1)[0].fields == (FieldChange("role", "owner", "billing"),)


def test_what_is_deleted_leaves_what_it_was(alice):
    membership = Membership.objects.get(user=alice)
    versions = apps.get_model("core", "MembershipVersion")
    membership.delete()
    assert list(versions.objects.order_by("pgh_id").values_list("pgh_label", "role")) == [
        ("insert", "owner"),
        ("delete", "owner"),
    ]


@pytest.mark.parametrize("statement", ["UPDATE {} SET pgh_label = 'other'", "DELETE FROM {}"])
def test_nobody_changes_or_removes_a_version(trial, statement):
    with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format("provisioning_instanceversion"))
    assert len(changes_of(trial, 10)) == 1


def test_the_page_of_a_row_leads_to_what_it_was(adas, trial):
    Instance.objects.filter(pk=trial.pk).update(channel="early")
    page = adas.get(reverse("admin:provisioning_instance_change", args=[trial.pk])).content.decode()
    assert shown(trial) in page
    history = adas.get(shown(trial)).content.decode()
    assert "<code>stable</code>" in history
    assert "<code>early</code>" in history
    assert trial.admin_email not in history


def test_what_is_not_kept_has_no_such_page(adas, acme):
    assert shown(acme) not in adas.get(reverse("admin:core_organization_change", args=[acme.pk])).content.decode()
    assert adas.get(shown(acme)).status_code == 404
    assert Organization.objects.filter(pk=acme.pk).exists()


def test_it_is_not_for_customers(alice, trial):
    client = Client()
    client.force_login(alice)
    assert client.get(shown(trial)).status_code == 302
