from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "portal.core"
    label = "core"
    verbose_name = "Customers and people"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from portal.core.rights import ensure_groups

        post_migrate.connect(ensure_groups, sender=self, dispatch_uid=ensure_groups.__module__)
