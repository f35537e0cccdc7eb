from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Money"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.db.models.signals import post_save

        from billing.services import seats, sla, telling, trial_mail, trials, waiting_list
        from billing.services.prices import size_saved
        from billing.services.shipped import catalogue_was_loaded
        from billing.services.upkeep import domain_seen, operation_ended
        from provisioning.signals import catalogue_loaded, custom_domain_seen, operation_finished

        telling.register()
        trial_mail.register()
        seats.register()
        sla.register()
        post_save.connect(size_saved, sender="provisioning.Size", dispatch_uid=size_saved.__module__)
        catalogue_loaded.connect(catalogue_was_loaded, dispatch_uid=catalogue_was_loaded.__module__)
        operation_finished.connect(operation_ended, dispatch_uid=operation_ended.__module__)
        custom_domain_seen.connect(domain_seen, dispatch_uid=domain_seen.__module__)
        catalogue_loaded.connect(trials.policy_was_wanted, dispatch_uid=trials.__name__)
        operation_finished.connect(waiting_list.operation_ended, dispatch_uid=waiting_list.__name__)
