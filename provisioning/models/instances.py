from django.conf import settings
from django.db import models
from django.db.models import Q, Value

from portal.core import clock, ids
from portal.core.history import keeps_versions
from provisioning.models.catalogue import Channel
from provisioning.models.domains import CUSTOM_DOMAIN_PART


class InstanceStatus(models.TextChoices):
    """What is true of an instance. What happens to it is its live operation's business."""

    PENDING = "pending"
    RUNNING = "running"
    SUSPENDED = "suspended"
    DELETED = "deleted"


# Its infrastructure stands, whether it is switched on or not.
BUILT = (InstanceStatus.RUNNING, InstanceStatus.SUSPENDED)


class SuspensionNotice(models.TextChoices):
    """Why an instance is suspended, as its people are told. The reason in our own words is in the audit."""

    TRIAL_ENDED = "trial-ended", "its trial has ended"
    PAYMENT = "payment", "its subscription is not settled"
    ENDED = "ended", "its subscription has ended"
    BY_US = "by-us", "we have switched it off"


class ConnectionStatus(models.TextChoices):
    """How the other side has answered to an instance's private connection, in Google's words."""

    PENDING = "PENDING", "waits for your network team to accept it"
    ACCEPTED = "ACCEPTED", "accepted"
    REJECTED = "REJECTED", "rejected"
    CLOSED = "CLOSED", "closed"
    NEEDS_ATTENTION = "NEEDS_ATTENTION", "accepted, and not yet ready on the other side"

    @classmethod
    def told(cls, word: str | None) -> str:
        """Google's word, if it is known; "" without one. What has not been answered in any other way is pending."""
        return (word if word in cls.values else str(cls.PENDING)) if word is not None else ""


class Kind(models.TextChoices):
    TRIAL = "trial"
    PRODUCTION = "production"
    INTERNAL = "internal"
    REHEARSAL = "rehearsal"  # made of a customer's backup for some hours, to try a change on it


class Tenancy(models.TextChoices):
    """Where it runs: in a Google project of its own, or on a cluster that somebody brings."""

    DEDICATED = "dedicated"
    BYOK = "byok", "bring your own Kubernetes"


class Region(models.TextChoices):
    """Where Sourcegraph's cloud runs; fixed when the instance is created."""

    US_CENTRAL = "us-central1", "Iowa, United States"
    EUROPE_WEST3 = "europe-west3", "Frankfurt, Germany"
    EUROPE_WEST2 = "europe-west2", "London, United Kingdom"
    ASIA_NORTHEAST = "asia-northeast1", "Tokyo, Japan"
    AUSTRALIA = "australia-southeast1", "Sydney, Australia"


class StandbyRegion(models.TextChoices):
    """Where else an instance may come to run, once its standby has taken over. No new one is made there."""

    US_EAST = "us-east1", "South Carolina, United States"
    EUROPE_WEST4 = "europe-west4", "Eemshaven, Netherlands"
    EUROPE_WEST1 = "europe-west1", "St. Ghislain, Belgium"
    ASIA_NORTHEAST2 = "asia-northeast2", "Osaka, Japan"
    AUSTRALIA2 = "australia-southeast2", "Melbourne, Australia"


PLACES = [*Region.choices, *StandbyRegion.choices]  # everywhere that an instance may be


class Weekday(models.IntegerChoices):
    """As Python's datetime counts them."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


@keeps_versions(exclude=["admin_email"])
class Instance(models.Model):
    """One dedicated deployment of the application for one organization."""

    id = models.CharField(primary_key=True, max_length=24, default=ids.instance_id, editable=False)
    organization = models.ForeignKey("core.Organization", on_delete=models.PROTECT, related_name="instances")
    slug = models.SlugField(max_length=32)
    domain = models.CharField(max_length=253)
    kind = models.CharField(max_length=10, choices=Kind)
    tenancy = models.CharField(max_length=10, choices=Tenancy, default=Tenancy.DEDICATED)
    cluster = models.ForeignKey("Cluster", null=True, blank=True, on_delete=models.PROTECT, related_name="instances")
    region = models.CharField(max_length=30, choices=PLACES, default=Region.US_CENTRAL)
    takeovers = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False, help_text="How often its standby has taken over."
    )
    lost_region = models.CharField(
        max_length=30,
        choices=PLACES,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Where it was before its standby took over: nothing is made or removed there until it is back.",
    )
    size = models.ForeignKey("Size", on_delete=models.PROTECT, related_name="+")
    release = models.ForeignKey("Release", on_delete=models.PROTECT, related_name="instances")
    channel = models.CharField(max_length=10, choices=Channel, default=Channel.STABLE)
    maintenance_weekday = models.PositiveSmallIntegerField(
        null=True, blank=True, choices=Weekday, help_text="Empty: any night will do."
    )
    maintenance_hour = models.PositiveSmallIntegerField(
        default=1, db_default=1, help_text="When the window opens, 0 to 23, in its time zone."
    )
    time_zone = models.CharField(
        max_length=40, blank=True, db_default="", help_text="An IANA name; empty: the region's."
    )
    architecture = models.CharField(
        max_length=8,
        default="1.1",
        db_default="1.1",
        db_column="architecture_number",
        help_text="The template that its infrastructure is built by.",
    )
    features = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text="What is switched on: provisioning.spec.FeatureSpec, as JSON.",
    )
    outbound_address = models.GenericIPAddressField(
        null=True, blank=True, editable=False, help_text="What it calls the outside from, where that is one address."
    )
    connection_status = models.CharField(
        max_length=16,
        choices=ConnectionStatus,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Of its private connection, as of the last look; empty without one.",
    )
    disk_floor_gb = models.JSONField(
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
        editable=False,
        help_text="Disks that have grown beyond the size: they never shrink.",
    )
    admin_email = models.EmailField(help_text="Who becomes the first site admin.")
    status = models.CharField(max_length=10, choices=InstanceStatus, default=InstanceStatus.PENDING)
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    ready_at = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True, help_text="Since when it is suspended.")
    suspended_because = models.CharField(max_length=12, choices=SuspensionNotice, blank=True, db_default="")
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["slug"], condition=~Q(status="deleted"), name="slug_is_unique_while_it_lives"
            ),
            models.UniqueConstraint(
                fields=["domain"], condition=~Q(status="deleted"), name="domain_is_unique_while_it_lives"
            ),
            models.UniqueConstraint(
                fields=["organization"],
                condition=Q(kind="trial") & ~Q(status="deleted"),
                name="one_live_trial_per_organization",
            ),
            models.CheckConstraint(condition=Q(status__in=InstanceStatus.values), name="instance_status_is_known"),
            models.CheckConstraint(
                condition=Q(tenancy="byok", cluster__isnull=False) | Q(tenancy="dedicated", cluster__isnull=True),
                name="byok_has_a_cluster",
            ),
            models.CheckConstraint(
                condition=Q(maintenance_hour__lte=23)
                & (Q(maintenance_weekday__isnull=True) | Q(maintenance_weekday__lte=6)),
                name="maintenance_window_is_of_a_week",
            ),
            models.CheckConstraint(
                condition=~Q(kind="trial") | Q(trial_ends_at__isnull=False), name="a_trial_has_an_end"
            ),
            models.CheckConstraint(
                condition=~Q(status="suspended") | (Q(suspended_at__isnull=False) & ~Q(suspended_because="")),
                name="who_is_suspended_knows_why",
            ),
            models.CheckConstraint(
                condition=Q(suspended_because__in=["", *SuspensionNotice.values]), name="suspension_notice_is_known"
            ),
            models.CheckConstraint(
                condition=Q(connection_status__in=["", *ConnectionStatus.values]), name="connection_status_is_known"
            ),
            models.CheckConstraint(
                condition=Q(lost_region="") | Q(takeovers__gt=0), name="a_region_is_lost_by_a_takeover"
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def url(self) -> str:
        """Where its people open it."""
        return str(settings.INSTANCE_URL_FORMAT).format(domain=self.address)

    @property
    def address(self) -> str:
        """The name that its people know it by: one of their own where that is on, else its domain."""
        return self.custom_domain or self.domain

    @property
    def custom_domain(self) -> str:
        """The name of their own that is on; "" without one, as a rehearsal is, which has its original's features."""
        if self.kind == Kind.REHEARSAL:
            return ""
        on = (feature for feature in self.features if CUSTOM_DOMAIN_PART in feature["parts"])
        return next((str(feature.get("details", {}).get("name", "")) for feature in on), "")
