from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "portal.core"
    label = "core"
    verbose_name = "Customers and people"
    default_auto_field = "django.db.models.BigAutoField"
