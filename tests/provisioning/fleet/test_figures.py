"""What is collected is counted right, by PostgreSQL itself, and nothing but numbers comes through."""

import pytest
from django.db import connection

from portal.core.errors import Invalid
from provisioning.fleet import figures
from provisioning.fleet.architectures import NEWEST
from provisioning.fleet.figures import COLLECTED, MOST, Figure, counting_statement, figures_in
from provisioning.fleet.privacy import privacy_markdown
from tools.paths import PROJECT

# As upstream makes them, in the columns that are asked for: internal/database/schema.md.
UPSTREAM = """
CREATE TEMPORARY TABLE users (id serial PRIMARY KEY, username text NOT NULL, deleted_at timestamptz);
CREATE TEMPORARY TABLE event_logs (
    id bigserial PRIMARY KEY, name text NOT NULL, url text NOT NULL DEFAULT '', user_id integer NOT NULL,
    anonymous_user_id text NOT NULL DEFAULT '', source text NOT NULL DEFAULT 'WEB', "timestamp" timestamptz NOT NULL
);
CREATE TEMPORARY TABLE repo (id serial PRIMARY KEY, name text NOT NULL, deleted_at timestamptz, blocked jsonb);
CREATE TEMPORARY TABLE batch_changes (id bigserial PRIMARY KEY, name text NOT NULL, closed_at timestamptz);
"""
PEOPLE = """
INSERT INTO users (username, deleted_at) VALUES ('a', NULL), ('b', NULL), ('c', NULL), ('gone', now());
INSERT INTO event_logs (name, user_id, "timestamp") VALUES
    ('ViewHome', 1, now() - interval '1 hour'), ('ViewHome', 1, now() - interval '2 hours'),
    ('ViewHome', 2, now() - interval '3 days'), ('ViewHome', 3, now() - interval '20 days'),
    ('ViewHome', 4, now() - interval '40 days'),
    ('ViewHome', 0, now() - interval '1 hour');
INSERT INTO repo (name, deleted_at, blocked) VALUES ('a', NULL, NULL), ('b', now(), NULL), ('c', NULL, '{}');
INSERT INTO batch_changes (name, closed_at) VALUES ('a', NULL), ('b', NULL), ('c', now());
"""
COUNTED = {"seats": 3, "active_1d": 1, "active_7d": 2, "active_30d": 3, "repositories": 1, "batch_changes": 2}


@pytest.fixture
def upstream(db):
    """The application's own database, as far as it is asked."""
    with connection.cursor() as cursor:
        cursor.execute(UPSTREAM)
        yield cursor


@pytest.mark.parametrize("figure", COLLECTED, ids=lambda figure: figure.name)
def test_each_is_one_number_and_the_right_one(upstream, figure):
    upstream.execute(figure.sql)
    assert upstream.fetchall() == [(0,)]
    upstream.execute(PEOPLE)
    upstream.execute(figure.sql)
    assert upstream.fetchall() == [(COUNTED[figure.name],)]


def test_all_of_them_are_one_statement_that_may_change_nothing(upstream):
    upstream.execute(PEOPLE)
    upstream.execute("SET TRANSACTION READ ONLY")
    upstream.execute(counting_statement(NEWEST))
    assert upstream.fetchall() == [(COUNTED,)]


def test_what_comes_with_a_later_architecture_changes_nothing_of_an_older_one(monkeypatch):
    before = counting_statement("1.2")
    monkeypatch.setattr(
        figures, "COLLECTED", (*COLLECTED, Figure("more", "More", "To know.", "SELECT 1", since="1.10"))
    )
    assert counting_statement("1.2") == before
    assert counting_statement("1.10").endswith(", 'more', (SELECT 1))")


def test_what_it_says_of_itself_is_what_it_does():
    """If not: manage.py privacy > docs/privacy.md."""
    assert (PROJECT / "docs" / "privacy.md").read_text() == privacy_markdown()
    for figure in COLLECTED:
        assert figure.reason.endswith(".")


def test_what_is_not_collected_is_dropped():
    assert figures_in({"seats": 31, "passwords": 7}) == {"seats": 31}


@pytest.mark.parametrize(
    "document",
    [None, [], "seats", 31, {"seats": -1}, {"seats": "31"}, {"seats": 3.5}, {"seats": True}, {"seats": None},
     {"seats": MOST + 1}, {"seats": 31, "name": "Alice"}, {"seats": {"alice": 1}}],
)  # fmt: skip
def test_what_is_no_number_is_refused(document):
    with pytest.raises(Invalid, match="whole numbers that are not negative"):
        figures_in(document)


@pytest.mark.parametrize("document", [{}, {"passwords": 7}])
def test_what_has_nothing_of_ours_is_refused(document):
    with pytest.raises(Invalid, match="none of the figures"):
        figures_in(document)
