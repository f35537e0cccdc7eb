"""A virtual environment that is stood in for by a folder: whether it counts as complete, half-made or outdated."""

import fcntl
import shutil
import sys
from pathlib import Path

import pytest

from tools import environment
from tools.environment import Environment, prepare
from tools.terminal import Refused


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that needs no package, in an environment that pip cannot reach out from."""
    for names in environment.REQUIREMENTS.values():
        for name in names:
            (tmp_path / name).touch()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return tmp_path


@pytest.fixture
def swift_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python whose `-m venv FOLDER` takes no time, and whose pip has nothing to do."""
    swift = tmp_path / "python"
    swift.write_text(f'#!/bin/sh\nmkdir -p "$3/bin" && ln -s {shutil.which("true")} "$3/bin/python"\n')
    swift.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(swift))


def _stand_in(project: Path, kind: str | None = None) -> Environment:
    made = Environment(project)
    made.python.parent.mkdir(parents=True)
    made.python.symlink_to(sys.executable)
    if kind:
        made.stamp(kind).write_text(made.fingerprint(kind))
    return made


def test_an_unfinished_environment_is_made_anew(
    project: Path, swift_python: None, capsys: pytest.CaptureFixture[str]
) -> None:
    leftover = _stand_in(project).folder / "leftover"
    leftover.touch()
    prepare(Environment(project), "runtime")
    assert "left unfinished" in capsys.readouterr().out
    assert not leftover.exists()
    assert Environment(project).is_complete("runtime")
    assert not Environment(project).is_half_made()


def test_a_complete_environment_is_left_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = _stand_in(project, "runtime")
    prepare(made, "runtime")
    assert capsys.readouterr().out == ""


def test_the_development_environment_serves_at_run_time_and_not_the_other_way(project: Path) -> None:
    made = _stand_in(project, "development")
    assert made.is_complete("runtime")
    made.stamp("development").rename(made.stamp("runtime"))
    assert not made.is_complete("development")


def test_changed_requirements_are_noticed(project: Path) -> None:
    made = _stand_in(project, "runtime")
    (project / "requirements.txt").write_text("something==1\n")
    assert not made.is_complete("runtime")
    assert not made.is_half_made()


def test_an_environment_whose_python_is_gone_is_half_made(project: Path) -> None:
    made = _stand_in(project, "runtime")
    made.python.unlink()
    made.python.symlink_to("/nowhere/python3")
    assert made.is_half_made()


def test_what_pip_refuses_becomes_a_sentence(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_BREAK_SYSTEM_PACKAGES", "1")  # the stand-in's Python may be the system's own
    made = _stand_in(project, "runtime")
    (project / "requirements.txt").write_text("this is no requirement\n")
    with pytest.raises(Refused, match=r"could not be made[\s\S]*this is no requirement"):
        prepare(made, "runtime")
    assert not made.is_complete("runtime")


def test_a_project_of_somebody_else_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied", str(project / "var" / "environment.lock"))

    monkeypatch.setattr(fcntl, "flock", refuse)  # nothing refuses root by itself
    with pytest.raises(Refused, match="not yours to write in"):
        prepare(Environment(project), "runtime")
