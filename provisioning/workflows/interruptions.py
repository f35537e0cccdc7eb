"""How long people cannot use an instance while a step of a change has something to do. Estimates, on the long side."""

from datetime import timedelta

from provisioning.engine.action import minutes, seconds

# The frontend is replaced without a gap; Git data, search and both Redis have one replica each and restart.
APPLICATION = seconds(90)
# Cloud SQL restarts for another tier or another availability.
DATABASE = seconds(60)
# Nodes are replaced one by one, and what has one replica starts again on the next, with its disk.
NODES = minutes(5)

INTERRUPTIONS: dict[str, timedelta] = {"application": APPLICATION, "database": DATABASE, "nodes": NODES}
