"""What an idle fleet costs the database: every statement of the portal's processes is logged and counted.

statements_per_second: with so many running instances and nothing to do, over a minute.
"""

import argparse
import json
import os
import re
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from django.db import connection  # noqa: E402 - Django has to be set up first

from tools.benchmarks.fleet import actor, idle_instances  # noqa: E402

SETTLING_SECONDS, MEASURED_SECONDS = 10, 60
STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]+): (\w+)")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1_000, help="instances")
    count = parser.parse_args().count
    organization, by = actor()
    idle_instances(count, organization, by)
    time.sleep(SETTLING_SECONDS)
    _log_statements(on=True)
    time.sleep(MEASURED_SECONDS)
    _log_statements(on=False)
    log = (Path(os.environ["BENCH_LOGS"]) / "postgres.log").read_text(errors="replace")
    words = [found.group(1).upper() for found in STATEMENT.finditer(log)]
    kinds = {word: words.count(word) for word in sorted(set(words))}
    print(f"{len(words)} statements in {MEASURED_SECONDS} s: {kinds}")  # noqa: T201
    print(  # noqa: T201
        json.dumps({"statements_per_second": round(len(words) / MEASURED_SECONDS, 2), "instances": count})
    )


def _log_statements(*, on: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER SYSTEM SET log_statement = '{'all' if on else 'none'}'")
        cursor.execute("SELECT pg_reload_conf()")


if __name__ == "__main__":
    main()
