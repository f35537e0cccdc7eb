"""Which versions an instance could go back to without its databases."""

from provisioning.fleet.releases import crosses_incompatible
from provisioning.fleet.versions import is_newer, order
from provisioning.models import Instance, OperationStatus, Release


def ways_back(instance: Instance) -> list[Release]:
    """The releases that it has had, are older, and run on its databases as they are; the newest first."""
    now = instance.release.app_version
    done = instance.operations.filter(status=OperationStatus.SUCCEEDED)
    had = {version for pair in done.values_list("previous__app_version", "wanted__app_version") for version in pair}
    older = [version for version in had if version and is_newer(now, version)]
    found = Release.objects.filter(app_version__in=older, chart__isnull=False).exclude(status=Release.Status.DRAFT)
    fitting = [release for release in found if not crosses_incompatible(release.app_version, now)]
    return sorted(fitting, key=lambda release: order(release.app_version), reverse=True)
