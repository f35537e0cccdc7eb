from datetime import timedelta

import pytest
import time_machine
from django.core import mail as outbox
from django.db import ProgrammingError, connection, transaction

from portal.core import clock, mail, tokens
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Forbidden, Invalid
from portal.core.mail_domains import is_free_mail
from portal.core.models import ApiToken, AuditEvent, Mail, Organization
from portal.core.services import check_work_address, organization_create

pytestmark = pytest.mark.django_db


class TestAudit:
    def test_the_database_refuses_to_change_or_delete_an_event(self, acme, by_alice):
        event = record("organization.rename", acme, organization_id=acme.pk, actor=by_alice, reason="New brand.")
        for change in (lambda: AuditEvent.objects.update(reason=""), event.delete):
            with pytest.raises(ProgrammingError, match=r"Cannot update or delete"), transaction.atomic():
                change()
        assert AuditEvent.objects.get().reason == "New brand."


class TestOrganizations:
    @pytest.fixture
    def dora(self, db) -> Actor:
        from tests.conftest import person

        user = person("dora@initech.example")
        return Actor(user, user.email)

    def test_whoever_founds_it_owns_it(self, dora):
        organization = organization_create(name="  Initech   Inc ", actor=dora)
        assert (organization.name, organization.slug, organization.email_domain) == (
            "Initech Inc", "initech-inc", "initech.example",
        )  # fmt: skip
        assert organization.memberships.get().role == "owner"

    def test_a_second_one_is_refused(self, dora):
        organization_create(name="Initech", actor=dora)
        with pytest.raises(Conflict, match="belong to an organization already"):
            organization_create(name="Initrode", actor=dora)

    def test_an_empty_name_is_refused(self, dora):
        with pytest.raises(Invalid, match="a name"):
            organization_create(name="   ", actor=dora)

    def test_two_of_the_same_name_get_different_slugs(self, acme, dora):
        assert organization_create(name="Acme", actor=dora).slug.startswith("acme-")
        assert Organization.objects.count() == 2


class TestWorkAddresses:
    @pytest.mark.parametrize("email", ["a@gmail.com", "a@GMX.de", "a@yahoo.co.uk", "a@hotmail.fr", "a@mailinator.com"])
    def test_free_mail_is_known(self, email):
        assert is_free_mail(email)
        with pytest.raises(Invalid, match="work address"):
            check_work_address(email)

    @pytest.mark.parametrize("email", ["a@acme.example", "a@mail.acme.com", "a@notgmail.com"])
    def test_work_addresses_pass(self, email):
        check_work_address(email)


class TestTokens:
    @pytest.fixture
    def made(self, acme, by_alice) -> tuple[ApiToken, str]:
        return tokens.token_create(organization=acme, name="CI", scopes=["instances:read"], actor=by_alice)

    def test_only_its_digest_is_kept(self, made):
        token, secret = made
        assert tokens.token_for(secret) == token
        with connection.cursor() as cursor:
            cursor.execute("select t::text from core_apitoken t")
            assert secret not in cursor.fetchone()[0]

    def test_a_revoked_one_is_refused(self, made, by_alice):
        token, secret = made
        tokens.token_revoke(token=token, actor=by_alice)
        assert tokens.token_for(secret) is None

    def test_an_old_one_is_refused(self, made):
        with time_machine.travel(clock.now() + timedelta(days=366)):
            assert tokens.token_for(made[1]) is None

    def test_that_of_somebody_who_left_is_refused(self, made, alice):
        alice.is_active = False
        alice.save()
        assert tokens.token_for(made[1]) is None

    def test_unknown_scopes_are_refused(self, acme, by_alice):
        with pytest.raises(Invalid, match="scopes in the list"):
            tokens.token_create(organization=acme, name="CI", scopes=["everything"], actor=by_alice)

    def test_scopes_of_our_staff_are_for_our_staff(self, acme, by_alice, by_ada):
        scopes = ["instances:read", "releases:write"]
        with pytest.raises(Forbidden, match="Only our staff makes tokens with releases:write"):
            tokens.token_create(organization=acme, name="CI", scopes=scopes, actor=by_alice)
        token, _ = tokens.token_create(organization=acme, name="CI", scopes=scopes, actor=by_ada)
        assert token.bears("releases:write")
        by_ada.user.is_staff = False
        assert not token.bears("releases:write")
        assert token.bears("instances:read")


class TestMail:
    @pytest.fixture(autouse=True)
    def kind(self, settings, tmp_path):
        (tmp_path / "mail").mkdir()
        for ending in ("subject.txt", "txt", "html"):
            (tmp_path / "mail" / f"greeting.{ending}").write_text("Hello {{ name }}")
        template_settings = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
        settings.TEMPLATES = template_settings
        mail.register("greeting")
        yield
        mail._kinds.pop("greeting")

    def queue(self, key: str = "greeting:1") -> None:
        mail.queue(key=key, kind="greeting", recipient="alice@acme.example", context={"name": "Alice"})

    def test_it_is_sent_once_and_its_content_erased(self):
        self.queue()
        assert mail.send_due() == 1
        assert mail.send_due() == 0
        assert [(m.subject, m.body) for m in outbox.outbox] == [("Hello Alice", "Hello Alice")]
        assert Mail.objects.get().context == {}

    def test_the_same_cause_makes_one_mail(self):
        self.queue()
        self.queue()
        assert mail.send_due() == 1

    def test_one_that_is_sent_again_has_the_same_id(self):
        """As when its worker dies between the mail server's answer and the record of it."""
        self.queue()
        self.queue("greeting:2")
        mail.send_due()
        Mail.objects.filter(key="greeting:1").update(due_at=clock.now(), context={"name": "Alice"})
        mail.send_due()
        first, other, again = (letter.extra_headers["Message-ID"] for letter in outbox.outbox)
        assert first == again != other
        assert first.endswith("@sourcegraph.localhost>")

    def test_what_cannot_be_sent_is_kept_and_tried_again(self, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
        self.queue()
        assert mail.send_due() == 0
        kept = Mail.objects.get()
        assert "ConnectionRefusedError" in kept.error
        assert kept.context == {"name": "Alice"}
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        with time_machine.travel(clock.now() + timedelta(minutes=5)):
            assert mail.send_due() == 1

    def test_who_wants_to_know_is_told_and_what_they_fail_at_goes_out_again(self):
        told = []

        def is_busy(mail, text, **_signal):
            told.append((mail.recipient, text))
            if len(told) == 1:
                raise RuntimeError("busy")

        self.queue()
        mail.mail_taken.connect(is_busy)
        try:
            assert mail.send_due() == 0
            Mail.objects.update(due_at=clock.now())
            assert mail.send_due() == 1
        finally:
            mail.mail_taken.disconnect(is_busy)
        assert [text for _, text in told] == ["Hello Alice", "Hello Alice"]

    def test_a_rolled_back_cause_sends_nothing(self):
        with transaction.atomic():
            self.queue()
            transaction.set_rollback(True)
        assert mail.send_due() == 0
