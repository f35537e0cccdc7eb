"""Talking to the person at the terminal."""

import os
import sys
from collections.abc import Callable
from typing import NoReturn

_BOLD, _FAINT, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


class Refused(Exception):
    """A sentence that says why a command can't go on and what to do; shown without a traceback."""


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def bold(text: str) -> str:
    return _painted(_BOLD, text)


def faint(text: str) -> str:
    return _painted(_FAINT, text)


def exit_with(main: Callable[[list[str]], int]) -> NoReturn:
    """Runs the command with its arguments; what it refuses becomes a sentence and exit status 1."""
    try:
        status = main(sys.argv[1:])
    except Refused as refusal:
        sys.stdout.flush()
        sys.stderr.write(f"\n{refusal}\n")
        status = 1
    except PermissionError as refusal:
        sys.stderr.write(
            f"\n{refusal.filename} can't be used by you: {refusal.strerror}. Start as who made it, or as root.\n"
        )
        status = 1
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def _painted(code: str, text: str) -> str:
    plain = not sys.stdout.isatty() or os.environ.get("TERM") in {None, "dumb"} or "NO_COLOR" in os.environ
    return text if plain else f"{code}{text}{_PLAIN}"
