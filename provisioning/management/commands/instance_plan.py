"""`manage.py instance_plan INSTANCE KIND`: what an operation would do. It only looks."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from provisioning.management.terminal import (
    add_wishes,
    errors_as_sentences,
    instance_named,
    plan_as_text,
    plan_now,
    wanted_spec,
)
from provisioning.models import OperationKind
from provisioning.selectors import Plan

NEED_A_BACKUP = (OperationKind.RESTORE, OperationKind.REHEARSE)
KINDS = [kind for kind in OperationKind if kind not in NEED_A_BACKUP]


class Command(BaseCommand):
    help = "Shows what an operation would do: objects, time, downtime, money. Nothing is changed."

    def add_arguments(self, parser: CommandParser) -> None:
        add_wishes(parser, KINDS)
        parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")

    def handle(self, *_args: Any, **options: Any) -> None:
        with errors_as_sentences():
            instance = instance_named(options["instance"])
            wanted = wanted_spec(instance, options["kind"], options)
            plan = plan_now(instance, options["kind"], wanted)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(plan), indent=2))
        else:
            self.stdout.write(f"{options['kind'].capitalize()} of {instance.slug} ({instance.pk})\n\n")
            self.stdout.write(plan_as_text(plan))


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan with its sums; money in US cents a month, time in seconds, downtime null where it does not come back by
    itself. Where `is_priced` is false, the money is what it costs while it runs.
    """
    times = ("is_done", "expected_seconds", "downtime_seconds")
    names = (*times, "is_priced", "cents_before", "cents_after", "cents_difference")
    return {"lines": [asdict(line) for line in plan.lines], **{name: getattr(plan, name) for name in names}}
