"""A customer reads and takes along what was done to what is theirs, and sees nothing of others or of ours."""

import csv
import json

import pytest

from portal.core.audit import Actor, record
from portal.core.models import AuditEvent
from portal.core.sealing import events_seal
from tests.portal.web.test_queries import queries

pytestmark = pytest.mark.django_db
PAGE = "/organization/audit/"


@pytest.fixture
def told(acme, globex, alice, sam, charlie):
    """What alice has done, what sam has done to acme, and what is none of acme's business."""
    record("token.create", acme, organization_id=acme.pk, actor=Actor(alice, alice.email, "203.0.113.7"), reason="CI")
    by_sam = Actor(sam, sam.email, "192.0.2.1")
    record("trial.extend", acme, organization_id=acme.pk, actor=by_sam, reason="They are slow.")
    record("sale.propose", acme, organization_id=acme.pk, actor=by_sam, reason="20 % off")
    record("token.create", globex, organization_id=globex.pk, actor=Actor(charlie, charlie.email), reason="Secret")


def body(answer) -> str:
    return b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()


def test_it_shows_what_was_done(alices, told):
    shown = body(alices.get(PAGE))
    for words in ("alice@acme.example", "token.create", "203.0.113.7", "CI", "trial.extend", "Managed Sourcegraph"):
        assert words in shown


def test_what_is_ours_stays_with_us(alices, told):
    for address in (PAGE, f"{PAGE}audit.csv", f"{PAGE}audit.jsonl"):
        seen = body(alices.get(address))
        for words in ("sam@portal.example", "192.0.2.1", "They are slow", "sale.propose", "Secret", "charlie"):
            assert words not in seen


@pytest.mark.parametrize(("search", "count"), [("token", 1), ("ALICE@", 1), ("nothing", 0), ("", 2)])
def test_it_is_searched(alices, told, search, count):
    rows = [json.loads(line) for line in body(alices.get(f"{PAGE}audit.jsonl?text={search}")).splitlines()]
    assert len([row for row in rows if row["action"] in {"token.create", "trial.extend"}]) == count


def test_what_our_people_wrote_is_not_found_by_searching_for_it(alices, told):
    assert "trial.extend" not in body(alices.get(f"{PAGE}?text=slow"))
    assert "trial.extend" not in body(alices.get(f"{PAGE}?text=sam@portal"))


@pytest.fixture
def looked(acme, ada):
    """What ada has looked at of acme's."""
    by_ada = Actor(ada, ada.email, "192.0.2.9")
    details = {"what": "log", "pod": "frontend-1", "container": "frontend"}
    record("access.look", acme, organization_id=acme.pk, actor=by_ada, reason="Search is slow.", details=details)
    record("accessory.buy", acme, organization_id=acme.pk, actor=by_ada, reason="Not theirs.")


@pytest.mark.parametrize("address", [PAGE, f"{PAGE}audit.csv", f"{PAGE}audit.jsonl"])
def test_who_of_us_looked_into_what_is_theirs_is_told_in_full(alices, told, looked, address):
    seen = body(alices.get(address))
    for words in ("access.look", "ada@portal.example", "192.0.2.9", "Search is slow."):
        assert words in seen
    for words in ("sam@portal.example", "They are slow", "Not theirs."):
        assert words not in seen


def test_what_was_looked_at_is_in_the_files(alices, looked):
    for name in ("audit.csv", "audit.jsonl"):
        assert "frontend-1" in body(alices.get(f"{PAGE}{name}"))


@pytest.mark.parametrize("search", ["ada@portal", "search+is+slow"])
def test_what_is_told_in_full_is_found_by_all_of_it(alices, told, looked, search):
    rows = [json.loads(line) for line in body(alices.get(f"{PAGE}audit.jsonl?text={search}")).splitlines()]
    assert [row["action"] for row in rows] == ["access.look"]


def test_a_period_has_both_its_days(alices, told):
    day = AuditEvent.objects.latest("at").at.date()
    assert "token.create" in body(alices.get(f"{PAGE}?first={day}&last={day}"))
    assert "Nothing like that was found" in body(alices.get(f"{PAGE}?last=2000-01-01"))
    assert "Enter a valid date" in body(alices.get(f"{PAGE}?first=yesterday"))


def test_a_file_has_each_events_place_in_the_chain(alices, told, acme):
    events_seal()
    rows = list(csv.DictReader(body(alices.get(f"{PAGE}audit.csv")).splitlines()))
    event = AuditEvent.objects.get(action="token.create", organization=acme)
    [row] = [row for row in rows if row["action"] == "token.create"]
    assert (row["number"], row["digest"]) == (str(event.seal.number), event.seal.digest)
    assert row["source_address"] == "203.0.113.7"


def test_a_spreadsheet_carries_nothing_out(alices, acme, alice):
    record("token.create", acme, organization_id=acme.pk, actor=Actor(alice, alice.email), reason="=1+1")
    [row] = [row for row in csv.DictReader(body(alices.get(f"{PAGE}audit.csv")).splitlines()) if "1+1" in row["reason"]]
    assert row["reason"] == "'=1+1"


def test_that_it_was_taken_is_in_it(alices, told):
    body(alices.get(f"{PAGE}audit.csv"))
    assert "audit.export" in body(alices.get(PAGE))


@pytest.mark.parametrize("address", [PAGE, f"{PAGE}audit.csv"])
def test_members_may_not_look(bobs, told, address):
    assert bobs.get(address).status_code == 403
    assert PAGE not in bobs.get("/instances/").content.decode()


def test_it_takes_the_same_queries_however_much_there_is(alices, told, acme, alice):
    few = queries(alices, PAGE)
    for number in range(60):
        record("token.create", acme, organization_id=acme.pk, actor=Actor(alice, alice.email), reason=str(number))
    assert queries(alices, PAGE) == few <= 8
