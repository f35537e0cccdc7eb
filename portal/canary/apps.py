from django.apps import AppConfig


class CanaryConfig(AppConfig):
    name = "portal.canary"
    label = "canary"
    verbose_name = "Canary"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from portal.canary import measures  # noqa: F401 - its measures are registered
        from portal.canary.services import letter_taken
        from portal.core.mail import mail_taken

        mail_taken.connect(letter_taken, dispatch_uid=letter_taken.__module__)
