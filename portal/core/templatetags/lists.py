"""The rows of a list in the admin. The theme's own way reckons the list's headers again for every row, and writes the
same thirty classes into every cell: at fifty rows that is most of the page's time, and nine tenths of its bytes.
"""

from collections.abc import Iterator
from typing import Any

from django import template
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import DateField, ForeignKey, Model
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.templatetags.unfold_list import result_headers
from unfold.utils import display_for_field, display_for_value

register = template.Library()
BOX = "action_checkbox"


@register.inclusion_tag("admin/rows.html")
def list_rows(changes: ChangeList) -> dict[str, Any]:
    """The table: headers as the theme has them, and for each row its cells."""
    headers = list(result_headers(changes))
    labels = [header["text"] for header in headers]
    rows = [SafeString("".join(_cells(changes, row, labels))) for row in changes.result_list]
    return {"cl": changes, "result_headers": headers, "rows": rows}


def _cells(changes: ChangeList, row: Model, labels: list[str]) -> Iterator[SafeString]:
    for name, label in zip(changes.list_display, labels, strict=True):
        if name == BOX:
            yield format_html(
                '<td data-label="Select"><input type="checkbox" class="action-select box" name="{}" value="{}" '
                'aria-label="Select {}"></td>',
                ACTION_CHECKBOX_NAME,
                row.pk,
                row,
            )
            continue
        is_date, shown = _shown(changes, row, str(name))
        if name in (changes.list_display_links or ()):
            own = add_preserved_filters(
                {"preserved_filters": changes.preserved_filters, "opts": changes.opts}, changes.url_for_result(row)
            )
            yield format_html('<th scope="row" data-label="{}"><a href="{}">{}</a></th>', label, own, shown)
        else:
            kind = SafeString(' class="nowrap"') if is_date else ""
            yield format_html('<td{} data-label="{}">{}</td>', kind, label, shown)


def _shown(changes: ChangeList, row: Model, name: str) -> tuple[bool, Any]:
    """Whether it is a date or another row, which stay on one line; and what the cell says."""
    page = changes.model_admin
    empty = page.get_empty_value_display()
    try:
        field, attribute, value = lookup_field(name, row, page)
    except ObjectDoesNotExist:
        return False, empty
    if field is None or field.auto_created:
        empty = getattr(attribute, "empty_value_display", empty)
        return False, display_for_value(value, empty, getattr(attribute, "boolean", False))
    if isinstance(field, ForeignKey):
        other = getattr(row, field.name)
        return True, empty if other is None else other
    return isinstance(field, DateField), display_for_field(value, field, empty)
