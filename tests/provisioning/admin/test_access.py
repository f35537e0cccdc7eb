"""The admin's side of access: asked for, seen, broken into in need; and nobody looks without it."""

import ast
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as project
from django.test import Client

from portal.core import clock as portal_clock
from portal.core.audit import Actor
from portal.core.models import AuditEvent, User
from provisioning.models import Access, Cluster, Instance
from provisioning.services.access import access_grant, access_refuse
from tests.conftest import person
from tests.provisioning.admin.pages import do, listing, page, text
from tests.provisioning.admin.test_pages import queries_of
from tests.provisioning.services.asking import asked

pytestmark = pytest.mark.django_db
LIST = listing("provisioning_access")
WISH = {"reason": "Search is slow.", "ticket": "SUP-7", "minutes": "60"}
NOBODY_IS_THERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _nothing_is_reached(settings):
    """Whoever called Google from here would be told so."""
    settings.GOOGLE_API_ENDPOINT, settings.GOOGLE_CREDENTIALS = NOBODY_IS_THERE, "anonymous"


@pytest.fixture
def grace(db) -> User:
    return person("grace@portal.example", name="Grace Glass", is_staff=True)


@pytest.fixture
def graces(grace) -> Client:
    client = Client()
    client.force_login(grace)
    return client


@pytest.fixture
def access(trial, by_ada, clock) -> Access:
    """Ada has asked."""
    return asked(trial, by_ada)


@pytest.fixture
def granted(access, by_alice) -> Access:
    return access_grant(access=access, actor=by_alice)


def buttons(browser: Client, access: Access) -> list[str]:
    return [button["title"] for button in browser.get(page(access)).context["buttons"]]


class TestAsking:
    def test_is_a_deed_on_the_instances_page(self, adas, ada, trial):
        assert "/do/access/" in text(adas, page(trial))
        assert "Nobody may look into an instance unless" in text(adas, page(trial, "deed", "access"))
        assert do(adas, trial, "access", **WISH)["Location"] == page(trial)
        access = Access.objects.get()
        assert (access.asked_by, access.reason, access.ticket, access.minutes) == (ada, "Search is slow.", "SUP-7", 60)

    @pytest.mark.parametrize(
        ("wrong", "field"), [({"reason": " "}, "reason"), ({"ticket": ""}, "ticket"), ({"minutes": "500"}, "minutes")]
    )
    def test_wants_to_know_why(self, adas, trial, wrong, field):
        assert do(adas, trial, "access", **(WISH | wrong)).context["form"].errors[field]
        assert not Access.objects.exists()

    def test_of_a_brought_cluster_is_refused_with_a_sentence(self, adas, trial, acme, alice):
        cluster = Cluster.objects.create(
            name="b", organization=acme, server="https://b.example", kubeconfig_encrypted=b"", created_by=alice
        )
        Instance.objects.update(tenancy="byok", cluster=cluster)
        assert "ask them to show you" in do(adas, trial, "access", **WISH).content.decode()
        assert not Access.objects.exists()

    def test_of_a_deleted_one_is_not_offered(self, adas, trial):
        Instance.objects.update(status="deleted")
        assert "/do/access/" not in text(adas, page(trial))


class TestThePage:
    def test_offers_what_each_may_do(self, adas, graces, access, by_alice):
        assert buttons(adas, access) == ["Withdraw"]
        assert buttons(graces, access) == ["Withdraw", "Break glass"]
        access_grant(access=access, actor=by_alice)
        assert buttons(adas, access) == ["Look", "End it now"]
        assert buttons(graces, access) == ["End it now"]

    def test_who_asked_does_not_break_the_glass_by_its_address_either(self, adas, access):
        shown = do(adas, access, "breakglass", reason="Now.").content.decode()
        assert "Nobody agrees to what they have asked for themselves." in shown
        access.refresh_from_db()
        assert access.state == "asked"

    def test_a_second_one_does(self, graces, grace, access):
        do(graces, access, "breakglass", reason="They are down.")
        access.refresh_from_db()
        assert (access.state, access.is_break_glass, access.decided_by) == ("granted", True, grace)
        assert "open, glass broken" in text(graces, page(access))

    def test_ends_and_withdraws(self, adas, access, trial, by_alice):
        do(adas, access, "withdraw", reason="It is mended.")
        other = access_grant(access=asked(trial, Actor(access.asked_by, "ada")), actor=by_alice)
        do(adas, other, "end", reason="Seen.")
        assert list(Access.objects.order_by("pk").values_list("state", flat=True)) == ["withdrawn", "ended"]
        assert buttons(adas, other) == []

    def test_is_not_for_customers_and_nobody_edits_it(self, adas, alices, granted):
        for address in (LIST, page(granted), page(granted, "look")):
            assert alices.get(address, follow=True).status_code == 403
        assert adas.post(page(granted), {"minutes": "240"}).status_code == 403
        assert adas.get("/admin/provisioning/access/add/").status_code == 403


class TestTheList:
    def test_shows_what_waits_or_is_open_until_time_ends_it(self, adas, access, granted, clock):
        assert page(granted) in text(adas, LIST)
        assert ">open<" in "".join(text(adas, page(granted)).split())
        clock.shift(timedelta(hours=1))
        assert page(granted) not in text(adas, LIST)
        assert page(granted) in text(adas, LIST, state="all")
        assert ">open<" not in "".join(text(adas, page(granted)).split())
        assert page(granted) not in text(adas, LIST, state="open")

    def test_asks_as_much_for_many_as_for_few(self, adas, trial, by_ada, by_alice):
        def more(count: int) -> None:
            for _ in range(count):
                access_refuse(access=asked(trial, by_ada), actor=by_alice)

        more(2)
        few = queries_of(adas, f"{LIST}?state=all")
        more(20)
        assert queries_of(adas, f"{LIST}?state=all") == few <= 16


class TestNoStandingAccess:
    """A look is refused before anybody outside is asked: that nobody is there would be told otherwise."""

    def refused(self, browser: Client, access: Access, **query: str) -> str:
        answer = browser.get(page(access, "look"), query)
        assert answer.status_code == 200
        assert answer.context["sight"] is None
        assert not AuditEvent.objects.filter(action="access.look").exists()
        return str(answer.context["why_not"])

    @pytest.mark.parametrize(
        "query",
        [
            {},
            {"what": "events"},
            {"what": "revisions"},
            {"what": "log", "pod": "a", "container": "b"},
        ],
    )
    def test_without_consent(self, adas, access, query):
        assert "is not open" in self.refused(adas, access, **query)

    @pytest.mark.parametrize("state", ["refused", "withdrawn", "lapsed"])
    def test_after_any_other_answer(self, adas, access, state):
        Access.objects.update(state=state)
        assert "is not open" in self.refused(adas, access)

    def test_by_what_somebody_else_has_asked_for(self, graces, granted):
        assert "Only who has asked may look" in self.refused(graces, granted)

    def test_once_it_is_over(self, adas, granted, clock):
        clock.shift(timedelta(hours=1))
        assert "is not open" in self.refused(adas, granted)

    def test_by_who_works_here_no_more(self, adas, ada, granted):
        User.objects.filter(pk=ada.pk).update(is_staff=False, is_superuser=False)
        assert adas.get(page(granted, "look"), follow=True).status_code == 403

    def test_but_by_an_open_one_the_outside_is_asked(self, adas, granted):
        answer = adas.get(page(granted, "look"))
        assert "Google cannot be reached" in answer.context["why_not"]
        assert AuditEvent.objects.get(action="access.look").at == portal_clock.now()

    @pytest.mark.parametrize("query", [{"what": "secrets"}, {"what": "log"}, {"what": "log", "pod": "a"}])
    def test_what_cannot_be_asked_for_is_not_found(self, adas, granted, query):
        assert adas.get(page(granted, "look"), query).status_code == 404

    def test_a_look_is_only_read(self, adas, granted):
        assert adas.post(page(granted, "look")).status_code == 405


def sources() -> dict[str, ast.Module]:
    """The apps' modules by path."""
    root = Path(project.BASE_DIR)
    files = [file for app in ("portal", "provisioning", "billing") for file in (root / app).rglob("*.py")]
    return {str(file.relative_to(root)): ast.parse(file.read_text()) for file in files}


def imported_by(tree: ast.Module) -> set[str]:
    """The full names of what a module imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def calls(function: ast.AST) -> list[str]:
    """What it calls, in the order of its lines."""
    found = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    return [ast.unparse(node.func) for node in sorted(found, key=lambda node: (node.lineno, node.col_offset))]


class TestThereIsNoOtherWayIn:
    def test_only_looking_asks_the_diagnostics(self):
        client = "provisioning.clients.diagnostics"
        importers = {path for path, tree in sources().items() if client in imported_by(tree)}
        assert importers == {"provisioning/services/looking.py"}

    def test_only_the_diagnostics_read_events_and_logs(self):
        trees = sources()
        readers = {path for path, tree in trees.items() if "lightkube.resources.core_v1.Event" in imported_by(tree)}
        loggers = {
            path
            for path, tree in trees.items()
            if any(name.startswith("lightkube") for name in imported_by(tree))
            and any(call.endswith(".log") for call in calls(tree))
        }
        assert readers == loggers == {"provisioning/clients/diagnostics.py"}

    def test_looking_begins_by_the_access_being_open(self):
        """Whatever reaches the diagnostics or makes a token is private but for `access_look`, which checks first."""
        tree = sources()["provisioning/services/looking.py"]
        functions = {node.name: calls(node) for node in tree.body if isinstance(node, ast.FunctionDef)}
        seeing = {name for name, made in functions.items() if any(call.startswith("diagnostics.") for call in made)}
        assert seeing == {"_seen"}
        assert {name for name, made in functions.items() if {"_seen", "_place_of"} & set(made)} == {"access_look"}
        made = functions["access_look"]
        assert made.index("open_access") < made.index("_place_of")
        assert made.index("open_access") < made.index("_seen")

    def test_the_admin_and_the_pages_touch_no_cluster(self):
        ways = ("provisioning.clients.kubernetes", "provisioning.clients.helm", "provisioning.clients.application",
                "provisioning.steps.cluster_access", "provisioning.steps.gke", "lightkube")  # fmt: skip
        pages = {
            path: imported_by(tree)
            for path, tree in sources().items()
            if path.startswith(("provisioning/admin/", "billing/admin/", "portal/"))
        }
        assert pages
        assert not {path for path, names in pages.items() if any(name.startswith(ways) for name in names)}
