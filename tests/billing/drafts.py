"""A feature that is described, and that nobody can make."""

from billing.models import Feature, Status


def a_draft() -> Feature:
    """The feature moon-base: its part has no step."""
    return Feature.objects.create(
        name="moon-base",
        title="Moon base",
        summary="A second place, on the moon.",
        effect="Nothing restarts.",
        charge="flat",
        position=99,
        parts=["moon-base"],
        status=Status.DRAFT,
    )
