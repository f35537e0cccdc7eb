"""The Celery application. Its messages are wake-up calls; what is to be done stands in the database."""

import os
import sys

import billiard.pool
from celery import Celery
from celery.signals import task_prerun
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

# Told to stop, a worker forgets a task that a pool process has taken but not yet said so. That process then waits, for
# 300 looks a tenth of a second apart, until its result is read. Nobody reads it, and nobody needs it: what came of the
# work is in the database.
billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = 20

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")

# Celery closes the connection to the database before and after each task, and opening one costs more than most tasks
# do. They are kept as the web's are: for CONN_MAX_AGE, and what is broken is let go before the next task.
app.conf.CELERY_DB_REUSE_MAX = sys.maxsize
task_prerun.connect(close_old_connections)

app.autodiscover_tasks(["portal.core", "portal.canary", "provisioning", "billing"])
