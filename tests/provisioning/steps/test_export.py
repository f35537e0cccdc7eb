"""An export reads what there is, and leaves the instance as it was."""

from dataclasses import replace

import pytest

from provisioning.clients.google import api, execute
from provisioning.engine.action import Refused
from provisioning.steps.export import Export
from provisioning.steps.sql import DatabaseServer
from tests.provisioning.steps.test_final_backup import place, servers, stored, writers
from tests.provisioning.steps.world import World


@pytest.fixture
def served(world: World) -> World:
    """Its database server stands, with the databases in it."""
    world.build("databases")
    return world


@pytest.fixture
def asleep(served: World) -> World:
    """It is suspended: its server is stopped."""
    served.spec = replace(served.spec, is_suspended=True)
    served.reach(DatabaseServer())
    return served


def reads_a_copy(world: World) -> list[bool]:
    found = execute(api("sqladmin", "v1").operations().list(project=world.spec.id, instance=place(world)["instance"]))
    return [each["exportContext"].get("offload", False) for each in found["items"] if "exportContext" in each]


def test_all_databases_are_written_from_a_copy(served):
    outputs = served.reach(Export())
    assert len(stored(served)) == 3
    assert outputs["databases"] == ["codeinsights", "codeintel", "pgsql"]
    assert reads_a_copy(served) == [True, True, True]
    assert writers() == []


def test_a_server_that_is_stopped_runs_for_it_and_rests_again(asleep):
    asleep.reach(Export())
    assert len(stored(asleep)) == 3
    assert reads_a_copy(asleep) == [False, False, False]
    asleep.reach(DatabaseServer())
    assert execute(servers().get(**place(asleep)))["settings"]["activationPolicy"] == "NEVER"


def test_what_is_taken_back_is_the_right_to_write_there(served):
    Export().make(served.context())
    assert len(writers()) == 1
    back = replace(served.context(), is_going_back=True)
    Export().drop(back)
    assert writers() == []


def test_without_a_bucket_it_is_refused(served, settings):
    settings.GOOGLE_BACKUP_BUCKET = ""
    with pytest.raises(Refused, match="There is no bucket to export to"):
        Export().look(served.context())


def test_without_a_server_it_is_refused(world):
    with pytest.raises(Refused, match="There is no database server to export from"):
        Export().look(world.context())
