"""docker-compose.yml and the Dockerfile are valid, and everything that they name exists. No Docker is asked."""

import json
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import yaml
from celery.bin.celery import celery
from django.core.management import get_commands

from tools.paths import PROJECT

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PORTAL = {name: service for name, service in SERVICES.items() if service.get("build")}
DOCKERFILE = (PROJECT / "Dockerfile").read_text().replace("\\\n", " ")
COPIES = [
    shlex.split(line)[1:] for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and "--from" not in line
]
SOURCES = sorted({source for *sources, _ in COPIES for source in sources})
DEFAULT_COMMAND: list[str] = json.loads(re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)[-1])
COMMANDS = [service["command"] for service in PORTAL.values() if "command" in service] + [DEFAULT_COMMAND]


def _program(command: list[str]) -> Path:
    return Path(sys.executable).with_name(command[0])


def _flags(command: list[str]) -> set[str]:
    return {part.partition("=")[0] for part in command if part.startswith("--")}


def test_the_compose_file_is_valid() -> None:
    checker = [str(_program(["check-jsonschema"])), "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    done = subprocess.run(checker, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_production_shape_is_whole() -> None:
    usual = {name for name, service in SERVICES.items() if not service.get("profiles")}
    assert usual == {"postgres", "redis", "migrate", "catalogue", "web", "intake", "worker", "beat", "probe"}


def test_devcloud_is_of_the_demo_profile_alone() -> None:
    assert SERVICES["devcloud"]["profiles"] == ["demo"]
    assert not any("devcloud" in json.dumps(service) for name, service in SERVICES.items() if name != "devcloud")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_exists(command: list[str]) -> None:
    assert _program(command).exists()
    match command:
        case ["python", "manage.py", name, *_]:
            assert name in get_commands()
        case ["python", "-m", module, *_]:
            assert find_spec(f"{module}.__main__")
        case ["celery", "--app", app, name, *arguments]:
            assert find_spec(f"{app}.celery")
            assert _flags(arguments) <= {flag for option in celery.commands[name].params for flag in option.opts}
        case ["uvicorn", app, *arguments]:
            assert find_spec(app.partition(":")[0])
            assert _flags(arguments) <= {
                flag for option in uvicorn.main.params for flag in (*option.opts, *option.secondary_opts)
            }
        case ["gunicorn", *_]:
            done = subprocess.run([_program(command), "--check-config", *command[1:]], cwd=PROJECT, check=False)
            assert done.returncode == 0
        case _:
            pytest.fail(f"nobody knows how to check {command}")


def test_devcloud_knows_its_flags() -> None:
    command = SERVICES["devcloud"]["command"]
    said = subprocess.run(
        [sys.executable, *command[1:3], "--help"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert _flags(command) <= set(re.findall(r"--[a-z-]+", said.stdout))


@pytest.mark.parametrize("source", SOURCES)
def test_every_copied_path_exists(source: str) -> None:
    assert (PROJECT / source).exists()
    assert (PROJECT / source).is_dir() == source.endswith("/")
    assert f"!{source}" in (PROJECT / ".dockerignore").read_text().splitlines()


def test_the_image_runs_as_an_ordinary_user() -> None:
    user = re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE)[-1]
    assert re.search(rf"^RUN useradd .* {user}$", DOCKERFILE, re.MULTILINE)


def test_every_image_has_an_exact_version() -> None:
    images = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    images += [service["image"] for name, service in SERVICES.items() if name not in PORTAL]
    assert all(re.search(r":\d+\.\d+", image) for image in images), images


def test_the_example_names_every_setting_without_a_default() -> None:
    example = (PROJECT / f"{PORTAL['web']['env_file']}.example").read_text()
    named = set(re.findall(r"^(\w+)=", example, re.MULTILINE)) | set(PORTAL["web"]["environment"])
    required = set(re.findall(r"env(?:\.\w+)?\(\"(\w+)\"\)", (PROJECT / "portal" / "settings.py").read_text()))
    assert required <= named
    assert set(re.findall(r"\$\{(\w+)", json.dumps(COMPOSE))) <= named


def test_dependencies_are_services_that_say_when_they_are_healthy() -> None:
    for service in SERVICES.values():
        for name, wanted in service.get("depends_on", {}).items():
            assert wanted["condition"] != "service_healthy" or "healthcheck" in SERVICES[name]


def test_the_lockfile_names_no_registry() -> None:
    lock = json.loads((PROJECT / "package-lock.json").read_text())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    assert {lock["packages"][f"node_modules/{name}"]["version"] for name in ("tailwindcss", "@tailwindcss/cli")} == {
        "4.3.5"
    }
