"""What provisioning announces to those above it."""

from django.dispatch import Signal

operation_finished = Signal()  # operation: Operation; sent inside the finishing transaction
