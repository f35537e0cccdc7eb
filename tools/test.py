"""bin/test: every check of this project, in order, with servers of its own."""

import argparse
import base64
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tools import stylesheet
from tools.chromium import ensure_chromium
from tools.helm import ensure_helm
from tools.paths import PROJECT, VENV
from tools.ports import any_free, without_proxy
from tools.postgres import PostgresServer, temporary_folder
from tools.processes import Command
from tools.redis import RedisServer
from tools.supervisor import Interrupted, Supervisor
from tools.terminal import Refused, bold, exit_with, faint, say

_TYPED = ("portal", "provisioning", "billing", "devcloud", "tools", "tests")
_BIN = VENV / "bin"
_PYTEST = ("pytest", "--numprocesses", "2")
_HELP = """\
Runs lint, types, import contracts, migrations, the stylesheet's freshness and all tests, against a PostgreSQL and a
Redis of its own that are gone afterwards.

  bin/test                          everything
  bin/test --fast                   lint, types, migrations and the unit tests
  bin/test -- tests/core -k slug    only pytest, with these arguments"""


@dataclass(frozen=True)
class Check:
    """One line of the report. The program is one of .venv/bin, manage.py, or found on PATH."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """`note` says why a check could not be made."""

    name: str
    passed: bool
    seconds: float
    note: str = ""


LINT = (
    Check("ruff check", ("ruff", "check", ".")),
    Check("ruff format", ("ruff", "format", "--check", ".")),
    Check("djlint", ("djlint", "--lint", "--quiet", "templates")),
    Check("mypy", ("mypy", *_TYPED)),
    Check("import contracts", ("lint-imports", "--no-logo")),
)
DEPLOYABLE = (
    Check("migrations are complete", ("manage.py", "makemigrations", "--check", "--dry-run")),
    Check("migrations are safe", ("python", "-m", "tools.migrations")),
    Check(
        "settings are safe",
        ("manage.py", "check", "--deploy", "--fail-level", "WARNING"),
        {"PORTAL_URL": "https://portal.example"},
    ),
)
STYLESHEET = Check("stylesheet is fresh", ("npm", "run", "--silent", "css:check"))
UNIT = Check("unit tests", (*_PYTEST, "-m", "not browser and not helm"))
TESTS = Check("unit, contract and workflow tests", (*_PYTEST, "-m", "not browser"))
BROWSER = Check("browser tests", ("pytest", "-m", "browser"))


@dataclass(frozen=True)
class CheckRun:
    """The servers are up; checks run one after the other and each leaves a result."""

    supervisor: Supervisor
    environment: Mapping[str, str]

    def everything(self) -> list[Result]:
        return [*self.fast(tests=TESTS), self._stylesheet(), self._browser()]

    def fast(self, tests: Check = UNIT) -> list[Result]:
        return [self.check(check) for check in (*LINT, *DEPLOYABLE, tests)]

    def check(self, check: Check) -> Result:
        say(f"\n{bold(check.name)}")
        started = time.monotonic()
        status = self.supervisor.show(
            Command(_located(check.arguments), {**self.environment, **check.environment}, PROJECT)
        )
        result = Result(check.name, status == 0, time.monotonic() - started)
        say(faint(f"{'passed' if result.passed else 'FAILED'} in {result.seconds:.1f} s"))
        return result

    def _stylesheet(self) -> Result:
        unchecked = stylesheet.why_unchecked(self.supervisor)
        return Result(STYLESHEET.name, passed=True, seconds=0, note=unchecked) if unchecked else self.check(STYLESHEET)

    def _browser(self) -> Result:
        try:
            chromium = {"CHROMIUM": str(ensure_chromium(self.supervisor))}
            return self.check(replace(BROWSER, environment=chromium))
        except Refused as refusal:
            return Result(BROWSER.name, passed=False, seconds=0, note=str(refusal))


def main(arguments: list[str]) -> int:
    options, started = _parse(arguments), time.monotonic()
    helm = ensure_helm()
    try:
        with _servers() as (supervisor, urls):
            results = _chosen(CheckRun(supervisor, _environment(helm, urls)), options)
    except Interrupted:
        say("\nbin/test: interrupted")
        return 130
    return _conclude(results, time.monotonic() - started)


def _chosen(run: CheckRun, options: argparse.Namespace) -> list[Result]:
    if options.pytest:
        return [run.check(Check("pytest", ("pytest", *options.pytest)))]
    return run.fast() if options.fast else run.everything()


@contextmanager
def _servers() -> Iterator[tuple[Supervisor, Mapping[str, str]]]:
    """A PostgreSQL and a Redis for this run alone, and their URLs."""
    with tempfile.TemporaryDirectory(prefix="portal-test-") as name, temporary_folder() as database:
        folder = Path(name)
        postgres = PostgresServer(database, any_free(), durable=False)
        with Supervisor(folder / "log") as supervisor:
            supervisor.start(postgres.service())
            redis = RedisServer(folder / "redis", any_free(), durable=False)
            supervisor.start(redis.service())
            yield supervisor, {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}


def _environment(helm: Path, urls: Mapping[str, str]) -> dict[str, str]:
    fernet_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    keys = {"SECRET_KEY": secrets.token_urlsafe(48), "KUBECONFIG_ENCRYPTION_KEY": fernet_key}
    return {
        **os.environ,
        **keys,
        **urls,
        **without_proxy(),
        "HELM_BINARY": str(helm),
        "PATH": f"{_BIN}:{os.environ['PATH']}",
    }


def _located(arguments: Sequence[str]) -> list[str]:
    program, *rest = arguments
    if program == "manage.py":
        return [sys.executable, program, *rest]
    own = _BIN / program
    return [str(own) if own.exists() else program, *rest]


def _conclude(results: Sequence[Result], seconds: float) -> int:
    say()
    for result in results:
        word = "FAILED" if not result.passed else "not checked:" if result.note else "passed"
        say(f"  {result.name:<36}{result.seconds:6.1f} s  {' '.join(filter(None, [word, result.note]))}")
    failed = [result.name for result in results if not result.passed]
    say(f"bin/test: {'failed: ' + ', '.join(failed) if failed else 'all green'} in {seconds:.0f} s")
    return 1 if failed else 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "bin/test", description=_HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fast", action="store_true", help="lint, types and the unit tests")
    parser.add_argument("pytest", nargs="*", help="after --: arguments for pytest, which then runs alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    exit_with(main)
