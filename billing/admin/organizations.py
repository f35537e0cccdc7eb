"""Organizations, with what may be done for them that is a matter of money."""

from typing import ClassVar, Final

from django.contrib import admin

from billing.models import TrialAllowance
from billing.selectors.trials import trial_refusal
from billing.services.trials import trial_allow
from portal.core.admin.customers import OrganizationPage
from portal.core.admin.deeds import Answers, Deed, PageWithDeeds
from portal.core.admin.pages import ReadOnlyRows
from portal.core.audit import Actor
from portal.core.models import Organization


def _allow(organization: Organization, answers: Answers, actor: Actor) -> str:
    trial_allow(organization=organization, actor=actor, reason=answers["reason"])
    return f"{organization} may have one more trial."


ALLOW: Final = Deed(
    name="trial-allowance",
    title="Allow one more trial",
    explanation="Its people can start one more trial, though it has had one, somebody else at its domain has, or it "
    "was refused. The caps hold for it, too.",
    do=_allow,
    icon="redeem",
    is_possible=lambda organization: bool(trial_refusal(organization)),
)


class Allowances(ReadOnlyRows):
    model = TrialAllowance
    verbose_name_plural = "trial allowances"
    fields = ("at", "by", "reason")


admin.site.unregister(Organization)  # as it was registered below us, without what money knows of it


@admin.register(Organization)
class CustomerPage(PageWithDeeds, OrganizationPage):
    inlines = (*OrganizationPage.inlines, Allowances)
    deeds: ClassVar = (ALLOW,)
