from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    name = "provisioning"
    verbose_name = "Fleet"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import provisioning.workflows  # noqa: F401 - registers the kinds of operations
        from provisioning.services.legs import go_on
        from provisioning.services.rehearsals import rehearsal_ended
        from provisioning.services.rollouts import member_ended
        from provisioning.signals import operation_finished

        # In this order: whoever looks where an instance has come to must see the next leg of its way.
        for receiver in (go_on, member_ended, rehearsal_ended):
            operation_finished.connect(receiver, dispatch_uid=receiver.__module__)
