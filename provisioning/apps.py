from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    name = "provisioning"
    verbose_name = "Fleet"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        import provisioning.workflows  # noqa: F401 - registers the kinds of operations
        from provisioning import access_mail
        from provisioning.health.rules import rules_ensure
        from provisioning.services.legs import go_on
        from provisioning.services.notices import register_mails
        from provisioning.services.rehearsals import rehearsal_ended
        from provisioning.services.rollouts import member_ended
        from provisioning.services.rounds import change_ended
        from provisioning.signals import operation_finished

        post_migrate.connect(rules_ensure, sender=self, dispatch_uid=rules_ensure.__module__)
        register_mails()
        access_mail.register_mails()
        # In this order: whoever looks where an instance has come to must see the next leg of its way.
        for receiver in (go_on, member_ended, rehearsal_ended, change_ended):
            operation_finished.connect(receiver, dispatch_uid=receiver.__module__)
