"""What the customer tells of a feature before it can be switched on: a field for each detail that its parts ask for."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django import forms

from portal.core.errors import Invalid, ServiceError
from provisioning.fleet.details import ADDRESSES, CUSTOM_NAME, HOST, SERVICE_ATTACHMENT, check_detail, lets_in

# What is asked for, in the middle of a sentence.
ASKS: Final = {
    ADDRESSES: "which addresses are let in",
    SERVICE_ATTACHMENT: "where your network publishes the service",
    HOST: "under which name it is reached",
    CUSTOM_NAME: "which name it is to have",
}
FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    ADDRESSES: {
        "label": "Addresses that are let in",
        "help_text": "One a line: public addresses or ranges that your people come from, such as 198.51.100.7 or "
        "203.0.113.0/24 or 2001:db8:1::/48. Up to 50. Your VPN and your build servers are among them, where they "
        "call the instance.",
        "widget": forms.Textarea({"rows": 6, "class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        "error_messages": {"required": "Name at least one address that people come from."},
    },
    SERVICE_ATTACHMENT: {
        "label": "Service attachment",
        "help_text": "As your network team has published it with Private Service Connect, such as "
        "projects/acme-network/regions/europe-west3/serviceAttachments/git.",
        "widget": forms.TextInput({"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        "max_length": 400,
    },
    HOST: {
        "label": "Host name",
        "help_text": "How the instance is to call it, such as git.acme.internal. The name leads there inside the "
        "instance only.",
        "widget": forms.TextInput({"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        "max_length": 253,
    },
    CUSTOM_NAME: {
        "label": "Name",
        "help_text": "A name of a domain that is yours, such as code.acme.com. Next we show you the one record to set "
        "in your DNS; nothing changes before that is seen.",
        "widget": forms.TextInput({"class": "mono", "spellcheck": "false", "autocomplete": "off", "inputmode": "url"}),
        "max_length": 253,
    },
}


class DetailsForm(forms.Form):
    """`despite` is asked only of a person whom the list would shut out; `came_from` is their address, if known."""

    despite = forms.BooleanField(required=False, label="I know, and reach it from one of the addresses above")

    def __init__(
        self, asks: Iterable[str], told: Mapping[str, Any], *, region: str, came_from: str, data: Any = None
    ) -> None:
        super().__init__(data, initial={name: _as_text(told[name]) for name in told})
        self._asks, self._region, self._came_from = tuple(asks), region, came_from
        for name in self._asks:
            self.fields[name] = forms.CharField(**{"max_length": 4_000, **FIELDS[name]})
        self.order_fields(self._asks)

    @property
    def shown(self) -> list[forms.BoundField]:
        """The fields of what is asked."""
        return [self[name] for name in self._asks]

    @property
    def details(self) -> dict[str, Any]:
        """What was told, once it is valid."""
        return {name: self.cleaned_data[name] for name in self._asks}

    def clean(self) -> dict[str, Any]:
        """Each detail is checked by itself, so that every error stands at its field."""
        for name in self._asks:
            if name in self.cleaned_data:
                self._check(name, self.cleaned_data[name])
        if self._shuts_out() and not self.cleaned_data.get("despite"):
            self.add_error("despite", f"You are at {self._came_from}, which would be shut out.")
        return self.cleaned_data

    def refuse(self, error: ServiceError) -> None:
        """The refusal stands at its field, if it is about one."""
        self.add_error(error.field if error.field in self.fields else None, str(error))

    def _check(self, name: str, text: str) -> None:
        told = text.replace(",", "\n").split() if name == ADDRESSES else text
        try:
            self.cleaned_data[name] = check_detail(name, told, region=self._region)
        except Invalid as error:
            self.add_error(name, str(error))

    def _shuts_out(self) -> bool:
        addresses = self.cleaned_data.get(ADDRESSES) or ()
        return bool(addresses and self._came_from) and not lets_in(addresses, self._came_from)


def asked_for(asks: Iterable[str]) -> str:
    """What is asked for, such as “which addresses are let in”."""
    return " and ".join(ASKS[name] for name in asks)


def _as_text(value: Any) -> str:
    return "\n".join(value) if isinstance(value, list) else str(value)
