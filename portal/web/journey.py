"""Where a person stands on the way from signing up to a running instance."""

from billing.selectors.trials import waiting_of
from portal.core.models import User
from portal.core.selectors import membership_of
from portal.web.access import may_run
from provisioning.selectors import instances_of

ORGANIZATION = "organization_new"
INSTANCE = "instance_new"


def next_step(user: User) -> str | None:
    """The name of the page with the next missing step; None when nothing is missing that this person could add."""
    membership = membership_of(user)
    if membership is None:
        return ORGANIZATION
    organization = membership.organization
    if may_run(membership) and not instances_of(organization).exists() and waiting_of(organization) is None:
        return INSTANCE
    return None
