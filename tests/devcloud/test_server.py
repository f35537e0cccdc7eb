"""The process: how it starts and stops, what it remembers, and what it shows to people."""

import smtplib
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from email.message import EmailMessage

import httpx
import pytest

from devcloud.server import FLUSH_SECONDS
from tests.devcloud.google_client import GoogleClient
from tests.stack.devcloud import running_devcloud, start_devcloud
from tools.paths import PROJECT


def page(devcloud, path: str) -> httpx.Response:
    return httpx.get(f"{devcloud.http_url}{path}", trust_env=False)


def send(devcloud, to="ann@acme.example", subject="Welcome"):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "hello@sourcegraph.localhost", to, subject
    message.set_content("Verify: http://127.0.0.1:8000/verify/abc.\nÜber alles & <so on>")
    message.add_alternative('<p><a href="http://127.0.0.1:8000/verify/abc">Verify</a></p>', subtype="html")
    with smtplib.SMTP("127.0.0.1", devcloud.smtp_port) as client:
        client.send_message(message)


class TestProcess:
    def test_a_restart_finds_everything_and_operations_go_on(self, tmp_path):
        with running_devcloud(tmp_path, "realistic") as first:
            google = GoogleClient(first)
            place = google.project("compute")
            body = {"name": "net", "autoCreateSubnetworks": False}
            operation = google.api("compute").networks().insert(project=place.id, body=body).execute()
            google.close()
        with running_devcloud(tmp_path, "realistic") as second:
            google = GoogleClient(second)
            again = type(place)(google, place.id, place.number)
            assert again.poll("compute", operation)["status"] in {"PENDING", "RUNNING"}
            assert "error" not in again.finish("compute", operation)
            assert google.api("compute").networks().get(project=place.id, network="net").execute()["name"] == "net"
            google.close()

    @pytest.mark.parametrize("how", ["terminate", "kill"])
    def test_it_stops_quickly_or_is_killed_and_has_what_was_answered_a_moment_ago(self, tmp_path, how):
        devcloud = start_devcloud(tmp_path)
        google = GoogleClient(devcloud)
        place = google.bare_project()
        if how == "kill":
            time.sleep(2 * FLUSH_SECONDS)  # changes wait for the disk no longer than half of that
        started = time.monotonic()
        getattr(devcloud.process, how)()
        devcloud.process.wait()
        assert time.monotonic() - started < 2
        google.close()
        devcloud.stop()
        with sqlite3.connect(devcloud.state / "devcloud.sqlite3") as database:
            found = database.execute("SELECT count(*) FROM documents WHERE key = ?", (place.id,)).fetchone()
        database.close()
        assert found[0] > 0

    def test_a_taken_port_is_a_sentence(self, tmp_path, devcloud):
        command = [sys.executable, "-m", "devcloud", "--http-port", devcloud.http_url.rpartition(":")[2]]
        arguments = [*command, "--https-port", "0", "--smtp-port", "0", "--state", str(tmp_path)]
        ended = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=PROJECT)
        assert ended.returncode == 1
        assert "Address already in use" in ended.stderr
        assert "Traceback" not in ended.stderr

    def test_its_certificate_stands_strict_checks(self, devcloud):
        context = ssl.create_default_context(cafile=devcloud.certificate_authority)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        for host in ("127.0.0.1", "localhost"):
            with (
                socket.create_connection(("127.0.0.1", devcloud.https_port)) as plain,
                context.wrap_socket(plain, server_hostname=host) as secure,
            ):
                assert secure.version() == "TLSv1.3"

    def test_a_fresh_start_leaves_only_what_was_there_from_the_start(self, tmp_path):
        with running_devcloud(tmp_path) as devcloud:
            google = GoogleClient(devcloud)
            google.bare_project()
            send(devcloud)
            devcloud.add_fault("*", "status", service="compute")
            from_the_start = devcloud.control("GET", "snapshot")["cloudbilling.accounts"]
            devcloud.control("PUT", "snapshot", {})
            devcloud.reset()
            assert devcloud.control("GET", "snapshot")["cloudbilling.accounts"] == from_the_start
            [project] = google.api("cloudresourcemanager").projects().search().execute()["projects"]
            assert project["projectId"] == "portal-host"
            [zone] = google.api("dns").managedZones().list(project="portal-host").execute()["managedZones"]
            assert (zone["name"], zone["dnsName"]) == ("instances", "sourcegraph.localhost.")
            assert devcloud.mail() == []
            assert devcloud.control("GET", "faults") == {"faults": []}
            google.close()

    def test_a_snapshot_is_put_back_as_it_was(self, devcloud):
        devcloud.reset()
        form = {"id": "byok-kept"}
        httpx.post(f"{devcloud.http_url}/_control/kubernetes/clusters", json=form, trust_env=False)
        snapshot = devcloud.control("GET", "snapshot")
        devcloud.reset()
        assert devcloud.control("GET", "kubernetes/clusters") == {"clusters": []}
        devcloud.control("PUT", "snapshot", snapshot)
        assert [found["id"] for found in devcloud.control("GET", "kubernetes/clusters")["clusters"]] == ["byok-kept"]
        assert devcloud.control("GET", "snapshot") == snapshot

    def test_documents_are_added_to_what_is_kept(self, devcloud):
        devcloud.reset()
        before = devcloud.control("GET", "snapshot")
        devcloud.control("PATCH", "snapshot", {"notes": {"one": {"says": "hello"}}})
        assert devcloud.control("GET", "snapshot") == {**before, "notes": {"one": {"says": "hello"}}}
        devcloud.reset()


class TestMail:
    def test_mail_is_caught_and_found_by_its_recipient(self, devcloud):
        send(devcloud, to="Bob@acme.example", subject="For Bob")
        send(devcloud, to="carol@acme.example", subject="For Carol")
        [letter] = devcloud.mail("bob@acme.example")
        assert letter["subject"] == "For Bob"
        assert "Über alles" in letter["text"]
        assert "<a href=" in letter["html"]

    def test_the_inbox_shows_the_newest_first_and_a_letter_has_links(self, devcloud):
        send(devcloud, subject="Older")
        send(devcloud, subject="Newer <script>")
        inbox = page(devcloud, "/mail/").text
        assert inbox.index("Newer &lt;script&gt;") < inbox.index("Older")
        shown = page(devcloud, f"/mail/{devcloud.mail()[0]['id']}").text
        assert '<a href="http://127.0.0.1:8000/verify/abc">' in shown
        assert "&lt;so on&gt;" in shown
        assert page(devcloud, "/mail/999999").status_code == 404


class TestConsole:
    def test_it_shows_projects_operations_faults_and_calls(self, place, faulty):
        place.google.api("compute").networks().insert(
            project=place.id, body={"name": "net", "autoCreateSubnetworks": False}
        ).execute()
        rule_id = faulty.add_fault("storage.*", "reset")
        shown = page(faulty, "/").text
        for wanted in (
            place.id,
            "portal-host",
            f"projects/{place.id}/global/networks/net",
            rule_id,
            "compute.networks.insert",
        ):
            assert wanted in shown

    def test_a_projects_page_shows_what_is_in_it(self, place):
        place.make_network()
        shown = page(place.google.devcloud, f"/projects/{place.id}").text
        assert "compute.networks" in shown
        assert "regions/us-central1/subnetworks/net" in shown
        assert page(place.google.devcloud, "/projects/none").status_code == 404

    def test_a_host_of_an_instance_is_the_applications(self, devcloud):
        answer = httpx.get(f"{devcloud.http_url}/", headers={"Host": "acme.sourcegraph.localhost"}, trust_env=False)
        assert answer.status_code == 404
        assert "devcloud" not in answer.text.split("<title>")[-1].split("</title>")[0]

    def test_its_pace_can_be_changed(self, tmp_path):
        with running_devcloud(tmp_path, profile="realistic") as devcloud:
            paces = devcloud.control("PUT", "profile", {"speed": 2, "durations": {"sql.backup": 10}})
            assert (paces["speed"], paces["durations"]["sql.backup"], paces["durations"]["sql.instance"]) == (
                2,
                10,
                600,
            )
            for form in ({"speed": 0}, {"durations": {"tea": 5}}, {"durations": {"sql.backup": -1}}):
                answer = httpx.put(f"{devcloud.http_url}/_control/profile", json=form, trust_env=False)
                assert answer.status_code == 400

    def test_time_can_be_skipped(self, devcloud):
        before = devcloud.control("POST", "clock", {"skip": 0})["now"]
        after = devcloud.control("POST", "clock", {"skip": 3600})["now"]
        assert after > before
        answer = httpx.post(f"{devcloud.http_url}/_control/clock", json={"skip": "yesterday"}, trust_env=False)
        assert answer.status_code == 400
