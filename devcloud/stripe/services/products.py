"""Products."""

from devcloud.stripe.books import Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.errors import invalid
from devcloud.stripe.fields import deleted, refuse_unimplemented, set_fields
from devcloud.stripe.lists import listed
from devcloud.stripe.services import prices

_FIELDS = ("active", "description", "images", "marketing_features", "name", "statement_descriptor", "tax_code",
           "unit_label", "url")  # fmt: skip


@implements("products.create", "POST /v1/products", "ProductCreateParams")
def _create(call: Call) -> Json:
    refuse_unimplemented(call, (*_FIELDS, "id", "type", "default_price_data"))
    key = call.get("id") or call.books.new_id("product")
    if call.books.find("product", key):
        raise invalid("Product already exists.", "id", "resource_already_exists")
    product = {
        "id": key,
        "object": "product",
        "active": True,
        "created": call.books.at,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": call["name"],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": call.get("type", "service"),
        "unit_label": None,
        "updated": call.books.at,
        "url": None,
    }
    set_fields(product, call, _FIELDS)
    call.books.add(product)
    call.books.tell_created("product.created", product)
    if "default_price_data" in call:
        product["default_price"] = prices.from_data(call.books, {**call["default_price_data"], "product": key})["id"]
    return product


@implements("products.retrieve", "GET /v1/products/{id}", "ProductRetrieveParams")
def _retrieve(call: Call) -> Json:
    return call.books.need("product", call.path["id"])


@implements("products.update", "POST /v1/products/{id}", "ProductUpdateParams")
def _update(call: Call) -> Json:
    refuse_unimplemented(call, (*_FIELDS, "default_price"))
    product = call.books.need("product", call.path["id"])
    set_fields(product, call, (*_FIELDS, "default_price"))
    product["updated"] = call.books.at
    return product


@implements("products.list", "GET /v1/products", "ProductListParams")
def _list(call: Call) -> Json:
    return listed(call, "product", ids=lambda product, wanted: product["id"] in wanted)


@implements("products.delete", "DELETE /v1/products/{id}", "ProductDeleteParams")
def _delete(call: Call) -> Json:
    product = call.books.need("product", call.path["id"])
    if any(price["product"] == product["id"] for price in call.books.all("price")):
        message = "This product cannot be deleted because it has one or more user-created prices."
        raise invalid(message, "id")
    call.books.remove(product)
    call.books.tell("product.deleted", product)
    return deleted(product)
