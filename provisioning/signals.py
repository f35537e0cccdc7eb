"""What provisioning announces to those above it."""

from django.dispatch import Signal

catalogue_loaded = Signal()  # what the portal ships with is in the database; sent inside the transaction
custom_domain_seen = (
    Signal()
)  # instance: Instance; what the public DNS says of a name has changed; inside the transaction
operation_finished = Signal()  # operation: Operation; sent inside the finishing transaction
