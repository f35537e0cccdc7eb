"""`manage.py release_import VERSION`: a release and its chart, fetched and pinned."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.core.errors import Invalid
from provisioning.management.terminal import actor_named, errors_as_sentences
from provisioning.models import Release
from provisioning.models.catalogue import RELEASED_TO
from provisioning.services.releases import Terms, release_import, release_publish


class Command(BaseCommand):
    help = "Imports a release: its chart is fetched and kept. It is a draft until it is published."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("app_version", metavar="VERSION", help="of the application, such as 5.11.0")
        parser.add_argument(
            "--chart",
            default="",
            metavar="REF",
            help="oci://registry/chart, https://repository/chart, an archive or a folder; without it, CHART",
        )
        parser.add_argument("--chart-version", default="", help="without it, in a repository or registry, VERSION")
        parser.add_argument("--kind", default="", choices=["", *Release.Kind.values], help="without it, by the version")
        parser.add_argument("--notes-file", type=Path, help="what customers read of it, Markdown")
        parser.add_argument("--minimum-version", default="", help="the oldest version that can be upgraded directly")
        parser.add_argument(
            "--schema-incompatible", action="store_true", help="the version before does not run on its database schema"
        )
        parser.add_argument("--channel", default="stable", choices=[name for name, _ in RELEASED_TO])
        parser.add_argument("--publish", action="store_true", help="offer it to the channel at once")
        parser.add_argument("--reason", default="", help="goes into the audit log when it is published")
        parser.add_argument("--by", metavar="EMAIL", help="who is acting; without it, the command line itself")

    def handle(self, *_args: Any, **options: Any) -> None:
        with errors_as_sentences():
            release = _import(options)
        self.stdout.write(f"{release} is {release.status}, {release.kind}, with the chart {release.chart}.")


def _text_of(file: Path | None) -> str:
    try:
        return file.read_text() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"The notes cannot be read: {error}.") from None


def _import(options: dict[str, Any]) -> Release:
    actor = actor_named(options["by"])
    terms = Terms(
        kind=options["kind"],
        notes=_text_of(options["notes_file"]),
        minimum_version=options["minimum_version"],
        schema_is_compatible=False if options["schema_incompatible"] else None,
        channel=options["channel"],
    )
    chart = {name: options[name] for name in ("app_version", "chart", "chart_version")}
    release = release_import(actor=actor, terms=terms, **chart)
    if options["publish"] and release.status == Release.Status.DRAFT:
        return release_publish(release=release, actor=actor, reason=options["reason"])
    return release
