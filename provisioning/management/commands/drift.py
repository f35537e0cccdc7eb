"""`manage.py drift [INSTANCE]`: what is not as the specs say. Exit code 1 when there is something."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from provisioning.engine.survey import Finding, Verdict
from provisioning.management.terminal import (
    FOUND,
    changes_as_text,
    errors_as_sentences,
    instance_named,
    looked_through,
    table,
)
from provisioning.models import Instance, OperationKind
from provisioning.selectors import drifted, findings_of
from provisioning.services.surveys import plan_unsaved

TO_SEE_TO = {Verdict.MISSING, Verdict.DIFFERS, Verdict.UNCLEAR}


class Command(BaseCommand):
    help = "Looks at one instance now and tells what differs from its spec; without one, lists those that have drifted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("instance", nargs="?", help="its name or its id: it is looked at now")

    def handle(self, *_args: Any, **options: Any) -> None:
        with errors_as_sentences():
            if options["instance"]:
                self._look_at(instance_named(options["instance"]))
            else:
                self._list()

    def _look_at(self, instance: Instance) -> None:
        survey = looked_through(plan_unsaved(instance=instance, kind=OperationKind.REPAIR))
        found = [finding for finding in findings_of(survey) if finding.verdict in TO_SEE_TO]
        for finding in found:
            self.stdout.write(_as_text(finding))
        if found:
            raise CommandError(f"{len(found)} things of {instance.slug} are not as its spec says.", returncode=FOUND)
        self.stdout.write(f"{instance.slug} is as its spec says.")

    def _list(self) -> None:
        surveys = list(drifted())
        rows = [
            [str(s.instance), s.instance_id, f"{s.differing} differ", f"seen {s.started_at:%F %T}"] for s in surveys
        ]
        if not surveys:
            self.stdout.write("Nothing has drifted.")
            return
        self.stdout.write(table(rows))
        raise CommandError(f"{len(surveys)} instances have drifted.", returncode=FOUND)


def _as_text(finding: Finding) -> str:
    head = f"{finding.verdict.value}: {finding.title} {finding.resource}".rstrip()
    return f"{head}\n{changes_as_text(finding.changes) or f'    {finding.sentence}'}"
