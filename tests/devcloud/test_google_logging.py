"""Cloud Logging's buckets: every project has two, and how long they keep entries can be set for one of them."""

import pytest

from tests.devcloud.google_client import Place, refusal

MASK = {"updateMask": "retentionDays"}


@pytest.fixture
def buckets(place: Place):
    return place.google.api("logging").projects().locations().buckets()


def bucket(place: Place, name: str = "_Default") -> str:
    return f"projects/{place.id}/locations/global/buckets/{name}"


def test_entries_are_kept_for_thirty_days_until_somebody_changes_that(place, buckets):
    assert buckets.get(name=bucket(place)).execute()["retentionDays"] == 30
    buckets.patch(name=bucket(place), body={"retentionDays": 365}, **MASK).execute()
    assert buckets.get(name=bucket(place)).execute()["retentionDays"] == 365


def test_what_is_kept_for_auditors_stays_as_it_is(place, buckets):
    assert buckets.get(name=bucket(place, "_Required")).execute()["retentionDays"] == 400
    refused = refusal(buckets.patch(name=bucket(place, "_Required"), body={"retentionDays": 1}, **MASK))
    assert "locked" in refused.message


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"body": {"retentionDays": 3651}, **MASK}, "between 1 and 3650"),
        ({"body": {"retentionDays": 60}}, "update mask"),
        ({"body": {"locked": True}, "updateMask": "locked"}, "Only retention_days"),
    ],
)
def test_it_refuses_what_google_refuses(place, buckets, wrong, says):
    assert says in refusal(buckets.patch(name=bucket(place), **wrong)).message


def test_another_bucket_is_not_there(place, buckets):
    assert refusal(buckets.get(name=bucket(place, "mine"))).code == 404
