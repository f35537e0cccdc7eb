import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from provisioning.fleet.catalogue import RELEASES, SIZES
from provisioning.models import Chart, Release, Size
from provisioning.selectors.releases import newest_for

pytestmark = pytest.mark.django_db


def test_loading_it_twice_changes_nothing(capsys):
    call_command("load_catalogue")
    call_command("load_catalogue")
    assert list(Size.objects.values_list("name", flat=True)) == [size["name"] for size in SIZES]
    assert Release.objects.count() == len(RELEASES)
    assert capsys.readouterr().out == "The catalogue is loaded.\n" * 2


def test_what_an_admin_added_stays():
    Size.objects.create(
        name="huge",
        users=9_000,
        position=99,
        machine_type="n2-standard-32",
        node_count=3,
        sql_tier="db-custom-16-65536",
        sql_disk_gb=1,
        gitserver_disk_gb=1,
        search_disk_gb=1,
        infrastructure_cents=1,
    )
    call_command("load_catalogue")
    assert Size.objects.filter(name="huge").exists()


def test_its_releases_are_published_with_the_chart_of_the_settings(settings, tmp_path):
    (tmp_path / "Chart.yaml").write_text("name: toy\nversion: 1.2.3\n")
    settings.CHART = str(tmp_path)
    call_command("load_catalogue")
    assert set(Release.objects.values_list("status", "chart__name", "chart_version")) == {("published", "toy", "1.2.3")}
    assert Chart.objects.count() == 1


def test_a_release_that_is_known_stays_what_it_is(settings):
    call_command("load_catalogue")
    Release.objects.filter(app_version="5.11.0").update(status="withdrawn", channel="early")
    settings.CHART = "/nowhere"
    call_command("load_catalogue")
    assert Release.objects.filter(status="withdrawn", channel="early").get().app_version == "5.11.0"


def test_a_release_of_before_charts_were_kept_gets_its_chart():
    Release.objects.create(app_version="5.10.0", chart_version="5.10.0", kind="minor")
    call_command("load_catalogue")
    assert Release.objects.get(app_version="5.10.0").status == "published"


def test_without_a_chart_it_says_so(settings):
    settings.CHART = "/nowhere/{version}"
    with pytest.raises(CommandError, match=r"There is no chart at /nowhere/5\.10\.0"):
        call_command("load_catalogue")
    assert not Size.objects.exists()


def test_the_newest_release_is_the_one_to_install():
    call_command("load_catalogue")
    assert newest_for("stable") == Release.objects.get(app_version="5.11.0")
