"""The Celery application. Its messages are wake-up calls; what is to be done stands in the database."""

import os

import billiard.pool
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

# Told to stop, a worker forgets a task that a pool process has taken but not yet said so. That process then waits, for
# 300 looks a tenth of a second apart, until its result is read. Nobody reads it, and nobody needs it: what came of the
# work is in the database.
billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = 20

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["portal.core", "provisioning"])
