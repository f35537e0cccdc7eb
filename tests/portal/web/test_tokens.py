"""API tokens in the browser."""

from portal.core.models import ApiToken
from portal.core.tokens import token_for

WISH = {"name": "weekly numbers", "scopes": ["instances:read"], "key": "one-time-key"}
PAGE = "/organization/tokens/"


def test_the_secret_is_shown_once(alices):
    page = alices.post(PAGE, WISH).content.decode()
    secret = page.split('data-copy="')[1].split('"')[0]
    assert token_for(secret) == ApiToken.objects.get(name="weekly numbers")
    assert secret not in alices.get(PAGE).content.decode()


def test_the_page_with_the_secret_is_not_kept_by_the_browser(alices):
    assert "no-store" in alices.post(PAGE, WISH).headers["Cache-Control"]


def test_the_same_form_makes_one_token(alices):
    alices.post(PAGE, WISH)
    assert alices.post(PAGE, WISH).headers["Location"] == PAGE
    assert ApiToken.objects.count() == 1


def test_a_form_that_was_refused_can_be_sent_again(alices):
    alices.post(PAGE, {**WISH, "scopes": []})
    alices.post(PAGE, WISH)
    assert ApiToken.objects.count() == 1


def test_a_revoked_token_is_gone_from_the_list(alices):
    alices.post(PAGE, WISH)
    token = ApiToken.objects.get()
    page = alices.post(f"{PAGE}{token.pk}/revoke/", follow=True).content.decode()
    assert "is revoked" in page
    token.refresh_from_db()
    assert token.revoked_at


def test_a_plain_member_neither_makes_nor_revokes(alices, bobs):
    alices.post(PAGE, WISH)
    assert bobs.post(PAGE, {**WISH, "key": "other"}).status_code == 403
    assert bobs.post(f"{PAGE}{ApiToken.objects.get().pk}/revoke/").status_code == 403


def test_tokens_of_others_do_not_exist(alices, charlies):
    alices.post(PAGE, WISH)
    assert charlies.post(f"{PAGE}{ApiToken.objects.get().pk}/revoke/").status_code == 404
    assert "weekly numbers" not in charlies.get(PAGE).content.decode()


def test_only_our_staff_is_offered_what_is_for_all_customers(alices, alice):
    wish = {**WISH, "scopes": ["releases:write"]}
    assert "releases:write" not in alices.get(PAGE).content.decode()
    assert alices.post(PAGE, wish).context["form"].errors["scopes"]
    alice.is_staff = True
    alice.save()
    assert "releases:write" in alices.get(PAGE).content.decode()
    assert alices.post(PAGE, wish).context["made"].scopes == ["releases:write"]
