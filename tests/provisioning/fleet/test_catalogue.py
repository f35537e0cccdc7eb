import pytest
from django.core.management import call_command

from provisioning.fleet.catalogue import RELEASES, SIZES
from provisioning.models import Release, Size

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


def test_the_newest_release_is_the_one_to_install():
    call_command("load_catalogue")
    assert Release.objects.filter(channel="stable").latest("released_at").app_version == "5.11.0"
