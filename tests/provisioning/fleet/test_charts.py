"""Charts are fetched from wherever they are, packed, and pinned by their digest."""

import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from portal.core.errors import Invalid
from provisioning.fleet.charts import archive_of, digest_of, fetch, pin
from provisioning.models import Chart, Release
from provisioning.outcomes import Refused
from tests.conftest import release
from tests.provisioning.fleet.registries import registry
from tests.stack.tools import helm_path

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A chart."""
    chart = tmp_path / "somewhere" / "odd name"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: toy\nversion: 1.2.3\n")
    (chart / "values.yaml").write_text("replicas: 1\n")
    (chart / "templates" / "job.yaml").write_text("kind: Job\n")
    return chart


def files(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=BytesIO(content)) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]


class TestAFolder:
    def test_is_packed_under_the_charts_name(self, folder):
        archive = fetch(str(folder))
        assert (archive.name, archive.version, archive.source) == ("toy", "1.2.3", str(folder))
        assert list(files(archive.content)) == ["toy/Chart.yaml", "toy/templates/job.yaml", "toy/values.yaml"]

    def test_of_the_same_content_has_the_same_digest(self, folder, tmp_path):
        before = fetch(str(folder))
        other = folder.rename(tmp_path / "elsewhere")
        for path in other.rglob("*"):
            os.utime(path, (1, 1))
            path.chmod(0o700)
        assert fetch(str(other)).digest == before.digest

    def test_of_other_content_has_another(self, folder):
        before = fetch(str(folder))
        (folder / "values.yaml").write_text("replicas: 2\n")
        assert fetch(str(folder)).digest != before.digest

    def test_leaves_out_what_helm_would_ignore(self, folder):
        (folder / ".helmignore").write_text("# ours\n*.tgz\nsecret/\n/docs/*.md\n")
        for name in ("old.tgz", "secret/key", "docs/a.md", "docs/sub/b.md", "templates/.hidden"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("x")
        names = set(files(fetch(str(folder)).content))
        assert names - {"toy/.helmignore"} == {
            "toy/Chart.yaml", "toy/values.yaml", "toy/templates/job.yaml", "toy/docs/sub/b.md",
        }  # fmt: skip

    def test_may_keep_only_what_is_named(self, folder):
        (folder / ".helmignore").write_text("!*.yaml\n")
        (folder / "notes").write_text("x")
        assert list(files(fetch(str(folder)).content)) == ["toy/Chart.yaml", "toy/values.yaml"]

    def test_with_a_link_is_refused(self, folder):
        (folder / "passwords").symlink_to("/etc/passwd")
        with pytest.raises(Invalid, match="is a link"):
            fetch(str(folder))

    @pytest.mark.helm
    def test_is_a_chart_to_helm_as_well(self, folder, tmp_path):
        file = tmp_path / "chart.tgz"
        file.write_bytes(fetch(str(folder)).content)
        shown = subprocess.run([helm_path(), "show", "chart", str(file)], capture_output=True, text=True, check=True)
        assert "name: toy" in shown.stdout


class TestAnArchive:
    def test_is_taken_as_it_is(self, folder, tmp_path):
        file = tmp_path / "toy-1.2.3.tgz"
        file.write_bytes(fetch(str(folder)).content)
        assert fetch(str(file), "1.2.3").content == file.read_bytes()

    @pytest.mark.parametrize(
        "content", [b"", b"no archive", b"\x1f\x8b\x08\x00broken"], ids=["empty", "text", "broken"]
    )
    def test_that_is_none_is_refused(self, tmp_path, content):
        file = tmp_path / "chart.tgz"
        file.write_bytes(content)
        with pytest.raises(Invalid, match=r"is no (archive of a )?chart"):
            fetch(str(file))

    def test_that_is_too_large_for_helm_is_refused(self, folder):
        (folder / "noise").write_bytes(os.urandom(1_000_000))
        with pytest.raises(Invalid, match="Helm can keep 1,000,000"):
            fetch(str(folder))


@pytest.mark.parametrize(
    ("described", "says"),
    [
        ("- a list", "no good name and version"),
        ("name: toy", "no good name and version"),
        ("name: ../toy\nversion: 1.0.0", "no good name and version"),
        ("{", "cannot be read"),
        ("name: toy\nversion: 1.0.0\ndependencies: [{name: redis, version: 1.0.0}]", "depends on: redis"),
    ],
)
def test_what_is_no_chart_is_told_so(folder, described, says):
    (folder / "Chart.yaml").write_text(described)
    with pytest.raises(Invalid, match=says):
        fetch(str(folder))


@pytest.mark.parametrize("bundled", ["charts/redis/Chart.yaml", "charts/redis-1.0.0.tgz"])
def test_dependencies_are_in_the_chart(folder, bundled):
    (folder / "Chart.yaml").write_text("name: toy\nversion: 1.0.0\ndependencies: [{name: redis, version: 1.0.0}]")
    (folder / bundled).parent.mkdir(parents=True)
    (folder / bundled).write_text("x")
    assert fetch(str(folder)).name == "toy"


def test_only_a_version_that_was_asked_for_has_to_be_that_of_the_chart(folder):
    with pytest.raises(Invalid, match=r"is of version 1\.2\.3, not 1\.2\.4") as refused:
        fetch(str(folder), "1.2.4")
    assert refused.value.field == "chart_version"


@pytest.mark.parametrize("reference", ["", "/nowhere/chart", "relative/nowhere", "/etc", "--help"])
def test_a_path_without_a_chart_is_refused(reference):
    with pytest.raises(Invalid, match="There is no chart at") as refused:
        fetch(reference)
    assert refused.value.field == "chart"


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("ftp://host/chart", "is no reference to a chart"),
        ("oci://", "is no reference to a chart"),
        ("https://host", "is no reference to a chart"),
        ("https://me:hush@host/chart", "Leave name and password out"),
    ],
)
def test_a_reference_that_is_none_is_refused_unasked(reference, says):
    with pytest.raises(Invalid, match=says) as refused:
        fetch(reference)
    assert "hush" not in str(refused.value)


@pytest.mark.helm
class TestOverTheNetwork:
    """With the real helm."""

    @pytest.fixture(autouse=True)
    def _real_helm(self, settings):
        settings.HELM_BINARY = helm_path()

    @pytest.fixture
    def archive(self, folder) -> bytes:
        return fetch(str(folder)).content

    @pytest.fixture
    def offered(self, archive):
        with registry() as known:
            known.offer("toy", "1.2.3", archive)
            yield known

    @pytest.mark.parametrize("version", ["1.2.3", ""])
    def test_a_repository_has_the_chart_by_its_name(self, offered, archive, version):
        found = fetch(f"http://{offered.address}/charts/toy", version)
        assert (found.content, found.version) == (archive, "1.2.3")
        assert offered.asked == ["/charts/index.yaml", "/charts/toy-1.2.3.tgz"]

    def test_an_archive_has_its_own_address(self, offered, archive):
        assert fetch(f"http://{offered.address}/charts/toy-1.2.3.tgz").content == archive

    def test_a_registry_has_the_chart_by_its_path(self, offered, archive):
        assert fetch(f"oci://{offered.address}/charts/toy", "1.2.3").content == archive

    def test_a_version_that_is_none_but_means_some_is_not_taken(self, offered):
        with pytest.raises(Invalid, match=r"is of version 1\.2\.3, not \^1"):
            fetch(f"http://{offered.address}/charts/toy", "^1")

    @pytest.mark.parametrize(
        ("reference", "version"),
        [
            ("http://{}/charts/toy", "9.9.9"),
            ("http://{}/charts/other", "1.2.3"),
            ("http://{}/elsewhere/toy", "1.2.3"),
            ("http://{}/charts/other-1.2.3.tgz", ""),
            ("oci://{}/charts/toy", "9.9.9"),
            ("oci://{}/charts/other", "1.2.3"),
        ],
    )
    def test_a_chart_that_does_not_exist_is_a_sentence(self, offered, reference, version):
        with pytest.raises(Invalid, match="Check the reference and the version") as refused:
            fetch(reference.format(offered.address), version)
        assert refused.value.field == "chart"

    @pytest.mark.parametrize("reference", [f"{NOBODY}/charts/toy", f"oci{NOBODY[4:]}/charts/toy"])
    def test_a_registry_that_does_not_answer_is_a_sentence(self, reference):
        with pytest.raises(Invalid, match="could not be fetched"):
            fetch(reference, "1.2.3")

    def test_nothing_is_left_of_what_helm_keeps(self, offered, tmp_path, monkeypatch):
        (tmp_path / "temporary").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
        fetch(f"oci://{offered.address}/charts/toy", "1.2.3")
        assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.django_db
class TestPinning:
    def test_the_same_chart_is_pinned_once(self, folder):
        first = pin(fetch(str(folder)))
        second = pin(fetch(str(folder)))
        assert first == second == Chart.objects.get()
        assert bytes(Chart.objects.get().archive) == fetch(str(folder)).content

    def test_a_release_has_its_chart(self, folder):
        made = release("5.12.0", chart=pin(fetch(str(folder))))
        assert digest_of("5.12.0") == made.chart_id
        assert archive_of("5.12.0") == fetch(str(folder)).content

    def test_a_release_without_one_is_told_what_to_do(self):
        Release.objects.create(app_version="5.0.0", chart_version="5.0.0", kind="minor")
        assert digest_of("5.0.0") == ""
        with pytest.raises(Refused, match=r"Import it with “manage.py release_import 5\.0\.0”"):
            archive_of("5.0.0")
