"""What is due is claimed, even when somebody holds its row at that moment."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from billing.models import Account
from portal.core import clock
from portal.core.turns import claim
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def due(acme) -> Account:
    return Account.objects.create(organization=acme, stripe_id="cus_1", asked_at=clock.now(), due_at=clock.now())


def claimed() -> Account | None:
    """What another worker claims."""
    try:
        turn = claim(Account.objects.all())
        return turn.row if turn else None
    finally:
        connection.close()


def waits_for_a_row() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.parametrize("is_due_after", [True, False])
def test_a_row_that_is_held_is_waited_for(due, is_due_after):
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            row = Account.objects.select_for_update().get()
            worker = pool.submit(claimed)
            eventually(waits_for_a_row)
            if not is_due_after:
                row.due_at = None
                row.save()
        assert worker.result(10) == (due if is_due_after else None)


def test_a_row_that_is_held_keeps_nobody_from_the_others(due, globex):
    other = Account.objects.create(organization=globex, stripe_id="cus_2", asked_at=clock.now(), due_at=clock.now())
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Account.objects.select_for_update().get(pk=due.pk)
        assert pool.submit(claimed).result(10) == other
