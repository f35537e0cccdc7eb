"""Invoice items: what is put on a customer's next invoice by hand."""

from devcloud.stripe.books import Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.engine.invoicing import reckon
from devcloud.stripe.engine.lines import invoice_item, item_line, pricing, subscription_of_item
from devcloud.stripe.errors import invalid, missing_parameter
from devcloud.stripe.fields import deleted, merged, refuse_unimplemented, set_fields
from devcloud.stripe.lists import listed

_KNOWN = ("customer", "amount", "currency", "description", "discountable", "invoice", "period", "pricing", "quantity",
          "subscription")  # fmt: skip


@implements("invoiceitems.create", "POST /v1/invoiceitems", "InvoiceItemCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, _KNOWN)
    if "customer" not in call:
        raise missing_parameter("customer")
    customer = call.books.need("customer", call["customer"], "customer")
    amount, currency, priced = _amount(call)
    parent = _parent(call, call["subscription"]) if "subscription" in call else None
    given = {name: call.params[name] for name in ("description", "discountable", "period", "quantity") if name in call}
    item = invoice_item(call.books, customer, amount, currency, pricing=priced, parent=parent, **given)
    item["metadata"] = merged({}, call.get("metadata") or {})
    if "invoice" in call:
        _put_on(call, item, call.books.need("invoice", call["invoice"], "invoice"))
    return item


@implements("invoiceitems.retrieve", "GET /v1/invoiceitems/{invoiceitem}", "InvoiceItemRetrieveParams")
def _retrieve(call: Call) -> Json:
    return call.books.need("invoiceitem", call.path["invoiceitem"])


@implements("invoiceitems.update", "POST /v1/invoiceitems/{invoiceitem}", "InvoiceItemUpdateParams")
def _update(call: Call) -> Json:
    refuse_unimplemented(call, ("amount", "description", "discountable"))
    item = _pending(call)
    set_fields(item, call, ("amount", "description", "discountable"))
    item["net_amount"] = item["amount"]
    return item


@implements("invoiceitems.delete", "DELETE /v1/invoiceitems/{invoiceitem}", "InvoiceItemDeleteParams")
def _delete(call: Call) -> Json:
    item = _pending(call)
    call.books.remove(item)
    call.books.tell("invoiceitem.deleted", item)
    return deleted(item)


@implements("invoiceitems.list", "GET /v1/invoiceitems", "InvoiceItemListParams")
def _list(call: Call) -> Json:
    return listed(call, "invoiceitem", pending=lambda item, wanted: (item["invoice"] is None) == wanted)


def _pending(call: Call) -> Json:
    item = call.books.need("invoiceitem", call.path["invoiceitem"])
    if item["invoice"] is not None:
        raise invalid("This invoice item is on an invoice already, and cannot be changed.", "invoiceitem")
    return item


def _amount(call: Call) -> tuple[int, str, Json | None]:
    """Amount, currency and pricing. Raises StripeError for both or none."""
    if "pricing" in call:
        price = call.books.need("price", call["pricing"].get("price", ""), "pricing[price]")
        return price["unit_amount"] * call.get("quantity", 1), price["currency"], pricing(price)
    for name in ("amount", "currency"):
        if name not in call:
            raise missing_parameter(name)
    return call["amount"], call["currency"].lower(), None


def _parent(call: Call, key: str) -> Json:
    subscription = call.books.need("subscription", key, "subscription")
    return {
        "subscription_details": {"subscription": subscription["id"], "subscription_item": None},
        "type": "subscription_details",
    }


def _put_on(call: Call, item: Json, invoice: Json) -> None:
    if invoice["status"] != "draft":
        raise invalid("This invoice is no longer editable.", "invoice", "invoice_not_editable")
    line = item_line(call.books, item)
    line["invoice"] = item["invoice"] = invoice["id"]
    line["subscription"] = subscription_of_item(item)
    invoice["lines"]["data"].append(line)
    invoice["currency"] = item["currency"]
    reckon(call.books, invoice)
