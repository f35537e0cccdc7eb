"""A program that calls the API."""

import json
from dataclasses import dataclass, field

from django.test import Client

from portal.core.models import ApiToken

PREFIX = "/api/v1"


@dataclass
class Caller:
    """Calls with a token's secret, or without one. Paths are relative to the API, unless they are whole."""

    secret: str = ""
    token: ApiToken | None = None
    client: Client = field(default_factory=Client)

    def get(self, path, **query):
        return self.client.get(self._whole(path), query, headers=self._headers({}))

    def post(self, path, body=None, *, key=None):
        headers = {"Idempotency-Key": key} if key else {}
        return self.send("post", path, json.dumps({} if body is None else body), headers=headers)

    def patch(self, path, body):
        return self.send("patch", path, json.dumps(body))

    def send(self, method, path, content="", *, headers=None, content_type="application/json"):
        return self.client.generic(
            method.upper(), self._whole(path), content, content_type, headers=self._headers(headers or {})
        )

    def _headers(self, more):
        return {**({"Authorization": f"Bearer {self.secret}"} if self.secret else {}), **more}

    @staticmethod
    def _whole(path):
        return path if path.startswith(("http", "/api")) else PREFIX + path


def problem(response):
    """The body of an error, which is a problem and says the same status as the line above it."""
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["type"] == f"/api/v1/problems/{body['code']}"
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response["X-Request-ID"]
    return body
