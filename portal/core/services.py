"""What changes customers and their people."""

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from portal.core import ids
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from portal.core.mail_domains import domain_of, is_free_mail
from portal.core.models import Membership, Organization, Role, User
from portal.core.synthetic import is_synthetic


def organization_create(*, name: str, actor: Actor) -> Organization:
    """The organization stands and the person owns it. Raises Invalid for an empty name, Conflict for a second one."""
    name = " ".join(name.split())
    if not name or actor.user is None:
        raise Invalid("Give your organization a name.", field="name")
    with transaction.atomic():
        founder = User.objects.select_for_update().get(pk=actor.user.pk)
        if founder.memberships.exists():
            raise Conflict("You belong to an organization already.")
        organization = _with_free_slug(name, founder.email)
        Membership.objects.create(organization=organization, user=founder, role=Role.OWNER)
        record("organization.create", organization, organization_id=organization.pk, actor=actor)
    return organization


def _with_free_slug(name: str, founder: str) -> Organization:
    fields = {"email_domain": domain_of(founder), "is_synthetic": is_synthetic(founder)}
    wished = slugify(name)[:32] or "organization"
    for slug in (wished, ids.new_id(wished, 6)):
        try:
            with transaction.atomic():
                return Organization.objects.create(name=name[:80], slug=slug, **fields)
        except IntegrityError:
            continue
    raise Conflict("That name is taken. Try another one.", field="name")


def calendar_renew(*, membership: Membership, actor: Actor) -> None:
    """The member's calendar has a new address, and whoever knows only the former reads nothing any more."""
    with transaction.atomic():
        row = Membership.objects.select_for_update(of=("self",)).get(pk=membership.pk)
        row.calendar_version += 1
        row.save(update_fields=["calendar_version"])
        record("membership.calendar-renew", row, organization_id=row.organization_id, actor=actor)


def check_work_address(email: str) -> None:
    """Raises Invalid when the address is a free-mail or throw-away one: a trial needs a work address."""
    if is_free_mail(email):
        raise Invalid(
            "Use your work address: a trial is for a company, and free-mail addresses cannot start one.", field="email"
        )
