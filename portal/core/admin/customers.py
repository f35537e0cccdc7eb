"""Organizations, people and API tokens."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal.core import clock
from portal.core.admin.deeds import Answers, Deed, DeedForm, PageWithDeeds
from portal.core.admin.pages import NarrowedFilter, NobodyEdits, Page, ReadOnlyPage, ReadOnlyRows, acting
from portal.core.admin.words import pill, when
from portal.core.audit import Actor, record
from portal.core.models import ApiToken, Membership, Organization, User
from portal.core.tokens import token_revoke

FLAGS = ("is_active", "is_sales", "is_staff", "is_superuser")
RIGHTS = (*FLAGS, "groups")


class Members(ReadOnlyRows):
    model = Membership
    verbose_name_plural = "people"
    fields = ("user", "role", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        rows: QuerySet[Membership] = super().get_queryset(request)
        return rows.select_related("user", "organization")


class Memberships(Members):
    verbose_name_plural = "organizations"
    fields = ("organization", "role", "created_at")


class SyntheticFilter(NarrowedFilter):
    usual = "Customers"
    title = "who"
    parameter_name = "who"

    def lookups(self, _request: HttpRequest, _page: Any) -> list[tuple[str, str]]:
        return [("canaries", "Canaries"), ("all", "All")]

    def queryset(self, _request: HttpRequest, rows: QuerySet[Organization]) -> QuerySet[Organization]:
        return rows if self.value() == "all" else rows.filter(is_synthetic=self.value() == "canaries")


@admin.register(Organization)
class OrganizationPage(ReadOnlyPage):
    list_display = ("name", "email_domain", "people", "since")
    list_filter = (SyntheticFilter,)
    search_fields = ("name", "slug", "id", "email_domain", "memberships__user__email")
    search_help_text = "Name, id, mail domain or somebody's address"
    fields = ("id", "name", "slug", "email_domain", "created_at")
    inlines: ClassVar[tuple[type[ReadOnlyRows], ...]] = (Members,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        rows: QuerySet[Organization] = super().get_queryset(request)
        return rows.annotate(people_count=Count("memberships"))

    @admin.display(description="People", ordering="people_count")
    def people(self, organization: Any) -> int:
        return int(organization.people_count)

    @admin.display(description="Since", ordering="created_at")
    def since(self, organization: Organization) -> SafeString | str:
        return when(organization.created_at)


@admin.register(User)
class PersonPage(Page):
    """Superusers decide who works here; nobody takes their own rights away by a slip."""

    list_display = ("email", "name", "belongs_to", "roles", "last_seen")
    list_filter = FLAGS
    ordering = ("email",)
    search_fields = ("email", "name", "memberships__organization__name")
    search_help_text = "Address, name or organization"
    fields = ("email", "name", "date_joined", "last_login", *RIGHTS)
    inlines = (Memberships,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.prefetch_related("memberships__organization", "groups")

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _row: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, row: User | None = None) -> bool:
        return bool(request.user.is_superuser and row != request.user)

    def get_readonly_fields(self, _request: HttpRequest, _row: Any = None) -> tuple[str, ...]:
        return tuple(field for field in self.fields if field not in RIGHTS)

    def save_model(self, request: HttpRequest, person: User, form: Any, change: bool) -> None:  # noqa: ARG002, FBT001 - Django's signature
        flags = {flag: getattr(person, flag) for flag in form.changed_data if flag in FLAGS}
        groups = {"groups": sorted(map(str, form.cleaned_data["groups"]))} if "groups" in form.changed_data else {}
        with transaction.atomic():
            person.save(update_fields=list(flags) or None)
            record("user.rights", person, actor=acting(request), details={**flags, **groups})

    @admin.display(description="Organization")
    def belongs_to(self, person: User) -> str:
        return ", ".join(membership.organization.name for membership in person.memberships.all())

    @admin.display(description="Works here as")
    def roles(self, person: User) -> str:
        flags = {"superuser": person.is_superuser, "admin": person.is_staff, "sales": person.is_sales}
        words = [word for word, has in flags.items() if has]
        return ", ".join([*words, *(group.name for group in person.groups.all())])

    @admin.display(description="Last login", ordering="last_login")
    def last_seen(self, person: User) -> SafeString | str:
        return when(person.last_login)


def _revoke(token: ApiToken, _answers: Answers, actor: Actor) -> str:
    token_revoke(token=token, actor=actor)
    return f"The token “{token.name}” is revoked."


@admin.register(ApiToken)
class TokenPage(NobodyEdits, PageWithDeeds):
    list_display = ("name", "hint", "organization", "created_by", "state", "last_used", "expires")
    list_select_related = ("organization", "created_by")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "hint", "organization__name", "created_by__email")
    search_help_text = "Name, first characters, organization or who made it"
    fields = (
        ("name", "hint"),
        ("organization", "created_by"),
        "scopes",
        ("created_at", "last_used_at"),
        ("expires_at", "revoked_at"),
    )
    deeds: ClassVar = (
        Deed(
            name="revoke",
            title="Revoke",
            explanation="Whatever uses this token is refused from now on. It cannot be brought back.",
            do=_revoke,
            is_possible=lambda token: token.revoked_at is None,
            form=DeedForm,
            icon="key_off",
            destroys=True,
        ),
    )

    @admin.display(description="State")
    def state(self, token: ApiToken) -> SafeString:
        if token.revoked_at:
            return pill("revoked", look="cancelled")
        return pill("expired", look="late") if token.expires_at <= clock.now() else pill("good", look="done")

    @admin.display(description="Last used", ordering="last_used_at")
    def last_used(self, token: ApiToken) -> SafeString | str:
        return when(token.last_used_at)

    @admin.display(description="Expires", ordering="expires_at")
    def expires(self, token: ApiToken) -> SafeString | str:
        return when(token.expires_at)
