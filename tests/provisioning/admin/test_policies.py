"""Policies are edited with their stages on one page, kept sound, and audited."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.core.models import AuditEvent
from provisioning.fleet.policies import load_policies
from provisioning.models import PolicyStage, RolloutPolicy
from tests.provisioning.admin.pages import listing, page, text

pytestmark = pytest.mark.django_db
LIST, ADD = listing("provisioning_rolloutpolicy"), "/admin/provisioning/rolloutpolicy/add/"
GATE = {"most_failed_percent": 5, "least_healthy_percent": 99, "most_burn": 2}
USUAL = {**GATE, "soak_hours": 4, "internal_percent": 100}


@pytest.fixture(autouse=True)
def _policies(db):
    load_policies()


@pytest.fixture
def policy() -> RolloutPolicy:
    return RolloutPolicy.objects.get(pk="minor-and-patch")


def terms(**changed):
    usual = {"title": "Minor releases and patches", "suits": ["minor", "patch"]}
    return usual | {"most_at_once": 100, "longest_postponement_days": 14, "rehearsals": 3} | changed


def stage(name, trial, customer, **changed):
    return USUAL | {"name": name, "trial_percent": trial, "customer_percent": customer} | changed


def sent(client, address, stages, *, deleted=(), **changed):
    """The form with these stages; those of the policy's come first, as the page has them."""
    known = PolicyStage.objects.filter(policy="minor-and-patch").values_list("pk", flat=True)
    ids = [] if address == ADD else list(known)
    answers = terms(**changed) | {"stages-TOTAL_FORMS": len(stages), "stages-INITIAL_FORMS": len(ids[: len(stages)])}
    for number, answer in enumerate(stages):
        own = {"place": number + 1} | answer | ({"id": ids[number]} if number < len(ids) else {})
        own |= {"DELETE": "on"} if number in deleted else {}
        answers |= {f"stages-{number}-{name}": value for name, value in own.items()}
    return client.post(address, answers)


def ladder(policy="minor-and-patch"):
    stages = PolicyStage.objects.filter(policy=policy)
    return [(one.position, one.name, one.trial_percent, one.customer_percent) for one in stages]


FOUR = [stage("Internal", 0, 0), stage("10 %", 10, 10), stage("40 %", 40, 40), stage("All", 100, 100)]


def errors(response) -> str:
    [formset] = response.context["inline_admin_formsets"]
    return " ".join(formset.formset.non_form_errors())


def test_the_list_tells_the_way(adas):
    shown = text(adas, LIST)
    assert "Internal → 10 % → 40 % → All" in shown
    assert "major, architecture" in shown


def test_they_are_not_for_customers(alices, policy):
    assert alices.get(page(policy), follow=True).status_code == 403
    assert sent(alices, page(policy), FOUR[:1]).status_code in {302, 403}
    assert len(ladder()) == 4


def test_staff_that_is_no_superuser_edits_them(ada, adas, policy):
    ada.is_superuser = False
    ada.save()
    assert sent(adas, page(policy), FOUR, most_at_once=50).status_code == 302
    policy.refresh_from_db()
    assert policy.most_at_once == 50


def test_a_stage_is_changed_and_the_audit_tells_all(adas, ada, policy):
    stages = [FOUR[0], stage("20 %", 20, 20, needs_approval="on"), *FOUR[2:]]
    assert sent(adas, page(policy), stages).status_code == 302
    assert ladder()[1] == (2, "20 %", 20, 20)
    assert PolicyStage.objects.get(policy=policy, position=2).needs_approval
    event = AuditEvent.objects.get(action="rolloutpolicy.change")
    assert event.actor == ada
    assert [one["name"] for one in event.details["stages"]] == ["Internal", "20 %", "40 %", "All"]


def test_without_a_change_to_its_stages_they_are_not_told(adas, policy):
    unchanged = [
        stage(one.name, one.trial_percent, one.customer_percent, soak_hours=one.soak_hours)
        for one in policy.stages.all()
    ]
    assert sent(adas, page(policy), unchanged, rehearsals=5).status_code == 302
    assert AuditEvent.objects.get(action="rolloutpolicy.change").details == {"rehearsals": "5"}


def test_stages_change_places(adas, policy):
    stages = [FOUR[0], stage("Later", 40, 40, place=3), stage("Sooner", 10, 10, place=2), FOUR[3]]
    assert sent(adas, page(policy), stages).status_code == 302
    assert [name for _, name, *_ in ladder()] == ["Internal", "Sooner", "Later", "All"]


def test_a_stage_goes_and_one_comes_at_the_end(adas, policy):
    stages = [*FOUR[:3], stage("Almost", 90, 90), stage("Everybody", 100, 100, place="")]
    assert sent(adas, page(policy), stages, deleted={1}).status_code == 302
    assert ladder() == [(1, "Internal", 0, 0), (2, "40 %", 40, 40), (3, "Almost", 90, 90), (4, "Everybody", 100, 100)]


@pytest.mark.parametrize(
    ("stages", "why"),
    [
        ([FOUR[0], FOUR[2], stage("Less", 40, 10), FOUR[3]], "Shares never fall: “Less” takes 10 % of customer"),
        ([FOUR[0], FOUR[1], FOUR[2], stage("Most", 100, 99)], "The last stage reaches everybody: “Most”"),
        ([FOUR[0], stage("x", 10, 10, internal_percent=50), *FOUR[2:]], "“x” takes 50 % of internal"),
    ],
)
def test_what_is_not_sound_is_refused(adas, policy, stages, why):
    response = sent(adas, page(policy), stages)
    assert response.status_code == 200
    assert why in errors(response)
    assert why in response.content.decode()
    assert [name for _, name, *_ in ladder()] == ["Internal", "10 %", "40 %", "All"]


def test_it_keeps_at_least_one_stage(adas, policy):
    response = sent(adas, page(policy), FOUR, deleted={0, 1, 2, 3})
    assert "at least one stage" in errors(response)
    assert len(ladder()) == 4


def test_more_than_all_is_refused_at_its_field(adas, policy):
    response = sent(adas, page(policy), [*FOUR[:3], stage("All", 101, 100)])
    [formset] = response.context["inline_admin_formsets"]
    assert formset.formset.forms[3].errors["trial_percent"]


def test_a_new_one_is_added(adas, ada):
    response = sent(adas, ADD, FOUR[2:], name="careful", title="Careful", suits=[])
    assert response.status_code == 302
    assert ladder("careful") == [(1, "40 %", 40, 40), (2, "All", 100, 100)]
    event = AuditEvent.objects.get(action="rolloutpolicy.add")
    assert (event.actor, event.object_id) == (ada, "careful")


def test_there_is_one_default_for_a_kind(adas):
    response = sent(adas, ADD, FOUR[2:], name="careful", title="Careful", suits=["patch"])
    assert "is the default for patch" in response.context["adminform"].form.errors["suits"][0]


def test_nobody_deletes_one(adas, policy):
    assert adas.post(page(policy, "delete"), {"post": "yes"}).status_code == 403


def test_the_list_asks_as_much_for_many_as_for_few(adas):
    few = queries(adas, LIST)
    for number in range(8):
        policy = RolloutPolicy.objects.create(name=f"p{number}", title="P")
        PolicyStage.objects.create(policy=policy, position=1, name="All")
    assert queries(adas, LIST) == few


def queries(client, address) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)
