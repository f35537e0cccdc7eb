import pytest

from provisioning.clients.google import api, execute
from provisioning.engine.action import Missing
from provisioning.outcomes import Refused
from provisioning.steps.monitoring import Monitoring


@pytest.fixture
def ready(world):
    world.build("services")
    world.drop(Monitoring())  # waits for the service to be usable
    return world


def checks(world):
    collection = api("monitoring", "v3").projects().uptimeCheckConfigs()
    return execute(collection.list(parent=f"projects/{world.spec.id}")).get("uptimeCheckConfigs", [])


def alerts(world):
    collection = api("monitoring", "v3").projects().alertPolicies()
    return execute(collection.list(name=f"projects/{world.spec.id}")).get("alertPolicies", [])


def test_a_lost_answer_makes_no_second_check(ready, devcloud):
    devcloud.add_fault("monitoring.projects.*.create", "act_then_drop", count=2)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            Monitoring().make(ready.context())
    ready.reach(Monitoring())
    Monitoring().make(ready.context())
    assert (len(checks(ready)), len(alerts(ready))) == (1, 1)


def test_the_alert_goes_before_the_check(ready):
    ready.reach(Monitoring())
    collection = api("monitoring", "v3").projects().uptimeCheckConfigs()
    with pytest.raises(Refused, match="alerting policies"):
        execute(collection.delete(name=checks(ready)[0]["name"]))
    assert Monitoring().drop(ready.context()) == "removed the alert"
    assert Monitoring().drop(ready.context()) == "removed the uptime check"
    assert isinstance(Monitoring().look(ready.context()), Missing)


def test_the_alert_watches_this_check(ready):
    ready.reach(Monitoring())
    check_id = checks(ready)[0]["name"].rpartition("/")[2]
    assert check_id in alerts(ready)[0]["conditions"][0]["conditionThreshold"]["filter"]


def test_whoever_runs_the_fleet_is_told_where_it_is_known_who(ready, settings):
    settings.ALERT_EMAIL = "oncall@portal.example"
    ready.reach(Monitoring())
    collection = api("monitoring", "v3").projects().notificationChannels()
    [channel] = execute(collection.list(name=f"projects/{ready.spec.id}"))["notificationChannels"]
    assert channel["labels"] == {"email_address": "oncall@portal.example"}
    assert alerts(ready)[0]["notificationChannels"] == [channel["name"]]
    settings.ALERT_EMAIL = ""
    ready.drop(Monitoring())
    assert execute(collection.list(name=f"projects/{ready.spec.id}")).get("notificationChannels", []) == []
