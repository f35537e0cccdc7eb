import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.services.names import LEGAL, check_slug


@pytest.mark.parametrize("slug", ["acme", "acme-2", "a1b", "big-company-emea"])
def test_legal_names_are_free(slug):
    verdict = check_slug(slug)
    assert verdict.is_free
    assert verdict.sentence == f"{slug}.sourcegraph.localhost is free."


@pytest.mark.parametrize(
    ("slug", "says"),
    [
        ("", "3 to 32"),
        ("ab", "3 to 32"),
        ("a" * 33, "3 to 32"),
        ("Acme", "small letters"),
        ("1acme", "begin with a letter"),
        ("acme-", "end with a letter or digit"),
        ("ac--me", "single hyphens"),
        ("ac_me", "small letters"),
        ("acmé", "small letters"),
        ("acme.evil", "small letters"),
        ("acme\n", "small letters"),
        ("admin", "reserved"),
        ("www", "reserved"),
    ],
)
def test_a_bad_name_gets_a_sentence_that_says_why(slug, says):
    verdict = check_slug(slug)
    assert not verdict.is_free
    assert says in verdict.sentence


@given(st.text(max_size=40))
def test_whatever_is_legal_is_a_dns_label(text):
    if LEGAL.fullmatch(text) and len(text) <= 32:
        assert text.isascii()
        assert text == text.lower()
        assert not text.startswith("-")
        assert not text.endswith("-")


def test_the_name_of_a_living_instance_is_taken(trial_of_acme):
    assert check_slug("acme").sentence == "“acme” is taken. Try another name."


def test_the_name_of_a_deleted_instance_is_free_again(trial_of_acme):
    trial_of_acme.status = "deleted"
    trial_of_acme.save()
    assert check_slug("acme").is_free
