from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "portal.web"
    label = "web"
    verbose_name = "Pages"

    def ready(self) -> None:
        from portal.web import account_mail, instance_mail, masking

        account_mail.register()
        instance_mail.register()
        masking.mask_requests()
