"""Whether the place that a call is about can be reached."""

from devcloud.google.call import Call
from devcloud.google.errors import GoogleError
from devcloud.google.services.connections import INSTANCES
from devcloud.lost import is_lost, place_in

_NAMED = ("name", "parent", "resource")


def check_place(call: Call) -> None:
    """Raises GoogleError 503 for a region that is lost."""
    places = [call.get("region"), call.get("zone"), *(place_in(str(call.get(name, ""))) for name in _NAMED)]
    if call.method.service == "sqladmin" and call.get("instance"):
        places.append(_region_of_server(call))
    if any(place and is_lost(call.cloud, place) for place in places):
        raise GoogleError(503, "backendError", "The service is currently unavailable in this location.")


def _region_of_server(call: Call) -> str:
    """Of the Cloud SQL instance; what is known of it can be read wherever it stands."""
    is_read = call.method.verb == "GET"
    entry = call.cloud.store.get(INSTANCES, f"projects/{call.project}/instances/{call['instance']}")
    return str(entry["body"]["region"]) if entry and not is_read else ""
