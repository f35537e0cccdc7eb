"""What happens to every request before anything else sees it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]


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
