"""Customers, their tax ids and their balance."""

from devcloud.stripe.books import Books, Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine.invoicing import move_balance
from devcloud.stripe.engine.settling import end
from devcloud.stripe.errors import StripeError, invalid
from devcloud.stripe.fields import deleted, refuse_unimplemented, set_fields
from devcloud.stripe.lists import chosen, page
from devcloud.stripe.services.payment_methods import attach
from devcloud.stripe.services.tax_ids import new_tax_id

_FIELDS = ("address", "business_name", "description", "email", "individual_name", "invoice_prefix", "name",
           "next_invoice_sequence", "phone", "preferred_locales", "shipping", "tax_exempt")  # fmt: skip
_KNOWN = (*_FIELDS, "balance", "invoice_settings", "tax", "validate")
_PLACE = ("city", "country", "line1", "line2", "postal_code", "state")


@implements("customers.create", "POST /v1/customers", "CustomerCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, (*_KNOWN, "payment_method", "tax_id_data", "test_clock"))
    clock = call.get("test_clock")
    if clock:
        call.books.need("test_helpers.test_clock", clock, "test_clock")
    customer = new_customer(call.books, clock)
    _set(call, customer)
    call.books.add(customer, clock)
    if call.get("balance"):
        move_balance(call.books, customer, call["balance"], "initial")
    for entry in call.get("tax_id_data", []):
        new_tax_id(call.books, customer, entry)
    if "payment_method" in call:
        attach(call.books, call["payment_method"], customer)
    call.books.tell_created("customer.created", customer)
    return customer


@implements("customers.retrieve", "GET /v1/customers/{customer}", "CustomerRetrieveParams")
def _retrieve(call: Call) -> Json:
    customer = call.books.need("customer", call.path["customer"])
    return deleted(customer) if customer.get("deleted") else customer


@implements("customers.update", "POST /v1/customers/{customer}", "CustomerUpdateParams")
def _update(call: Call) -> Json:
    refuse_unimplemented(call, _KNOWN)
    customer = customer_of(call, call.path["customer"])
    _set(call, customer)
    if "balance" in call and call["balance"] != customer["balance"]:
        move_balance(call.books, customer, call["balance"] - customer["balance"], "adjustment")
    return customer


@implements("customers.list", "GET /v1/customers", "CustomerListParams")
def _list(call: Call) -> Json:
    if "test_clock" in call:
        found = call.books.belonging(call["test_clock"], "customer")[::-1]
        return page(call, [customer for customer in found if not customer.get("deleted")])
    living = [customer for customer in call.books.all("customer") if not customer.get("deleted")]
    return page(call, chosen(call, living))


@implements("customers.delete", "DELETE /v1/customers/{customer}", "CustomerDeleteParams")
def _delete(call: Call) -> Json:
    """The customer is gone for good, and all subscriptions have ended."""
    customer = customer_of(call, call.path["customer"])
    remove(call.books, customer)
    return deleted(customer)


@implements(
    "customers.balance_transactions.create",
    "POST /v1/customers/{customer}/balance_transactions",
    "CustomerBalanceTransactionCreateParams",
)
def _add_balance(call: Call) -> Json:
    customer = customer_of(call, call.path["customer"])
    description = call.get("description") or None
    metadata = call.get("metadata") or {}
    return move_balance(
        call.books,
        customer,
        call["amount"],
        "adjustment",
        currency=call["currency"],
        description=description,
        metadata=metadata,
    )


@implements(
    "customers.balance_transactions.list",
    "GET /v1/customers/{customer}/balance_transactions",
    "CustomerBalanceTransactionListParams",
)
def _list_balance(call: Call) -> Json:
    customer = customer_of(call, call.path["customer"])
    return page(call, call.books.belonging(customer["id"], "customer_balance_transaction")[::-1])


def new_customer(books: Books, clock: str | None = None) -> Json:
    """A customer of whom nothing is known; not yet in the books."""
    key = books.new_id("customer")
    return {
        "id": key,
        "object": "customer",
        "address": None,
        "balance": 0,
        "business_name": None,
        "created": books.now({"test_clock": clock}),
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "individual_name": None,
        "invoice_prefix": key[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": clock,
    }


def customer_of(call: Call, key: str, param: str = "customer") -> Json:
    """The living customer. Raises StripeError 404."""
    customer = call.books.need("customer", key, param)
    if customer.get("deleted"):
        raise StripeError(404, f"No such customer: '{key}'", param=param, code="resource_missing")
    return customer


def remove(books: Books, customer: Json) -> None:
    """The customer is only a tombstone, and the subscriptions have ended."""
    at = books.now(customer)
    for subscription in books.belonging(customer["id"], "subscription"):
        if subscription["status"] not in {"canceled", "incomplete_expired"}:
            end(books, subscription, at)
    customer["deleted"] = True
    books.tell_created("customer.deleted", customer)


def _set(call: Call, customer: Json) -> None:
    set_fields(customer, call, _FIELDS)
    if "address" in call:
        customer["address"] = {**dict.fromkeys(_PLACE), **call["address"]} if call["address"] else None
    if "invoice_settings" in call:
        wanted = call["invoice_settings"]
        _check_default(call, customer, wanted.get("default_payment_method"))
        customer["invoice_settings"] = {**customer["invoice_settings"], **wanted}


def _check_default(call: Call, customer: Json, key: str | None) -> None:
    method = call.books.find("payment_method", key) if key else None
    mine = method is not None and method["customer"] in {customer["id"], None}
    if key and not mine and key != call.get("payment_method"):
        message = f"The customer does not have a payment method with the ID {key}. The payment method must be attached."
        raise invalid(message, "invoice_settings[default_payment_method]", "resource_missing")
