"""What somebody may do behind the portal's back to an instance's things at Google, and what is to be seen then."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provisioning.clients.google import api, execute
from provisioning.engine.action import Change
from provisioning.steps import names
from provisioning.steps.project import DeletionLock
from tests.provisioning.steps.world import World, spec_for_tests

EVE = "eve@portal.example"


@dataclass(frozen=True)
class Drift:
    """Somebody does something to the outside; then these changes are seen, or it is gone (no changes)."""

    step: str
    deed: str
    do: Callable[[World], Any]
    changes: tuple[Change, ...] = ()


def project(world):
    return f"projects/{world.spec.id}"


def regional(world):
    return {"project": world.spec.id, "region": world.spec.region}


def patch_sql(settings: dict[str, Any]):
    def do(world):
        place = {"project": world.spec.id, "instance": names.sql_instance(world.spec)}
        execute(api("sqladmin", "v1").instances().patch(**place, body={"settings": settings}))

    return do


def clusters():
    return api("container", "v1").projects().locations().clusters()


def update_cluster(update: dict[str, Any]):
    return lambda world: execute(clusters().update(name=names.cluster_path(world.spec), body={"update": update}))


def label_cluster(world):
    path = names.cluster_path(world.spec)
    found = execute(clusters().get(name=path))
    labels = {**found["resourceLabels"], "managed-by": "eve"}
    body = {"resourceLabels": labels, "labelFingerprint": found["labelFingerprint"]}
    execute(clusters().setResourceLabels(name=path, body=body))


def pool(world):
    return f"{names.cluster_path(world.spec)}/nodePools/{names.NODE_POOL}"


def update_pool(body: dict[str, Any]):
    return lambda world: execute(clusters().nodePools().update(name=pool(world), body=body))


def resize_pool(world):
    execute(clusters().nodePools().setSize(name=pool(world), body={"nodeCount": 3}))


def scale_pool(world):
    body = {"autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 5}}
    execute(clusters().nodePools().setAutoscaling(name=pool(world), body=body))


def add_range(world):
    subnetworks = api("compute", "v1").subnetworks()
    place = {**regional(world), "subnetwork": names.SUBNET}
    found = execute(subnetworks.get(**place))
    ranges = [*found["secondaryIpRanges"], {"rangeName": "eves", "ipCidrRange": "10.20.0.0/20"}]
    body = {"secondaryIpRanges": ranges, "fingerprint": found["fingerprint"]}
    execute(subnetworks.patch(**place, body=body))


def close_subnet(world):
    place = {**regional(world), "subnetwork": names.SUBNET}
    body = {"privateIpGoogleAccess": False}
    execute(api("compute", "v1").subnetworks().setPrivateIpGoogleAccess(**place, body=body))


def label_address(name: str):
    def do(world):
        addresses = api("compute", "v1").globalAddresses()
        found = execute(addresses.get(project=world.spec.id, address=name))
        labels = {**found["labels"], "instance-type": "production"}
        body = {"labels": labels, "labelFingerprint": found["labelFingerprint"]}
        execute(addresses.setLabels(project=world.spec.id, resource=name, body=body))

    return do


def remove_peering(world):
    body = {"name": "servicenetworking-googleapis-com"}
    execute(api("compute", "v1").networks().removePeering(project=world.spec.id, network=names.NETWORK, body=body))


def change_record(world):
    zone = {"project": "portal-host", "managedZone": "instances"}
    records = execute(api("dns", "v1").resourceRecordSets().list(**zone, name=f"{world.spec.domain}."))["rrsets"]
    held = next(record for record in records if record["type"] == "A")
    changed = {**held, "rrdatas": ["192.0.2.7"], "ttl": 60}
    execute(api("dns", "v1").changes().create(**zone, body={"deletions": [held], "additions": [changed]}))


def delete_secret(world):
    execute(
        api("secretmanager", "v1").projects().secrets().delete(name=f"{project(world)}/secrets/site-admin-password")
    )


def delete_database(world):
    place = {"project": world.spec.id, "instance": names.sql_instance(world.spec)}
    execute(api("sqladmin", "v1").databases().delete(**place, database="codeintel"))


def delete_user(world):
    place = {"project": world.spec.id, "instance": names.sql_instance(world.spec)}
    execute(api("sqladmin", "v1").users().delete(**place, name=names.DATABASE_USER))


def patch_plan(body: dict[str, Any]):
    def do(world):
        plans = api("gkebackup", "v1").projects().locations().backupPlans()
        name = names.backup_plan_path(world.spec)
        execute(plans.patch(name=name, updateMask=",".join(body), body=body))

    return do


def monitoring(what: str):
    return getattr(api("monitoring", "v3").projects(), what)()


def patch_monitoring(what: str, body: dict[str, Any]):
    def do(world):
        parent = "parent" if what == "uptimeCheckConfigs" else "name"
        [found] = execute(monitoring(what).list(**{parent: project(world)}))[what]
        execute(monitoring(what).patch(name=found["name"], updateMask=",".join(body), body=body))

    return do


def delete_alert(world):
    [alert] = execute(monitoring("alertPolicies").list(name=project(world)))["alertPolicies"]
    execute(monitoring("alertPolicies").delete(name=alert["name"]))


def revoke(role: str):
    def do(world):
        projects = api("cloudresourcemanager", "v3").projects()
        policy = execute(projects.getIamPolicy(resource=project(world)))
        policy["bindings"] = [binding for binding in policy["bindings"] if binding["role"] != role]
        execute(projects.setIamPolicy(resource=project(world), body={"policy": policy}))

    return do


def disable_account(world):
    account = f"{project(world)}/serviceAccounts/{names.account_email(world.spec, names.NODES_ACCOUNT)}"
    execute(api("iam", "v1").projects().serviceAccounts().disable(name=account, body={}))


def rename_account(world):
    account = f"{project(world)}/serviceAccounts/{names.account_email(world.spec, names.DEPLOYER_ACCOUNT)}"
    body = {"serviceAccount": {"displayName": "Eve's"}, "updateMask": "displayName"}
    execute(api("iam", "v1").projects().serviceAccounts().patch(name=account, body=body))


def disable_service(world):
    services = api("serviceusage", "v1").services()
    execute(services.disable(name=f"{project(world)}/services/logging.googleapis.com", body={}))


def rename_project(world):
    body = {"displayName": "Eve was here", "labels": {**world.spec.labels, "managed-by": "eve"}}
    name = f"projects/{world.outputs['project']['number']}"
    projects = api("cloudresourcemanager", "v3").projects()
    execute(projects.patch(name=name, updateMask="displayName,labels", body=body))


def unlink_billing(world):
    execute(
        api("cloudbilling", "v1").projects().updateBillingInfo(name=project(world), body={"billingAccountName": ""})
    )


def lift_lien(world):
    DeletionLock().drop(world.context("lock"))


def patch_network(world):
    body = {"routingConfig": {"routingMode": "GLOBAL"}}
    execute(api("compute", "v1").networks().patch(project=world.spec.id, network=names.NETWORK, body=body))


def patch_router(world):
    nat = {
        "name": "nat",
        "natIpAllocateOption": "AUTO_ONLY",
        "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_PRIMARY_IP_RANGES",
    }
    execute(api("compute", "v1").routers().patch(**regional(world), router=names.ROUTER, body={"nats": [nat]}))


def patch_log_bucket(world):
    buckets = api("logging", "v2").projects().locations().buckets()
    body = {"retentionDays": 7}
    execute(buckets.patch(name=names.log_bucket_path(world.spec), updateMask="retentionDays", body=body))


SPEC = spec_for_tests()
NODES_MAIL = f"serviceAccount:gke-nodes@{SPEC.id}.iam.gserviceaccount.com"
OPEN = {"enabled": True, "cidrBlocks": [{"displayName": "eve", "cidrBlock": "0.0.0.0/0"}]}

DRIFTS = (
    Drift("project", "renamed and labelled", rename_project, (
        Change("displayName", "Sourcegraph acme", "Eve was here"),
        Change("labels.managed-by", "sourcegraph-cloud-portal", "eve"),
    )),
    Drift("billing", "unlinked", unlink_billing),
    Drift("lock", "lifted", lift_lien),
    Drift("services", "one disabled", disable_service, (
        Change("services[logging.googleapis.com].state", "ENABLED", "DISABLED"),
    )),
    Drift("service-accounts", "one disabled", disable_account, (Change("accounts[gke-nodes].disabled", False, True),)),
    Drift("service-accounts", "one renamed", rename_account, (
        Change("accounts[deployer].displayName", "The portal, when it installs the application", "Eve's"),
    )),
    Drift("permissions", "one revoked", revoke("roles/logging.logWriter"), (
        Change("bindings[roles/logging.logWriter]", NODES_MAIL, None),
    )),
    Drift("network", "routed globally", patch_network, (Change("routingConfig.routingMode", "REGIONAL", "GLOBAL"),)),
    Drift("subnet", "cut off from Google", close_subnet, (Change("privateIpGoogleAccess", True, False),)),
    Drift("subnet", "with one more range", add_range, (
        Change("secondaryIpRanges[eves]", None, {"rangeName": "eves", "ipCidrRange": "10.20.0.0/20"}),
    )),
    Drift("gateway", "for nodes alone", patch_router, (
        Change(
            "nats[nat].sourceSubnetworkIpRangesToNat",
            "ALL_SUBNETWORKS_ALL_IP_RANGES",
            "ALL_SUBNETWORKS_ALL_PRIMARY_IP_RANGES",
        ),
    )),
    Drift("log-retention", "shorter", patch_log_bucket, (Change("retentionDays", 30, 7),)),
    Drift("private-range", "labelled", label_address(names.PRIVATE_RANGE), (
        Change("labels.instance-type", "trial", "production"),
    )),
    Drift("private-connection", "parted", remove_peering, (Change("peering.state", "ACTIVE", None),)),
    Drift("address", "labelled", label_address(names.ADDRESS), (
        Change("labels.instance-type", "trial", "production"),
    )),
    Drift("dns", "led astray", change_record, (
        Change("A.rrdatas", ["198.18.0.1"], ["192.0.2.7"]),
        Change("A.ttl", 300, 60),
    )),
    Drift("secrets", "one deleted", delete_secret, (
        Change("secrets[site-admin-password]", {"name": "site-admin-password"}, None),
    )),
    Drift("database", "on another machine", patch_sql({"tier": "db-custom-2-7680"}), (
        Change("settings.tier", "db-custom-1-4096", "db-custom-2-7680"),
    )),
    Drift("database", "stopped, unprotected and not backed up", patch_sql({
        "activationPolicy": "NEVER",
        "deletionProtectionEnabled": False,
        "storageAutoResize": False,
        "backupConfiguration": {"enabled": False},
    }), (
        Change("settings.activationPolicy", "ALWAYS", "NEVER"),
        Change("settings.storageAutoResize", True, False),
        Change("settings.deletionProtectionEnabled", True, False),
        Change("settings.backupConfiguration.enabled", True, False),
    )),
    Drift("database", "open to the internet", patch_sql({"ipConfiguration": {"ipv4Enabled": True}}), (
        Change("settings.ipConfiguration.ipv4Enabled", False, True),
    )),
    Drift("databases", "one deleted", delete_database, (Change("databases[codeintel]", {"name": "codeintel"}, None),)),
    Drift("database-user", "deleted", delete_user),
    Drift("cluster", "open to the world", update_cluster({"desiredMasterAuthorizedNetworksConfig": OPEN}), (
        Change("masterAuthorizedNetworksConfig.cidrBlocks[portal]", {
            "displayName": "portal", "cidrBlock": "203.0.113.0/28",
        }, None),
        Change("masterAuthorizedNetworksConfig.cidrBlocks[eve]", None, {
            "displayName": "eve", "cidrBlock": "0.0.0.0/0",
        }),
    )),
    Drift("cluster", "unshielded", update_cluster({"desiredShieldedNodes": {"enabled": False}}), (
        Change("shieldedNodes.enabled", True, None),
    )),
    Drift("cluster", "labelled", label_cluster, (
        Change("resourceLabels.managed-by", "sourcegraph-cloud-portal", "eve"),
    )),
    Drift("nodes", "more of them", resize_pool, (Change("initialNodeCount", 1, 3),)),
    Drift("nodes", "scaled by themselves", scale_pool, (Change("autoscaling.enabled", False, True),)),
    Drift("nodes", "other machines", update_pool({"machineType": "e2-highmem-8", "diskSizeGb": "150"}), (
        Change("config.machineType", "e2-highmem-4", "e2-highmem-8"),
        Change("config.diskSizeGb", 100, 150),
    )),
    Drift("nodes", "replaced without room", update_pool({"upgradeSettings": {
        "strategy": "SURGE", "maxSurge": 0, "maxUnavailable": 1,
    }}), (
        Change("upgradeSettings.maxSurge", 1, None),
        Change("upgradeSettings.maxUnavailable", 0, 1),
    )),
    Drift("backup-plan", "rarely and briefly", patch_plan({
        "backupSchedule": {"cronSchedule": "0 0 1 * *"}, "retentionPolicy": {"backupRetainDays": 3},
    }), (
        Change("backupSchedule.cronSchedule", "17 3 * * *", "0 0 1 * *"),
        Change("retentionPolicy.backupRetainDays", 30, 3),
    )),
    Drift("monitoring", "asked rarely", patch_monitoring("uptimeCheckConfigs", {"period": "900s"}), (
        Change("uptimeCheckConfigs.period", "60s", "900s"),
    )),
    Drift("monitoring", "told to another", patch_monitoring("notificationChannels", {
        "labels": {"email_address": EVE},
    }), (
        Change("notificationChannels.labels.email_address", "oncall@portal.example", EVE),
    )),
    Drift("monitoring", "not asked at all", patch_monitoring("uptimeCheckConfigs", {"disabled": True}), (
        Change("uptimeCheckConfigs.disabled", False, True),
    )),
    Drift("monitoring", "silenced", patch_monitoring("alertPolicies", {"enabled": False}), (
        Change("alertPolicies.enabled", True, False),
    )),
    Drift("monitoring", "the alert deleted", delete_alert, (Change("alertPolicies", "alert", None),)),
)  # fmt: skip
