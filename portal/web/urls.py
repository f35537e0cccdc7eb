from django.urls import path, re_path

from portal.web.desk import views as desk
from portal.web.views import (
    access_requests,
    account,
    auditing,
    calendars,
    certificates,
    closing,
    exports,
    features,
    health,
    home,
    instances,
    operations,
    organizations,
    pings,
    plans,
    stripe,
    styleguide,
    subscriptions,
    tokens,
    trials,
    updates,
)

urlpatterns = [
    path("desk/", desk.today, name="desk_today"),
    path("desk/customers/", desk.customer_list, name="desk_customers"),
    path("desk/customers/<str:organization_id>/", desk.customer, name="desk_customer"),
    path("desk/waiting/", desk.waiting, name="desk_waiting"),
    path("desk/<slug:kind>/<str:target_id>/<slug:name>/", desk.act, name="desk_act"),
    path("stripe/events/", stripe.events, name="stripe_events"),
    path("pings/usage", pings.usage, name="usage_ping"),
    path("", home.home, name="home"),
    path("status/", health.status, name="status"),
    path("welcome/", home.landing, name="landing"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("account/", account.account, name="account"),
    path("account/close/", closing.account_close_page, name="account_close"),
    path("calendar/<str:token>.ics", calendars.calendar_feed, name="calendar"),
    path("organization/new/", organizations.organization_new, name="organization_new"),
    path("organization/", organizations.organization_settings, name="organization_settings"),
    path("organization/audit/", auditing.organization_audit, name="organization_audit"),
    re_path(
        r"^organization/audit/audit\.(?P<file_format>csv|jsonl)$",
        auditing.organization_audit_export,
        name="organization_audit_export",
    ),
    path("organization/members/", organizations.members, name="members"),
    path("organization/tokens/", tokens.tokens, name="tokens"),
    path("organization/tokens/<int:token_id>/revoke/", tokens.token_revoke_page, name="token_revoke"),
    path("instances/", home.instance_list, name="instance_list"),
    path("instances/rows/", home.instance_list_fragment, name="instance_list_fragment"),
    path("instances/new/", instances.instance_new, name="instance_new"),
    path("instances/new/name/", instances.instance_name_check, name="instance_name_check"),
    path("instances/waiting/withdraw/", trials.trial_withdraw_page, name="trial_withdraw"),
    path("instances/<str:instance_id>/", instances.instance_detail, name="instance_detail"),
    path("instances/<str:instance_id>/health/", health.instance_health, name="instance_health"),
    path("instances/<str:instance_id>/exports/", exports.instance_exports, name="instance_exports"),
    path("instances/<str:instance_id>/exports/<str:key>/<slug:database>/", exports.export_file, name="export_file"),
    path("instances/<str:instance_id>/access/", access_requests.instance_access, name="instance_access"),
    path(
        "instances/<str:instance_id>/access/<int:access_id>/<slug:deed>/",
        access_requests.access_answer,
        name="access_answer",
    ),
    path("instances/<str:instance_id>/updates/", updates.instance_updates, name="instance_updates"),
    path("instances/<str:instance_id>/updates/calendar/", updates.calendar_renew_page, name="calendar_renew"),
    path(
        "instances/<str:instance_id>/updates/<int:member_id>/postpone/",
        updates.update_postpone,
        name="update_postpone",
    ),
    path("instances/<str:instance_id>/features/", features.instance_features, name="instance_features"),
    path("instances/<str:instance_id>/features/<slug:name>/", features.instance_feature, name="instance_feature"),
    path("instances/<str:instance_id>/features/<slug:name>/look/", features.feature_look, name="feature_look"),
    path(
        "instances/<str:instance_id>/subscription/", subscriptions.instance_subscription, name="instance_subscription"
    ),
    path(
        "instances/<str:instance_id>/subscription/quote/", subscriptions.subscription_quote, name="subscription_quote"
    ),
    path(
        "instances/<str:instance_id>/subscription/seats/", subscriptions.subscription_seats, name="subscription_seats"
    ),
    path("instances/<str:instance_id>/subscription/plan/", subscriptions.subscription_plan, name="subscription_plan"),
    path("instances/<str:instance_id>/subscription/end/", subscriptions.subscription_end_page, name="subscription_end"),
    path(
        "instances/<str:instance_id>/subscription/go-on/",
        subscriptions.subscription_go_on_page,
        name="subscription_go_on",
    ),
    path("instances/<str:instance_id>/subscription/payment/", subscriptions.payment_page, name="payment_page"),
    path("instances/<str:instance_id>/delete/", instances.instance_delete_page, name="instance_delete"),
    path("instances/<str:instance_id>/delete/plan/", plans.deletion_plan_request, name="deletion_plan_request"),
    path("instances/<str:instance_id>/delete/plan/<str:survey_id>/", plans.deletion_plan, name="deletion_plan"),
    path("instances/<str:instance_id>/certificate/", certificates.certificate, name="certificate"),
    path(
        "instances/<str:instance_id>/certificate.json", certificates.certificate_download, name="certificate_download"
    ),
    path(
        "instances/<str:instance_id>/operations/<str:operation_id>/",
        operations.operation_detail,
        name="operation_detail",
    ),
    path(
        "instances/<str:instance_id>/operations/<str:operation_id>/progress/",
        operations.operation_fragment,
        name="operation_fragment",
    ),
    path(
        "instances/<str:instance_id>/operations/<str:operation_id>/summary/",
        operations.operation_summary,
        name="operation_summary",
    ),
]
