"""HTTP that sends a request once.

httplib2 repeats any request, a POST too, whose connection was closed before an answer came. It may have been performed:
only a look can tell, so the loss of the answer is the engine's business.
"""

from http.client import BadStatusLine, HTTPResponse, ResponseNotReady
from typing import Any

import httplib2


class _Once:
    def getresponse(self) -> HTTPResponse:
        try:
            response: HTTPResponse = super().getresponse()  # type: ignore[misc] # the connection's, below
        except (BadStatusLine, ResponseNotReady) as error:
            raise ConnectionResetError(f"The connection was closed without an answer: {error}") from error
        return response


class _HttpConnection(_Once, httplib2.HTTPConnectionWithTimeout):  # type: ignore[misc] # httplib2 has no types
    pass


class _HttpsConnection(_Once, httplib2.HTTPSConnectionWithTimeout):  # type: ignore[misc] # see above
    pass


class Http(httplib2.Http):  # type: ignore[misc] # see above
    """As httplib2's, but what got no answer is not sent again."""

    def request(self, uri: str, *arguments: Any, connection_type: Any = None, **options: Any) -> Any:
        own = _HttpsConnection if uri.startswith("https:") else _HttpConnection
        return super().request(uri, *arguments, connection_type=connection_type or own, **options)
