"""What we know of Stripe's side: fetched whole for each customer, written over, and never read back into Stripe."""

from django.db import models
from django.db.models import Q

from billing.models.catalogue import Currency, Interval
from portal.core import clock
from portal.core.models.due import Due


class Account(Due):
    """An organization as a customer of Stripe's, and when its facts are to be fetched next: not at all while known."""

    organization = models.OneToOneField(
        "core.Organization", primary_key=True, on_delete=models.PROTECT, related_name="account"
    )
    stripe_id = models.CharField(max_length=60, unique=True)
    currency = models.CharField(max_length=3, choices=Currency, default=Currency.USD)
    fetched_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["organization_id"]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="accounts_due")]

    def __str__(self) -> str:
        return f"{self.organization} ({self.stripe_id})"


class SubscriptionStatus(models.TextChoices):
    """Stripe's own words."""

    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    PAUSED = "paused"
    CANCELED = "canceled"


class Collection(models.TextChoices):
    """How it is paid: by the card at once, or by an invoice with a term."""

    CARD = "charge_automatically", "by card"
    INVOICE = "send_invoice", "by invoice"


class Subscription(models.Model):
    """A subscription as Stripe last told it."""

    stripe_id = models.CharField(max_length=60, primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="subscriptions")
    instance = models.ForeignKey(
        "provisioning.Instance", null=True, blank=True, on_delete=models.PROTECT, related_name="subscriptions"
    )
    status = models.CharField(max_length=20, choices=SubscriptionStatus)
    collection = models.CharField(max_length=20, choices=Collection)
    currency = models.CharField(max_length=3)
    interval = models.CharField(max_length=5, choices=Interval)
    period_ends_at = models.DateTimeField()
    next_plan = models.ForeignKey(
        "Plan",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="What it is for from the next period on, where another plan has been asked for.",
    )
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    cancel_at = models.DateTimeField(null=True, blank=True, help_text="When it ends by its customer's wish.")
    ended_at = models.DateTimeField(null=True, blank=True)
    unpaid_since = models.DateTimeField(
        null=True, blank=True, help_text="While it is past due or unpaid: since when its oldest unpaid invoice is owed."
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.stripe_id} ({self.status})"


class SubscriptionItem(models.Model):
    """So many of something that is sold, at a price of ours; `price` is None for one that is not in our catalogue."""

    stripe_id = models.CharField(max_length=60, primary_key=True)
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="items")
    price = models.ForeignKey("Price", null=True, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()
    next_quantity = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many from the next period on, where that has been asked for."
    )

    class Meta:
        ordering = ["stripe_id"]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.price_id}"


class Invoice(models.Model):
    """An invoice as Stripe last told it. Amounts are in minor units of its currency."""

    stripe_id = models.CharField(max_length=60, primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="invoices")
    subscription_id = models.CharField(max_length=60, blank=True, db_index=True)
    number = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=20)
    currency = models.CharField(max_length=3)
    total = models.BigIntegerField()
    remaining = models.BigIntegerField()
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    url = models.URLField(max_length=500, blank=True, help_text="Where it is shown and paid.")

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.number or self.stripe_id


class Reversal(models.Model):
    """Money of a charge that went back to its customer, or that they want back from their bank: for people to see.

    Amounts are in minor units of its currency; `dispute` is Stripe's word of how that stands, "" without one.
    """

    stripe_id = models.CharField(max_length=60, primary_key=True, help_text="Of the charge.")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="reversals")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    refunded = models.BigIntegerField(default=0)
    dispute = models.CharField(max_length=40, blank=True, default="")
    answer_by = models.DateTimeField(null=True, blank=True, help_text="Until when the bank takes evidence.")
    charged_at = models.DateTimeField()

    class Meta:
        ordering = ["-charged_at"]

    def __str__(self) -> str:
        return f"{self.stripe_id}: {self.dispute or 'refunded'}"


class StripeEvent(models.Model):
    """That Stripe has told of something: a wake-up call, kept once. What it carried is not."""

    id = models.CharField(max_length=255, primary_key=True)
    kind = models.CharField(max_length=80)
    customer = models.CharField(max_length=60, blank=True)
    charge = models.CharField(
        max_length=60, blank=True, db_default="", help_text="What it is about, until a worker has asked whose that is."
    )
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        ordering = ["-received_at"]
        indexes = [models.Index(fields=["received_at"], condition=~Q(charge=""), name="events_of_charges")]

    def __str__(self) -> str:
        return f"{self.kind} ({self.id})"
