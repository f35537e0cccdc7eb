"""Lists come in pages."""

from typing import Any

from rest_framework.exceptions import NotFound, ParseError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class Cursor(CursorPagination):
    """Pages by cursor, newest first: steady while rows come and go."""

    ordering = "-created_at"
    page_size_query_param = "limit"
    page_size_query_description = "How many to a page, at most 100."
    max_page_size = 100

    def decode_cursor(self, request: Request) -> Any:
        try:
            return super().decode_cursor(request)
        except NotFound:
            raise ParseError("This cursor is not one of ours. Follow `next` and `previous` as they are.") from None

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        address = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**address, "example": None, "description": "The next page; null at the end."},
                "previous": {**address, "example": None, "description": "The page before; null at the beginning."},
                "results": schema,
            },
        }
