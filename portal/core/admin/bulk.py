"""What may be done from the admin to many rows at once: shown first, confirmed once, and done to each by itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextInputWidget

from portal.core.admin.deeds import Answers, Deed, DeedForm, PageWithDeeds, ReasonForm
from portal.core.admin.pages import acting
from portal.core.audit import Actor
from portal.core.errors import ServiceError

FEW: Final = 10  # of more, how many they are has to be typed
MOST: Final = 200  # of more, a page would not be answered in time
TOLD: Final = 10
Rows = QuerySet[Any]


@dataclass(frozen=True)
class BulkDeed:
    """A deed for many rows. `among` narrows them to those that it can be done to, in the same query."""

    deed: Deed
    among: Callable[[Rows], Rows]
    form: type[DeedForm] = ReasonForm


class PageWithBulk(PageWithDeeds):
    """Its list has a box for each row, and the deeds that can be done to all that are chosen."""

    bulk_deeds: ClassVar[Sequence[BulkDeed]] = ()

    def get_actions(self, _request: HttpRequest) -> dict[str, tuple[Callable[..., HttpResponse], str, str]]:
        return {each.deed.name: (_action(each), each.deed.name, each.deed.title) for each in self.bulk_deeds}

    def ask_many(self, request: HttpRequest, bulk: BulkDeed, chosen: Rows) -> HttpResponse:
        """Shows to which of them it is done; posted again as `confirmed`, does it."""
        back = request.get_full_path()
        rows = list(chosen[: MOST + 1])
        if len(rows) > MOST:
            messages.warning(request, f"Choose at most {MOST} at once, by a filter for example.")
            return redirect(back)
        possible = set(bulk.among(chosen).values_list("pk", flat=True))
        targets = [row for row in rows if row.pk in possible]
        is_confirmed = "confirmed" in request.POST
        form = bulk.form(request.POST if is_confirmed else None)
        if len(targets) > FEW:
            form.fields["confirmation"] = _counted(f"{len(targets)} {self.opts.verbose_name_plural}")
        if is_confirmed and targets and form.is_valid():
            _tell(request, bulk.deed, _done(bulk.deed, targets, form.cleaned_data, acting(request)))
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": bulk.deed.title,
            "deed": bulk.deed,
            "form": form,
            "opts": self.opts,
            "targets": targets,
            "left_out": [row for row in rows if row.pk not in possible],
            "chosen": _keys(rows),
            "checkbox": ACTION_CHECKBOX_NAME,
            "back": back,
        }
        return TemplateResponse(request, "admin/bulk.html", context)


@dataclass(frozen=True)
class Outcome:
    """To how many it was done, and why not to the others, as sentences."""

    done: int
    refused: tuple[str, ...]


def _action(bulk: BulkDeed) -> Callable[..., HttpResponse]:
    def act(page: PageWithBulk, request: HttpRequest, chosen: Rows) -> HttpResponse:
        return page.ask_many(request, bulk, chosen)

    return act


def _done(deed: Deed, targets: Sequence[Model], answers: Answers, actor: Actor) -> Outcome:
    """One after the other: what is refused to one is done to the next all the same."""
    refused = []
    for target in targets:
        try:
            deed.do(target, answers, actor)
        except ServiceError as error:
            refused.append(f"{target}: {error}")
    return Outcome(len(targets) - len(refused), tuple(refused))


def _tell(request: HttpRequest, deed: Deed, outcome: Outcome) -> None:
    if outcome.done:
        messages.success(request, f"“{deed.title}” was done to {outcome.done}.")
    for sentence in outcome.refused[:TOLD]:
        messages.warning(request, sentence)
    more = outcome.refused[TOLD:]
    if more:
        messages.warning(request, f"It was refused to {len(more)} more.")


def _counted(words: str) -> forms.CharField:
    """Asks for how many they are to be typed."""

    def check(typed: str) -> None:
        if typed.strip() != words:
            raise ValidationError(f"Type “{words}” as it stands here.")

    return forms.CharField(
        label=f"Type “{words}” to confirm",
        max_length=80,
        validators=[check],
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off"}),
    )


def _keys(rows: Sequence[Model]) -> list[Any]:
    return [row.pk for row in rows]
