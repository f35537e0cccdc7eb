"""What bin/demo says and keeps, without starting it whole."""

import base64
import fcntl
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tools import demo
from tools.demo_environment import Ports, own_secrets, portal_environment
from tools.paths import PROJECT
from tools.terminal import Refused


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A PATH with what a shell script needs, and no Python."""
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    return tmp_path


def _bin_demo(path: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path), "HOME": str(path)}
    command = [str(path / "bash"), str(PROJECT / "bin" / "demo")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_machine_without_python_gets_a_sentence(bare_path: Path) -> None:
    done = _bin_demo(bare_path)
    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.11 or newer is needed, and none is on PATH.")


def test_a_python_without_venv_gets_a_sentence(bare_path: Path) -> None:
    incomplete = bare_path / "python3"
    incomplete.write_text(f"#!{bare_path}/bash\n[[ $2 != *ensurepip* ]]\n")
    incomplete.chmod(0o755)
    done = _bin_demo(bare_path)
    assert done.returncode == 1
    assert done.stderr == "python3 lacks the venv module. On Debian or Ubuntu: apt install python3-venv\n"


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "demo.env"
    first = own_secrets(file)
    assert own_secrets(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(base64.urlsafe_b64decode(first["KUBECONFIG_ENCRYPTION_KEY"])) == 32


def test_the_portal_meets_the_stand_in_for_the_cloud_where_it_listens() -> None:
    told = portal_environment(Ports(cloud=9500), database_url="d", redis_url="r", helm=Path("/bin/helm"), own={})
    assert told["GOOGLE_API_ENDPOINT"] == "http://127.0.0.1:9500/google"
    assert told["INSTANCE_GATEWAY"] == "http://127.0.0.1:9500"
    assert told["SUSPENDED_PAGE_ADDRESS"] == "127.0.0.1"
    assert (
        told["INSTANCE_URL_FORMAT"].format(domain="acme.sourcegraph.localhost")
        == "http://acme.sourcegraph.localhost:9500"
    )


def test_a_second_demo_is_told_where_the_first_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "VAR", tmp_path)
    with (tmp_path / "demo.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        first.write(f"{os.getpid()} http://127.0.0.1:8000")
        first.flush()
        with pytest.raises(Refused, match=f"runs already: http://127.0.0.1:8000 \\(process {os.getpid()}\\)"):
            demo.main([])


def test_reset_deletes_nothing_when_nobody_can_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = _data(tmp_path, monkeypatch)
    with pytest.raises(Refused, match="--reset --yes"):
        demo._reset(sure=False)
    assert data.exists()
    demo._reset(sure=True)
    assert not data.exists()


def test_reset_leaves_the_servers_of_others_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = _data(tmp_path, monkeypatch)
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/portal")
    with pytest.raises(Refused, match="only the demo's own servers"):
        demo._reset(sure=True)
    assert data.exists()


def _data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = folder / "redis"
    data.mkdir()
    monkeypatch.setattr(demo, "DATA", (data,))
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return data
