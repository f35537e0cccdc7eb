"""People's rights, tokens and sizes."""

import pytest
from django.contrib.auth.models import Group

from portal.core.audit import Actor
from portal.core.models import AuditEvent, Organization
from portal.core.rights import SALES_MANAGERS, is_manager
from portal.core.tokens import token_create, token_for
from provisioning.models import Release, Size
from tests.provisioning.admin.pages import do, listing, page, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(alice, acme):
    return token_create(organization=acme, name="CI", scopes=["instances:read"], actor=Actor(alice, alice.email))


def test_a_superuser_decides_who_works_here(adas, ada, sam):
    no_memberships = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    adas.post(page(sam), {"is_active": "on", "is_staff": "on", "email": "other@portal.example", **no_memberships})
    sam.refresh_from_db()
    assert (sam.is_staff, sam.is_sales, sam.email) == (True, False, "sam@portal.example")
    event = AuditEvent.objects.get(action="user.rights")
    assert (event.actor, event.object_id, event.details) == (ada, str(sam.pk), {"is_staff": True, "is_sales": False})


def test_a_superuser_says_who_of_sales_is_a_manager(adas, ada, sam):
    managers = Group.objects.get(name=SALES_MANAGERS)
    no_memberships = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    adas.post(page(sam), {"is_active": "on", "is_sales": "on", "groups": [managers.pk], **no_memberships})
    assert is_manager(sam)
    event = AuditEvent.objects.get(action="user.rights")
    assert (event.actor, event.details) == (ada, {"groups": ["sales managers"]})
    assert "sales, sales managers" in text(adas, listing("core_user"))


def test_canaries_are_listed_apart_from_customers(adas, acme, globex):
    Organization.objects.filter(pk=globex.pk).update(is_synthetic=True)
    customers = text(adas, listing("core_organization"))
    assert "acme.example" in customers
    assert "globex.example" not in customers
    canaries = text(adas, listing("core_organization"), who="canaries")
    assert "globex.example" in canaries
    assert "acme.example" not in canaries


def test_nobody_takes_their_own_rights_away(adas, ada):
    assert adas.post(page(ada), {}).status_code == 403


def test_other_staff_only_looks_at_people(adas, ada, sam):
    ada.is_superuser = False
    ada.save()
    assert "sam@portal.example" in text(adas, page(sam))
    assert adas.post(page(sam), {"is_superuser": "on"}).status_code == 403


def test_an_organization_shows_its_people(adas, acme, alice, bob):
    shown = text(adas, page(acme))
    assert "Alice Archer" in shown
    assert "Bob Baker" in shown


def test_a_token_is_revoked(adas, ada, token):
    row, secret = token
    assert do(adas, row, "revoke").status_code == 302
    assert token_for(secret) is None
    assert AuditEvent.objects.get(action="token.revoke").actor == ada
    assert "/do/revoke/" not in text(adas, page(row))


def test_a_tokens_digest_is_shown_nowhere(adas, token):
    row, secret = token
    for address in (page(row), listing("core_apitoken")):
        assert row.digest not in text(adas, address)
        assert secret not in text(adas, address)


def test_a_size_is_changed_with_its_audit_but_keeps_its_name(adas, catalogue):
    size = Size.objects.get(pk="xs")
    fields = {field.name: getattr(size, field.name) for field in Size._meta.fields}
    answers = {name: value for name, value in fields.items() if value is not False}
    assert adas.post(page(size), {**answers, "name": "other", "users": 60}).status_code == 302
    size.refresh_from_db()
    assert size.users == 60
    assert AuditEvent.objects.get(action="size.change").details == {"users": "60"}
    assert not Size.objects.filter(pk="other").exists()


def test_what_instances_refer_to_is_not_deleted(adas, catalogue):
    assert adas.get(page(Size.objects.first(), "delete")).status_code == 403
    assert adas.get(page(Release.objects.first(), "delete")).status_code == 403
