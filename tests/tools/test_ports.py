import socket
from collections.abc import Iterator

import pytest

from tools import ports
from tools.demo_environment import choose_ports
from tools.terminal import Refused


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind((ports.HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_that_was_asked_for_gets_a_sentence(taken: int) -> None:
    with pytest.raises(Refused, match=f"--port {taken}: the port is taken"):
        choose_ports(taken)


@pytest.mark.parametrize("number", [0, -1, 65536])
def test_an_impossible_port_gets_a_sentence(number: int) -> None:
    with pytest.raises(Refused, match="from 1 to 65535"):
        ports.exactly(number, "--port")


def test_a_taken_usual_port_is_replaced_by_the_next_free_one(taken: int) -> None:
    assert ports.first_free(taken) > taken


def test_no_two_services_get_the_same_port() -> None:
    free = ports.any_free()
    assert ports.first_free(free, avoid={free}) > free
    chosen = vars(choose_ports(None)).values()
    assert len(set(chosen)) == len(chosen)


def test_loopback_is_spared_by_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "intranet")
    assert ports.without_proxy()["no_proxy"] == "intranet,127.0.0.1,localhost"
