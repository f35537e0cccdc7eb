"""Compute Engine's shape: a thing has a name we chose, is inserted and deleted, and operations tell the rest."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from provisioning.clients.google import NotFound, api, execute, pages
from provisioning.clients.google.operations import Operation, failure_of, is_done
from provisioning.engine.action import AsWanted, Change, Context, Differs, Refused, Seen, UnderWay
from provisioning.steps import names
from provisioning.steps.differences import differences, labelled, refuse_fixed, touched
from provisioning.steps.google import GoogleAction, changed

DEEDS = {"insert": "make", "delete": "delete", "patch": "change", "setLabels": "label"}


class ComputeResource(GoogleAction):
    """Base of the actions on one named compute resource, global or regional.

    Compute has no "creating" state for most things, so its operations on the target are looked at first. An insert
    bears a request id that counts the inserts before it: the same after a crash, another one after a failure.
    """

    collection: ClassVar[str]
    argument: ClassVar[str]  # what the methods call its name
    name: ClassVar[str]
    is_regional: ClassVar[bool] = False
    changeable: ClassVar[frozenset[str]] = frozenset()  # of the body, what Google changes in place

    @abstractmethod
    def body(self, context: Context) -> dict[str, Any]:
        """What is wanted of it, without its name."""

    def named(self, context: Context) -> str:  # noqa: ARG002 - for those whose name follows the instance
        """What it is called."""
        return self.name

    def outputs(self, found: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - most put out nothing
        """What later steps need to know."""
        return {}

    def see(self, context: Context) -> Seen:
        if running := next((done for done in self._operations(context) if not is_done(done)), None):
            return UnderWay(f"Google to {DEEDS.get(running['operationType'], 'finish another change of')} it")
        found = self._found(context)
        if found.get("labels") and not names.is_ours(found["labels"], context.spec):
            raise Refused(
                f"There is a {self.argument} “{self.named(context)}” in the project without our labels.",
                "Find out who made it; remove it, then retry the step.",
            )
        if changes := self._changes(context, found):
            return Differs.in_settings(changes)
        return AsWanted(self.outputs(found))

    def create(self, context: Context) -> str:
        """Makes it, or changes one of its settings. Raises Refused when the insert of this very try failed for good."""
        try:
            found = self._found(context)
        except NotFound:
            return self._insert(context)
        changes = self._changes(context, found)
        if not changes:
            return "found it as wanted"
        refuse_fixed(f"The {self.argument}", changes, self.changeable, "Put it right by hand, or skip the step.")
        field = touched(changes)[0]
        asked = [change for change in changes if touched([change]) == [field]]
        return changed(context, self.change(context, found, field), asked, self._operation_in(context))

    def change(self, context: Context, found: dict[str, Any], field: str) -> Any:  # noqa: ARG002 - for subclasses
        """The request that makes one field, an outermost one of the body, as wanted."""
        return self.patch(context, {field: self.body(context)[field]})

    def patch(self, context: Context, body: dict[str, Any]) -> Any:
        return self._resources().patch(**self._place(context), **{self.argument: self.named(context)}, body=body)

    def set_labels(self, context: Context, found: dict[str, Any]) -> Any:
        """Compute takes labels of an address only so, after its insert, and all of them at once."""
        labels = labelled(found.get("labels"), context.spec.labels)
        body = {"labels": labels, "labelFingerprint": found.get("labelFingerprint", "")}
        return self._resources().setLabels(**self._place(context), resource=self.named(context), body=body)

    def resource(self, context: Context) -> str:
        place = f"regions/{context.spec.region}" if self.is_regional else "global"
        return names.project_resource(context.spec, "compute", f"{place}/{self._segment()}/{self.named(context)}")

    def remove(self, context: Context) -> str:
        execute(self._resources().delete(**self._place(context), **{self.argument: self.named(context)}))
        return f"asked for the deletion of the {self.argument}"

    def _insert(self, context: Context) -> str:
        inserts = [done for done in self._operations(context) if done["operationType"] == "insert"]
        if inserts and inserts[-1].get("clientOperationId") == self._request_id(context, len(inserts) - 1):
            failure = failure_of(inserts[-1])
            if isinstance(failure, Refused):
                raise failure
        request_id, body = self._request_id(context, len(inserts)), self._insert_body(context)
        execute(self._resources().insert(**self._place(context), body=body, requestId=request_id))
        return f"asked for the {self.argument}"

    def _insert_body(self, context: Context) -> dict[str, Any]:
        """An insert takes no labels."""
        unlabelled = {field: value for field, value in self.body(context).items() if field != "labels"}
        return {**unlabelled, "name": self.named(context)}

    def _found(self, context: Context) -> dict[str, Any]:
        return execute(self._resources().get(**self._place(context), **{self.argument: self.named(context)}))

    def _changes(self, context: Context, found: dict[str, Any]) -> list[Change]:
        return differences(self.body(context), found)

    def _operation_in(self, context: Context) -> Callable[[str], Any]:
        return lambda name: self._operations_api().get(**self._place(context), operation=name)

    def _operations_api(self) -> Any:
        compute = api("compute", "v1")
        return compute.regionOperations() if self.is_regional else compute.globalOperations()

    def _operations(self, context: Context) -> list[Operation]:
        """Those on this very thing, oldest first. A project of its own has few."""
        collection = self._operations_api()
        listing = pages(collection, collection.list(**self._place(context)))
        found = [operation for page in listing for operation in page.get("items", ())]
        suffix = f"/{self._segment()}/{self.named(context)}"
        return sorted((o for o in found if o["targetLink"].endswith(suffix)), key=lambda o: str(o["insertTime"]))

    def _request_id(self, context: Context, count: int) -> str:
        """Of the thing's own, since a step may make several: Google takes an id that it has seen for the same call."""
        return context.request_id(f"insert-{self.collection}/{self.named(context)}-{count}")

    def _segment(self) -> str:
        return "addresses" if self.collection == "globalAddresses" else self.collection

    def _resources(self) -> Any:
        return getattr(api("compute", "v1"), self.collection)()

    def _place(self, context: Context) -> dict[str, str]:
        place = {"project": context.spec.id}
        return {**place, "region": context.spec.region} if self.is_regional else place
