"""How long things take: names of durations, and two profiles of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# Seconds as the real services take them (vendors' docs, users' reports; the long ones vary by a factor of two).
_REALISTIC: Mapping[str, float] = {
    "project": 20,
    "project.update": 2,
    "services.enable": 90,
    "services.propagation": 30,
    "services.identity": 10,
    "iam.propagation": 20,
    "network": 20,
    "subnetwork": 20,
    "address": 5,
    "router": 20,
    "firewall": 5,
    "psa.range": 10,
    "psa.connection": 90,
    "psa.linger": 120,
    "sql.instance": 600,
    "sql.update": 60,
    "sql.restart": 240,
    "sql.database": 10,
    "sql.user": 10,
    "sql.backup": 60,
    "sql.restore": 180,
    "sql.export": 60,
    "container.cluster": 360,
    "container.followup": 20,
    "container.update": 60,
    "container.nodepool": 180,
    "container.nodepool.update": 420,
    "container.nodepool.size": 90,
    "dns.change": 30,
    "gkebackup.plan": 20,
    "gkebackup.update": 5,
    "gkebackup.backup": 120,
    "gkebackup.restore": 300,
    "operation.expiry": 7200,
    "delete.project": 5,
    "delete.services": 30,
    "delete.network": 30,
    "delete.subnetwork": 20,
    "delete.address": 5,
    "delete.router": 20,
    "delete.firewall": 5,
    "delete.endpointgroup": 5,
    "delete.disk": 5,
    "delete.psa.connection": 60,
    "delete.sql": 120,
    "delete.sql.database": 10,
    "delete.sql.user": 10,
    "delete.sql.backup": 10,
    "delete.cluster": 240,
    "delete.nodepool": 120,
    "delete.backupplan": 10,
    "delete.backup": 20,
    "kubernetes.deployment": 60,
    "kubernetes.statefulset": 90,
    "kubernetes.job": 60,
    "kubernetes.probe": 5,
    "kubernetes.volume": 10,
    "kubernetes.loadbalancer": 60,
    "kubernetes.loadbalancer.resync": 600,
    "kubernetes.certificate": 900,
    "kubernetes.certificate.resync": 300,
    "stripe.clock": 5,
    "stripe.delivery": 1,
    "stripe.delivery.timeout": 20,
    "stripe.retry": 1800,
}
# Everything else is a fifteenth of a second; each stays long enough that "under way" is really seen.
_FAST: Mapping[str, float] = {
    **dict.fromkeys(_REALISTIC, 0.07),
    "services.propagation": 0.1,
    "iam.propagation": 0.1,
    "psa.linger": 0.1,
    "sql.instance": 0.3,
    "container.cluster": 0.3,
    "container.nodepool": 0.2,
    "kubernetes.loadbalancer.resync": 0.3,
    "kubernetes.certificate.resync": 0.3,
    "delete.sql": 0.2,
    "delete.cluster": 0.2,
    "operation.expiry": 7200,
    "stripe.delivery": 0.01,
    "stripe.delivery.timeout": 5,
}


@dataclass
class Profile:
    """`durations` are seconds before the speed-up; `speed` divides all of them. Both may change while it is in use."""

    name: str
    speed: float
    durations: Mapping[str, float]

    def seconds(self, name: str) -> float:
        """How long this takes, divided by the speed. Raises KeyError for a name that nobody has given a duration."""
        return self.durations[name] / self.speed

    def change(self, speed: float, durations: Mapping[str, float]) -> None:
        """What begins from now on takes so long. Raises ValueError for what nobody can mean."""
        if speed <= 0 or any(seconds < 0 for seconds in durations.values()):
            raise ValueError("A speed is above zero, and no duration below.")
        if unknown := durations.keys() - self.durations.keys():
            raise ValueError(f"Nothing takes the duration {', '.join(sorted(unknown))}.")
        self.speed, self.durations = speed, {**self.durations, **durations}


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "fast": Profile("fast", 1.0, MappingProxyType(_FAST)),
        "realistic": Profile("realistic", 1.0, MappingProxyType(_REALISTIC)),
    }
)
