"""How Google is called: against a server that says nothing, slowly, or hangs up."""

import socket
import threading
from contextlib import contextmanager

import pytest

from provisioning.clients.google import api, execute


@contextmanager
def server(answer):
    """Answers each connection by the function; counts them."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            seen.append(connection.recv(65536))
            answer(connection)
            connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/google", seen
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def get_network():
    return execute(api("compute", "v1").networks().get(project="p", network="n"))


def answer_with(status: str, body: bytes = b"{}"):
    def answer(connection: socket.socket) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + body)

    return answer


@pytest.fixture
def anonymous(settings):
    settings.GOOGLE_CREDENTIALS = "anonymous"
    return settings


def test_a_call_to_cloud_sql_uses_the_quota_of_the_project_it_is_about(anonymous):
    with server(answer_with("200 OK")) as (endpoint, seen):
        anonymous.GOOGLE_API_ENDPOINT = endpoint
        execute(api("sqladmin", "v1").instances().get(project="src-1", instance="sql-1"))
        get_network()
    counted = [b"x-goog-user-project: src-1" in request.lower() for request in seen]
    assert counted == [True, False]


def test_the_path_is_that_of_the_service_below_the_endpoint(anonymous):
    with server(answer_with("200 OK", b'{"name": "n"}')) as (endpoint, seen):
        anonymous.GOOGLE_API_ENDPOINT = endpoint
        assert get_network() == {"name": "n"}
        execute(api("cloudresourcemanager", "v3").projects().get(name="projects/p"))
    assert seen[0].startswith(b"GET /google/compute/compute/v1/projects/p/global/networks/n?")
    assert seen[1].startswith(b"GET /google/cloudresourcemanager/v3/projects/p?")
    assert b"uthorization" not in seen[0]


def test_it_never_tries_again_by_itself(anonymous):
    with server(answer_with("503 Service Unavailable")) as (endpoint, seen):
        anonymous.GOOGLE_API_ENDPOINT = endpoint
        with pytest.raises(Exception, match="503"):
            get_network()
    assert len(seen) == 1


def test_a_change_whose_answer_was_lost_is_not_sent_again(anonymous):
    with server(lambda _connection: None) as (endpoint, seen):
        anonymous.GOOGLE_API_ENDPOINT = endpoint
        with pytest.raises(ConnectionResetError):
            execute(api("cloudresourcemanager", "v3").projects().create(body={"projectId": "p"}))
    assert len(seen) == 1


def test_it_gives_up_after_its_timeout(anonymous):
    done = threading.Event()
    with server(lambda _connection: done.wait(5)) as (endpoint, _seen):
        anonymous.GOOGLE_API_ENDPOINT = endpoint
        anonymous.GOOGLE_TIMEOUT_SECONDS = 0.2
        with pytest.raises(TimeoutError):
            get_network()
        done.set()


def test_a_client_is_made_once(anonymous):
    anonymous.GOOGLE_API_ENDPOINT = "http://127.0.0.1:1/google"
    assert api("iam", "v1") is api("iam", "v1")


def test_without_an_endpoint_it_is_googles_own(anonymous):
    anonymous.GOOGLE_API_ENDPOINT = ""
    assert (
        api("iam", "v1")
        .projects()
        .serviceAccounts()
        .get(name="projects/p/serviceAccounts/a")
        .uri.startswith("https://iam.googleapis.com/v1/projects/p/")
    )
