"""Whether our migrations can run while the former version still serves: django-migration-linter, on our apps alone.

Its command would have to be an installed app; production has no use for it, so we call it from here.
"""

import os
from pathlib import Path

import django
from django.apps import apps
from django.core.management import call_command
from django_migration_linter.management.commands.lintmigrations import Command

from tools.paths import PROJECT, VENV
from tools.terminal import exit_with


def main(_arguments: list[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    call_command(Command(), include_apps=_own_apps(), no_cache=True, ignore_initial_migrations=True, quiet=["ignore"])
    return 0


def _own_apps() -> list[str]:
    """Labels of the installed apps whose code lies in this project."""
    paths = {app.label: Path(app.path) for app in apps.get_app_configs()}
    return [label for label, path in paths.items() if path.is_relative_to(PROJECT) and not path.is_relative_to(VENV)]


if __name__ == "__main__":
    exit_with(main)
