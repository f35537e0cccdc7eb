"""The tax ids of customers."""

from collections.abc import Mapping
from typing import Any

from devcloud.stripe.books import Books, Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.errors import invalid
from devcloud.stripe.fields import deleted
from devcloud.stripe.lists import page

_TAX_IDS = "/v1/customers/{customer}/tax_ids"


@implements("customers.tax_ids.create", f"POST {_TAX_IDS}", "CustomerTaxIdCreateParams")
def _create(call: Call) -> Json:
    return new_tax_id(call.books, call.books.need("customer", call.path["customer"]), call.params)


@implements("customers.tax_ids.list", f"GET {_TAX_IDS}", "CustomerTaxIdListParams")
def _list(call: Call) -> Json:
    customer = call.books.need("customer", call.path["customer"])
    return page(call, call.books.belonging(customer["id"], "tax_id")[::-1])


@implements("customers.tax_ids.retrieve", f"GET {_TAX_IDS}/{{id}}", "CustomerTaxIdRetrieveParams")
def _retrieve(call: Call) -> Json:
    return call.books.need("tax_id", call.path["id"])


@implements("customers.tax_ids.delete", f"DELETE {_TAX_IDS}/{{id}}", "CustomerTaxIdDeleteParams")
def _delete(call: Call) -> Json:
    document = call.books.need("tax_id", call.path["id"])
    call.books.remove(document)
    call.books.tell("customer.tax_id.deleted", document)
    return deleted(document)


def new_tax_id(books: Books, customer: Json, wanted: Mapping[str, Any]) -> Json:
    """The customer has this tax id. Raises StripeError where it has none of its kind's form."""
    kind, value = wanted["type"], wanted["value"].replace(" ", "")
    # Stripe checks the form of each kind; that a European number begins with its country is what people get wrong.
    if kind == "eu_vat" and not (value[:2].isalpha() and value[:2].isupper() and len(value) >= 8):
        raise invalid("Invalid value for eu_vat.", "value", "tax_id_invalid")
    document = {
        "id": books.new_id("tax_id"),
        "object": "tax_id",
        "country": value[:2] if kind == "eu_vat" else kind[:2].upper(),
        "created": books.now(customer),
        "customer": customer["id"],
        "livemode": False,
        "owner": {"customer": customer["id"], "type": "customer"},
        "type": kind,
        "value": value,
        "verification": {"status": "pending", "verified_address": None, "verified_name": None},
    }
    books.add(document, customer["id"])
    books.tell_created("customer.tax_id.created", document)
    return document
