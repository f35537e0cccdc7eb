"""PostgreSQL and Redis from their wheels: they start, hold what they were given, and leave no process behind."""

import os
import stat
import subprocess
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tools import postgres
from tools.ports import any_free
from tools.postgres import PostgresServer, state_folder, temporary_folder
from tools.redis import RedisServer
from tools.supervisor import running


def test_a_second_start_of_postgres_finds_its_data(tmp_path: Path) -> None:
    with temporary_folder() as folder:
        first = PostgresServer(folder, any_free(), durable=False)
        with running(first.service(), tmp_path / "log"), psycopg.connect(first.url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'data' AS what")
        second = PostgresServer(folder, any_free(), durable=False)
        with running(second.service(), tmp_path / "log"), psycopg.connect(second.url) as connection:
            assert connection.execute("SELECT what FROM kept").fetchone() == ("data",)


def test_a_half_made_database_is_made_anew(tmp_path: Path) -> None:
    with temporary_folder() as folder:
        (folder / "unfinished").mkdir()
        (folder / "unfinished" / "PG_VERSION").write_text("18")
        server = PostgresServer(folder, any_free(), durable=False)
        with running(server.service(), tmp_path / "log"), psycopg.connect(server.url) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("off",)


def test_a_second_start_of_redis_finds_its_data(tmp_path: Path) -> None:
    for expected in (None, b"data"):
        server = RedisServer(tmp_path, any_free())
        with running(server.service(), tmp_path / "log"), redis.Redis.from_url(server.url) as client:
            assert client.get("kept") == expected
            client.set("kept", "data")
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_redis_asks_for_its_password(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, any_free(), durable=False)
    with running(server.service(), tmp_path / "log"):
        stranger = redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0))
        with pytest.raises(redis.AuthenticationError):
            stranger.ping()
        stranger.close()
    assert stat.S_IMODE((tmp_path / "redis.conf").stat().st_mode) == 0o600


def test_state_below_a_closed_folder_goes_where_the_server_can_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    elsewhere = state_folder(closed / "project" / "var" / "postgres")
    assert elsewhere.parent == postgres._SHARED_STATE
    assert elsewhere == state_folder(closed / "project" / "var" / "postgres")  # the same at the next start
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_state_of_an_ordinary_user_stays_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert state_folder(tmp_path / "postgres") == tmp_path / "postgres"


def test_programs_that_the_server_cannot_reach_are_copied_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_is_open_to_others", lambda path: path.name != "pginstall")
    programs = postgres._programs(tmp_path, "somebody")
    assert programs.is_relative_to(tmp_path)
    said = subprocess.run([programs / "psql", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("psql (PostgreSQL) 18")
    assert postgres._programs(tmp_path, "somebody") == programs
