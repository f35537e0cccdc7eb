"""What a service raises when it will not do what was asked: a sentence for a person, never a traceback."""


class ServiceError(Exception):
    """Something was asked for that cannot be had. `code` is stable and for programs, `str()` is for people."""

    code = "refused"

    def __init__(self, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class Invalid(ServiceError):
    """What was given is malformed, unknown or not allowed."""

    code = "invalid"


class Conflict(ServiceError):
    """It collides with what is already there or under way."""

    code = "conflict"


class Forbidden(ServiceError):
    """The person may see the thing, but may not do this to it."""

    code = "forbidden"


class NotFound(ServiceError):
    """It does not exist, or it is not yours: the two answer alike."""

    code = "not_found"
