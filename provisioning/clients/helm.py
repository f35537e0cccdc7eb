"""The helm program, run as a supervised child: private folders, no shell, its own clock, gone when the worker goes.

Helm applies and returns; who wants to know whether the pods come up asks Kubernetes. Helm 4, and 3 from 3.14 on.
"""

import base64
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from portal.core.tracing import span
from provisioning.outcomes import NotYet, Refused

KEPT_REVISIONS = 5
LONGEST_MESSAGE = 600
PR_SET_PDEATHSIG = 1
KEPT_ENVIRONMENT = ("PATH", "LANG", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy")
# For Go: it lives for a moment, and with the usual GOGC of 100 a quarter of its CPU time goes into collecting garbage.
# It has many short goroutines, one for each file of its discovery cache: on one thread all of it costs a seventh less.
RUNTIME = {"GOGC": "400", "GOMAXPROCS": "1"}
LOCKED = re.compile(r"another operation .* is in progress")
ABSENT = re.compile(r"release: not found")
FIXED = re.compile(r'StatefulSet\.apps "([^"]+)" is invalid: spec: Forbidden: updates to statefulset spec')
NO_SUCH_CHART = re.compile(r"not found|404 |is not a valid chart repository")
ARCHIVE, VALUES, KUBECONFIG, AUTHORITY = "chart.tgz", "values.yaml", "kubeconfig", "ca.pem"
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
HOPELESS = re.compile(
    r"execution error at|parse error|YAML parse|schema|invalid ownership metadata|cannot be imported into the current "
    r"release|Chart\.yaml file is missing|chart not found|path .* not found|nil pointer|is forbidden|is invalid:|"
    r"unknown field|field not declared"
)


Understand = Callable[[str], Exception]


class FixedFields(Refused):
    """The chart changes what Kubernetes never changes of StatefulSets that stand: they have to be made anew."""

    def __init__(self, why: str, stateful_sets: Sequence[str]) -> None:
        super().__init__(why, "Delete them without their pods, then retry the step.")
        self.stateful_sets = stateful_sets


class HelmFailed(Exception):
    """Helm ended with an error that may pass; `str()` is what it wrote."""


class Helm:
    """Helm for one namespace of one cluster. The kubeconfig is a document of one context, as kubectl would read it.

    Made for one deed: all of its runs together have HELM_TIMEOUT_SECONDS, so that even a repair ends within the lease.
    """

    def __init__(self, kubeconfig: Mapping[str, Any], namespace: str) -> None:
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._until = time.monotonic() + settings.HELM_TIMEOUT_SECONDS

    def upgrade(
        self, release: str, archive: bytes, *, values: Mapping[str, Any], labels: Mapping[str, str], apply: bool
    ) -> None:
        """The archived chart is applied with exactly these values, installed if need be; nothing is waited for.

        `apply` is whether the server may do the applying (not below Kubernetes 1.22). `labels` stay with the revision.
        """
        options = ["--install", "--reset-values", f"--history-max={KEPT_REVISIONS}", "--values", VALUES]
        options += [f"--labels={','.join(f'{key}={value}' for key, value in labels.items())}"]
        options += _applying(by_server=apply)
        self._run("upgrade", release, ARCHIVE, *options, values=values, archive=archive)

    def status(self, release: str) -> dict[str, Any] | None:
        """What Helm tells of the newest revision, or None without one."""
        try:
            found: dict[str, Any] = json.loads(self._run("status", release, "--output=json"))
        except HelmFailed as error:
            if ABSENT.search(str(error)):
                return None
            raise
        return found

    def history(self, release: str) -> list[dict[str, Any]]:
        """The revisions that are kept, oldest first; none without a release."""
        try:
            found: list[dict[str, Any]] = json.loads(self._run("history", release, "--output=json"))
        except HelmFailed as error:
            if ABSENT.search(str(error)):
                return []
            raise
        return found

    def rollback(self, release: str, revision: int, *, apply: bool = True) -> None:
        """The release is as it was in that revision, as a new one."""
        options = [f"--history-max={KEPT_REVISIONS}"]
        options += _applying(by_server=apply)
        self._run("rollback", release, str(revision), *options)

    def uninstall(self, release: str) -> None:
        """The release is gone; its volumes stay."""
        self._run("uninstall", release, "--ignore-not-found")

    def repair(self, release: str, *, apply: bool = True) -> str:
        """A release that a killed helm left pending can be worked on again; answers what was done.

        Only to be called while nobody else can be at it: under the step's lease, which outlives any helm of an earlier
        one.
        """
        revisions = self.history(release)
        good = [row["revision"] for row in revisions if row["status"] in {"deployed", "superseded"}]
        if good:
            self.rollback(release, max(good), apply=apply)
            return f"rolled back to revision {max(good)}, since a killed helm had left it pending"
        self.uninstall(release)
        return "removed the first revision, which a killed helm had left pending"

    def _run(
        self, command: str, *arguments: str, values: Mapping[str, Any] | None = None, archive: bytes | None = None
    ) -> str:
        with TemporaryDirectory(prefix="helm-") as name:
            folder = Path(name)
            if archive is not None:
                (folder / ARCHIVE).write_bytes(archive)
            _write(folder / VALUES, json.dumps(values or {}))
            words = [settings.HELM_BINARY, command, *arguments, "--namespace", self._namespace]
            with span(f"helm {command}"):
                return run(words, folder, self._until - time.monotonic(), access=_access(self._kubeconfig, folder))


def _applying(*, by_server: bool) -> list[str]:
    """Said each time: left alone, Helm goes on as the revision before was applied, by a cluster that was older then."""
    if major_version() < 4:
        return []
    return ["--server-side=true", "--force-conflicts"] if by_server else ["--server-side=false"]


@cache
def major_version() -> int:
    """Helm's major version. Asked once per process."""
    with TemporaryDirectory(prefix="helm-") as folder:
        text = run([settings.HELM_BINARY, "version", "--template={{.Version}}"], Path(folder))
    return int(text.strip().lstrip("v").split(".")[0])


def pull(chart: str, *, repository: str = "", version: str = "") -> bytes:
    """A chart's archive: by its name in a repository, or by its own address, oci:// or of an archive.

    A registry on this machine is asked without TLS. Raises Refused when it is not there, HelmFailed when that is
    not known.
    """
    options = ["--destination=pulled"]
    options += [f"--repo={repository}"] if repository else []
    options += [f"--version={version}"] if version else []
    if chart.startswith("oci://") and urlsplit(chart).hostname in LOOPBACK:
        options += ["--plain-http"]
    with TemporaryDirectory(prefix="helm-") as name:
        folder = Path(name)
        (folder / "pulled").mkdir()
        run([settings.HELM_BINARY, "pull", chart, *options], folder, understand=_understand_pull)
        return next((folder / "pulled").iterdir()).read_bytes()


def run(
    words: Sequence[str],
    folder: Path,
    seconds: float | None = None,
    *,
    understand: Understand | None = None,
    access: Mapping[str, str] | None = None,
) -> str:
    """What the program wrote within so long (HELM_TIMEOUT_SECONDS unless said otherwise).

    `access` are the variables that let it into a cluster. Raises what `understand` makes of its complaint: NotYet,
    Refused or HelmFailed.
    """
    seconds = settings.HELM_TIMEOUT_SECONDS if seconds is None else seconds
    if seconds <= 0:
        raise HelmFailed(f"helm has used up its {settings.HELM_TIMEOUT_SECONDS:.0f} seconds.")
    child = _started(words, folder, access or {})
    try:
        code = child.wait(seconds)
    except subprocess.TimeoutExpired:
        raise HelmFailed(f"helm was not done within {settings.HELM_TIMEOUT_SECONDS:.0f} seconds.") from None
    finally:
        _stop(child)
    if code:
        raise (understand or _understand)((folder / "stderr").read_text(errors="replace").strip())
    return (folder / "stdout").read_text()


def _started(words: Sequence[str], folder: Path, access: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """It runs, and writes into two files there."""
    with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
        return subprocess.Popen(
            words,
            cwd=folder,
            env={**_environment(folder), **access},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - it only calls prctl, which takes no lock
        )


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    own = {f"HELM_{kind}_HOME": str(folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    folders = {"HOME": str(folder), "TMPDIR": str(folder), "KUBECONFIG": str(folder / KUBECONFIG)}
    return {**kept, **own, **folders, **RUNTIME}


def _access(kubeconfig: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """What lets Helm into the cluster: variables where a token and an authority will do, as with Google, else a file.

    It reads the file six times for each object that it applies, which is a tenth of its work.
    """
    cluster: dict[str, str] = next((each["cluster"] for each in kubeconfig.get("clusters", ())), {})
    user: dict[str, str] = next((each["user"] for each in kubeconfig.get("users", ())), {})
    if cluster.keys() != {"server", "certificate-authority-data"} or user.keys() != {"token"}:
        _write(folder / KUBECONFIG, json.dumps(kubeconfig))
        return {}
    _write(folder / AUTHORITY, base64.b64decode(cluster["certificate-authority-data"]).decode())
    variables = {"APISERVER": cluster["server"], "TOKEN": user["token"], "CAFILE": str(folder / AUTHORITY)}
    return {f"HELM_KUBE{name}": value for name, value in variables.items()}


def _write(path: Path, text: str) -> None:
    """For nobody else to read. JSON is YAML too, and written in no time."""
    path.touch(mode=0o600)
    path.write_text(text)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """It has ended: asked first, so that Helm marks the release as failed instead of leaving it pending."""
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(settings.HELM_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _understand(complaint: str) -> Exception:
    said = complaint[-LONGEST_MESSAGE:] or "helm failed without a word."
    if LOCKED.search(complaint):
        return NotYet("another helm to be done with the release")
    if stateful_sets := FIXED.findall(complaint):
        return FixedFields(f"Helm cannot apply the chart. {said}", stateful_sets)
    if HOPELESS.search(complaint):
        return Refused(f"Helm cannot apply the chart. {said}", "Mend the chart or its values, then retry the step.")
    return HelmFailed(said)


def _understand_pull(complaint: str) -> Exception:
    said = complaint.removeprefix("Error: ")[-LONGEST_MESSAGE:] or "helm failed without a word."
    if NO_SUCH_CHART.search(complaint):
        return Refused(f"{said.rstrip('.')}.", "Check the reference and the version.")
    return HelmFailed(said)


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """In the child, before helm: the kernel ends it when the worker dies, however it dies."""
    if _libc:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
