"""What happens to every request before anything else sees it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.core.tracing import span

Handler = Callable[[HttpRequest], HttpResponse]


def traced(handle: Handler) -> Handler:
    """Each request is a span, named by its route: never by the address itself, which has ids in it."""

    def handle_in_span(request: HttpRequest) -> HttpResponse:
        with span(f"{request.method}", **{"http.request.method": str(request.method)}) as present:
            response = handle(request)
            if present:
                route = request.resolver_match.route if request.resolver_match else "unknown"
                present.update_name(f"{request.method} /{route}")
                present.set_attribute("http.response.status_code", response.status_code)
            return response

    return handle_in_span


def address_behind_proxy(handle: Handler) -> Handler:
    """REMOTE_ADDR is the client's address and not the proxy's. Only where BEHIND_TLS_PROXY says that there is one.

    The proxy in front appends the address it saw to X-Forwarded-For; what stands further left is the client's own word.
    """

    def handle_with_address(request: HttpRequest) -> HttpResponse:
        seen_by_proxy = request.META.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", 1)[-1].strip()
        if seen_by_proxy:
            request.META["REMOTE_ADDR"] = seen_by_proxy
        return handle(request)

    return handle_with_address
