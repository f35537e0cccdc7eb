"""`manage.py instance_change INSTANCE KIND --reason R`: shows the plan, asks, and then requests the operation."""

from argparse import BooleanOptionalAction
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.core.audit import Actor
from provisioning.management.terminal import (
    REFUSED,
    actor_named,
    add_wishes,
    errors_as_sentences,
    instance_named,
    plan_as_text,
    plan_now,
    release_named,
    size_named,
    wanted_spec,
)
from provisioning.models import Instance, Operation, OperationKind
from provisioning.services import (
    instance_delete,
    instance_repair,
    instance_resize,
    instance_resume,
    instance_suspend,
    instance_upgrade,
)
from provisioning.services.architectures import instance_migrate_architecture
from provisioning.services.restoring import instance_rollback

KINDS = (
    OperationKind.UPGRADE,
    OperationKind.ROLLBACK,
    OperationKind.RESIZE,
    OperationKind.SUSPEND,
    OperationKind.RESUME,
    OperationKind.REPAIR,
    OperationKind.MIGRATE_ARCHITECTURE,
    OperationKind.TEARDOWN,
)


class Command(BaseCommand):
    help = "Changes an instance, or tears it down: shows the plan, asks, and then requests the operation."

    def add_arguments(self, parser: CommandParser) -> None:
        add_wishes(parser, KINDS)
        parser.add_argument("--reason", required=True, help="goes into the audit log")
        parser.add_argument("--by", metavar="EMAIL", help="who is acting; without it, the command line itself")
        parser.add_argument(
            "--final-backup",
            action=BooleanOptionalAction,
            help="for a teardown: export the databases first and keep them for a while; as a rule only of a customer's",
        )
        parser.add_argument("--yes", action="store_true", help="do not ask; a teardown always asks for the name")

    def handle(self, *_args: Any, **options: Any) -> None:
        with errors_as_sentences():
            instance, actor = instance_named(options["instance"]), actor_named(options["by"])
            wanted = wanted_spec(instance, options["kind"], options)
            self.stdout.write(plan_as_text(plan_now(instance, options["kind"], wanted)))
            confirmation = self._confirmation(instance, options)
            operation = _request(instance, actor, confirmation, options)
        self.stdout.write(f"{operation.pk} is {operation.status}.")

    def _confirmation(self, instance: Instance, options: dict[str, Any]) -> str:
        if options["kind"] == OperationKind.TEARDOWN:
            return input(f"\nThis deletes {instance.slug} and all its data. Type its name to go on: ")
        if not options["yes"] and input("\nGo on? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was done.", returncode=REFUSED)
        return ""


def _request(instance: Instance, actor: Actor, confirmation: str, options: dict[str, Any]) -> Operation:
    kind = options["kind"]
    asked: dict[str, Any] = {"instance": instance, "actor": actor, "reason": options["reason"]}
    match kind:
        case OperationKind.UPGRADE | OperationKind.ROLLBACK:
            change = instance_upgrade if kind == OperationKind.UPGRADE else instance_rollback
            return change(**asked, release=release_named(options["release"]))
        case OperationKind.MIGRATE_ARCHITECTURE:
            return instance_migrate_architecture(**asked, architecture=options["architecture"])
        case OperationKind.RESIZE:
            return instance_resize(**asked, size=size_named(options["size"]))
        case OperationKind.SUSPEND:
            return instance_suspend(**asked, notice=options["notice"])
        case OperationKind.RESUME | OperationKind.REPAIR:
            return instance_resume(**asked) if kind == OperationKind.RESUME else instance_repair(**asked)
    return instance_delete(**asked, confirmation=confirmation, final_backup=options["final_backup"])
