"""Projects, billing, liens, services and IAM, as Google's client sees them."""

import pytest

from tests.devcloud.google_client import BILLING_ACCOUNT, PROPAGATION_SECONDS, Place, refusal

COMPUTE = "compute.googleapis.com"


def enable(google, place, *names):
    services = [f"{name}.googleapis.com" for name in names]
    return google.api("serviceusage").services().batchEnable(parent=place.name, body={"serviceIds": services})


def account(google, place, account_id="robot-account"):
    accounts = google.api("iam").projects().serviceAccounts()
    return accounts.create(name=place.name, body={"accountId": account_id}).execute()["email"]


def policy(google, place):
    return google.api("cloudresourcemanager").projects().getIamPolicy(resource=place.name, body={}).execute()


def set_policy(google, place, policy):
    body = {"policy": policy}
    return google.api("cloudresourcemanager").projects().setIamPolicy(resource=place.name, body=body)


class TestProjects:
    def test_a_new_project_is_hidden_until_its_operation_is_done(self, google):
        projects = google.api("cloudresourcemanager").projects()
        project_id = google.new_id()
        operation = projects.create(body={"projectId": project_id}).execute()
        assert "done" not in operation
        assert refusal(projects.get(name=f"projects/{project_id}")).code == 403
        ended = Place(google, project_id, "").finish("cloudresourcemanager", operation)
        assert ended["response"]["projectId"] == project_id
        assert projects.get(name=ended["response"]["name"]).execute()["state"] == "ACTIVE"

    def test_an_id_that_is_taken_is_refused(self, google):
        place = google.bare_project()
        refused = refusal(google.api("cloudresourcemanager").projects().create(body={"projectId": place.id}))
        assert (refused.code, refused.status) == (409, "ALREADY_EXISTS")

    @pytest.mark.parametrize("project_id", ["short", "Capital-letters", "-starts-wrong", "ends-wrong-", "x" * 31])
    def test_a_malformed_id_is_refused(self, google, project_id):
        assert refusal(google.api("cloudresourcemanager").projects().create(body={"projectId": project_id})).code == 400

    def test_a_deleted_project_is_kept_for_a_while_and_its_id_never_comes_back(self, google):
        projects = google.api("cloudresourcemanager").projects()
        place = google.bare_project()
        place.run("cloudresourcemanager", projects.delete(name=place.name))
        assert projects.get(name=place.name).execute()["state"] == "DELETE_REQUESTED"
        assert refusal(projects.create(body={"projectId": place.id})).code == 409
        assert refusal(projects.delete(name=place.name)).status == "FAILED_PRECONDITION"

    def test_a_deleted_project_can_be_undeleted_but_its_billing_is_gone(self, google):
        projects = google.api("cloudresourcemanager").projects()
        place = google.project("iam")
        place.run("cloudresourcemanager", projects.delete(name=place.name))
        billing = google.api("cloudbilling").projects().getBillingInfo(name=place.name)
        assert refusal(billing).code == 403
        place.run("cloudresourcemanager", projects.undelete(name=place.name, body={}))
        assert not billing.execute()["billingEnabled"]

    def test_nothing_in_a_deleted_project_can_be_used(self, google):
        place = google.project("compute")
        place.run("cloudresourcemanager", google.api("cloudresourcemanager").projects().delete(name=place.name))
        assert refusal(google.api("compute").networks().list(project=place.id)).code == 403

    def test_a_lien_blocks_deletion_until_it_is_removed(self, google):
        api = google.api("cloudresourcemanager")
        place = google.bare_project()
        body = {
            "parent": place.name,
            "restrictions": ["resourcemanager.projects.delete"],
            "origin": "portal",
            "reason": "paid",
        }
        lien = api.liens().create(body=body).execute()
        assert api.liens().list(parent=place.name).execute()["liens"] == [lien]
        refused = refusal(api.projects().delete(name=place.name))
        assert refused.status == "FAILED_PRECONDITION"
        assert "lien" in refused.message
        api.liens().delete(name=lien["name"]).execute()
        assert "error" not in place.run("cloudresourcemanager", api.projects().delete(name=place.name))

    def test_projects_are_found_by_label(self, google):
        place = google.bare_project(labels={"instance": "src-found", "managed-by": "portal"})
        search = google.api("cloudresourcemanager").projects().search
        found = search(query="labels.instance:src-found labels.managed-by:portal").execute()["projects"]
        assert [project["projectId"] for project in found] == [place.id]
        assert search(query="labels.instance:src-lost").execute() == {}

    def test_lists_come_in_pages(self, google):
        for _ in range(3):
            google.bare_project(labels={"page": "one-of-three"})
        projects = google.api("cloudresourcemanager").projects()
        request = projects.search(query="labels.page:one-of-three", pageSize=2)
        sizes = []
        while request is not None:
            answer = request.execute()
            sizes.append(len(answer["projects"]))
            request = projects.search_next(request, answer)
        assert sizes == [2, 1]


class TestBilling:
    def test_only_an_account_that_exists_can_be_linked(self, google):
        place = google.bare_project()
        projects = google.api("cloudbilling").projects()
        body = {"billingAccountName": "billingAccounts/111111-111111-111111"}
        assert refusal(projects.updateBillingInfo(name=place.name, body=body)).code == 403
        google.link_billing(place)
        assert projects.getBillingInfo(name=place.name).execute()["billingAccountName"] == BILLING_ACCOUNT

    def test_services_that_cost_need_billing(self, google):
        place = google.bare_project()
        refused = refusal(enable(google, place, "iam", "compute"))
        assert (refused.status, refused.reason) == ("FAILED_PRECONDITION", "UREQ_PROJECT_BILLING_NOT_FOUND")
        assert "error" not in place.run("serviceusage", enable(google, place, "iam"))


class TestServices:
    def test_a_batch_of_more_than_20_is_refused(self, google):
        place = google.project("iam")
        assert refusal(enable(google, place, *(["iam"] * 21))).code == 400

    def test_a_service_that_nobody_publishes_is_refused(self, google):
        refused = refusal(enable(google, google.project("iam"), "teleportation"))
        assert refused.reason == "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED"

    def test_enabling_what_is_enabled_is_done_at_once_and_cannot_be_polled(self, google):
        place = google.project("iam")
        operation = enable(google, place, "iam").execute()
        assert operation["done"]
        assert refusal(google.api("serviceusage").operations().get(name=operation["name"])).code == 400

    def test_a_service_that_is_not_enabled_refuses_in_the_older_form(self, google):
        place = google.project("iam")
        refused = refusal(google.api("compute").networks().list(project=place.id))
        assert (refused.code, refused.reason) == (403, "accessNotConfigured")
        assert f"project {place.number} before or it is disabled" in refused.message

    def test_a_service_that_is_not_enabled_refuses_in_the_newer_form(self, google):
        place = google.project("iam")
        refused = refusal(google.api("secretmanager").projects().secrets().list(parent=place.name))
        assert (refused.code, refused.status, refused.reason) == (403, "PERMISSION_DENIED", "SERVICE_DISABLED")

    def test_a_service_just_enabled_still_refuses_for_a_while(self, google):
        place = google.project("iam")
        place.run("serviceusage", enable(google, place, "compute"))
        name = f"{place.name}/services/{COMPUTE}"
        assert google.api("serviceusage").services().get(name=name).execute()["state"] == "ENABLED"
        networks = google.api("compute").networks().list(project=place.id)
        assert refusal(networks).reason == "accessNotConfigured"
        google.devcloud.skip(PROPAGATION_SECONDS)
        assert "items" not in networks.execute()

    @pytest.mark.parametrize(
        ("services", "whose", "reason"),
        [(["sqladmin"], "nobodys-project", "forbidden"), (["iam"], "", "accessNotConfigured")],
    )
    def test_a_call_uses_nobodys_quota_but_its_callers(self, google, services, whose, reason):
        place, own = google.project("sqladmin"), google.project(*services)
        request = google.api("sqladmin").instances().list(project=place.id)
        request.headers["x-goog-user-project"] = whose or own.id
        refused = refusal(request)
        assert (refused.code, refused.reason) == (403, reason)
        request.headers["x-goog-user-project"] = place.id
        assert "items" not in request.execute()

    def test_enabled_services_are_listed_by_state(self, google):
        place = google.project("iam", "compute")
        listed = google.api("serviceusage").services().list(parent=place.name, filter="state:ENABLED").execute()
        names = {service["config"]["name"] for service in listed["services"]}
        assert names == {"iam.googleapis.com", COMPUTE}

    def test_a_disabled_service_is_off(self, google):
        place = google.project("iam", "compute")
        services = google.api("serviceusage").services()
        place.run("serviceusage", services.disable(name=f"{place.name}/services/{COMPUTE}", body={}))
        assert refusal(google.api("compute").networks().list(project=place.id)).reason == "accessNotConfigured"

    def test_a_service_agent_has_an_address(self, google):
        place = google.project("iam")
        services = google.api("serviceusage", "v1beta1").services()
        request = services.generateServiceIdentity(parent=f"{place.name}/services/container.googleapis.com")
        email = place.run("serviceusage", request)["response"]["email"]
        assert email == f"service-{place.number}@container-engine-robot.iam.gserviceaccount.com"

    def test_google_edits_the_policy_while_services_are_enabled(self, google):
        place = google.project("iam")
        before = policy(google, place)
        place.run("serviceusage", enable(google, place, "container"))
        refused = refusal(set_policy(google, place, before))
        assert (refused.code, refused.status) == (409, "ABORTED")
        roles = {binding["role"] for binding in policy(google, place)["bindings"]}
        assert "roles/container.serviceAgent" in roles


class TestAccess:
    def test_a_policy_written_meanwhile_is_not_overwritten(self, google):
        place = google.project("iam")
        mine, theirs = policy(google, place), policy(google, place)
        theirs["bindings"].append({"role": "roles/viewer", "members": ["user:ann@example.com"]})
        set_policy(google, place, theirs).execute()
        mine["bindings"].append({"role": "roles/viewer", "members": ["user:bob@example.com"]})
        assert refusal(set_policy(google, place, mine)).status == "ABORTED"
        assert policy(google, place)["bindings"] == theirs["bindings"]

    def test_a_new_service_account_cannot_be_granted_anything_for_a_while(self, google):
        place = google.project("iam")
        email = account(google, place)
        wanted = policy(google, place)
        wanted["bindings"].append({"role": "roles/viewer", "members": [f"serviceAccount:{email}"]})
        assert "does not exist" in refusal(set_policy(google, place, wanted)).message
        google.devcloud.skip(PROPAGATION_SECONDS)
        assert set_policy(google, place, wanted).execute()["bindings"] == wanted["bindings"]

    def test_a_new_service_accounts_own_policy_is_unknown_for_a_while(self, google):
        place = google.project("iam")
        resource = f"{place.name}/serviceAccounts/{account(google, place)}"
        request = google.api("iam").projects().serviceAccounts().getIamPolicy(resource=resource)
        assert refusal(request).code == 404
        google.devcloud.skip(PROPAGATION_SECONDS)
        assert request.execute()["etag"]

    def test_a_service_account_name_is_taken_once(self, google):
        place = google.project("iam")
        account(google, place)
        accounts = google.api("iam").projects().serviceAccounts()
        assert refusal(accounts.create(name=place.name, body={"accountId": "robot-account"})).code == 409
        assert refusal(accounts.create(name=place.name, body={"accountId": "tiny"})).code == 400

    @pytest.mark.parametrize("member", ["ann@example.com", "robot:ann", "serviceAccount:ghost@nowhere.example"])
    def test_a_member_that_does_not_exist_is_refused(self, google, member):
        place = google.project("iam")
        wanted = policy(google, place)
        wanted["bindings"].append({"role": "roles/viewer", "members": [member]})
        assert refusal(set_policy(google, place, wanted)).code == 400

    def test_workload_identity_has_no_pool_before_the_first_cluster(self, google):
        place = google.project("iam")
        wanted = policy(google, place)
        member = f"serviceAccount:{place.id}.svc.id.goog[sourcegraph/frontend]"
        wanted["bindings"].append({"role": "roles/viewer", "members": [member]})
        assert "Identity Pool does not exist" in refusal(set_policy(google, place, wanted)).message

    def test_an_access_token_lives_for_an_hour_at_most(self, google):
        place = google.project("iam")
        name = f"projects/-/serviceAccounts/{account(google, place)}"
        tokens = google.api("iamcredentials").projects().serviceAccounts()
        body = {"scope": ["https://www.googleapis.com/auth/cloud-platform"], "lifetime": "600s"}
        google.devcloud.skip(PROPAGATION_SECONDS)
        issued = tokens.generateAccessToken(name=name, body=body).execute()
        assert issued["accessToken"].startswith("ya29.")
        assert refusal(tokens.generateAccessToken(name=name, body={**body, "lifetime": "7200s"})).code == 400
        assert refusal(tokens.generateAccessToken(name=name, body={"lifetime": "600s"})).code == 400
