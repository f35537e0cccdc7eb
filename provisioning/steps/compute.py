"""Compute Engine's shape: a thing has a name we chose, is inserted and deleted, and operations tell the rest."""

from typing import Any, ClassVar

from provisioning.clients.google import api, execute, pages
from provisioning.clients.google.operations import Operation, failure_of, is_done
from provisioning.engine.action import AsWanted, Context, Refused, Seen, UnderWay
from provisioning.steps import names
from provisioning.steps.google import GoogleAction

DEEDS = {"insert": "make", "delete": "delete", "patch": "change"}


class ComputeResource(GoogleAction):
    """Base of the actions on one named compute resource, global or regional.

    Compute has no "creating" state for most things, so its operations on the target are looked at first. An insert
    bears a request id that counts the inserts before it: the same after a crash, another one after a failure.
    """

    collection: ClassVar[str]
    argument: ClassVar[str]  # what the methods call its name
    name: ClassVar[str]
    is_regional: ClassVar[bool] = False

    def body(self, context: Context) -> dict[str, Any]:
        """What to insert, without its name."""
        raise NotImplementedError

    def outputs(self, found: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - most put out nothing
        """What later steps need to know."""
        return {}

    def see(self, context: Context) -> Seen:
        if running := next((done for done in self._operations(context) if not is_done(done)), None):
            return UnderWay(f"Google to {DEEDS.get(running['operationType'], 'finish another change of')} it")
        found = execute(self._resources().get(**self._place(context), **{self.argument: self.name}))
        if "labels" in found and not names.is_ours(found["labels"], context.spec):
            raise Refused(
                f"There is a {self.argument} “{self.name}” in the project without our labels.",
                "Find out who made it; remove it, then retry the step.",
            )
        return AsWanted(self.outputs(found))

    def create(self, context: Context) -> str:
        """Raises Refused when the insert of this very try has failed for good."""
        inserts = [done for done in self._operations(context) if done["operationType"] == "insert"]
        if inserts and inserts[-1].get("clientOperationId") == _request_id(context, len(inserts) - 1):
            failure = failure_of(inserts[-1])
            if isinstance(failure, Refused):
                raise failure
        body = {**self.body(context), "name": self.name}
        request_id = _request_id(context, len(inserts))
        execute(self._resources().insert(**self._place(context), body=body, requestId=request_id))
        return f"asked for the {self.argument}"

    def remove(self, context: Context) -> str:
        execute(self._resources().delete(**self._place(context), **{self.argument: self.name}))
        return f"asked for the deletion of the {self.argument}"

    def _operations(self, context: Context) -> list[Operation]:
        """Those on this very thing, oldest first. A project of its own has few."""
        compute = api("compute", "v1")
        collection = compute.regionOperations() if self.is_regional else compute.globalOperations()
        listing = pages(collection, collection.list(**self._place(context)))
        found = [operation for page in listing for operation in page.get("items", ())]
        suffix = f"/{self._segment()}/{self.name}"
        return sorted((o for o in found if o["targetLink"].endswith(suffix)), key=lambda o: str(o["insertTime"]))

    def _segment(self) -> str:
        return "addresses" if self.collection == "globalAddresses" else self.collection

    def _resources(self) -> Any:
        return getattr(api("compute", "v1"), self.collection)()

    def _place(self, context: Context) -> dict[str, str]:
        place = {"project": context.spec.id}
        return {**place, "region": context.spec.region} if self.is_regional else place


def _request_id(context: Context, count: int) -> str:
    return context.request_id(f"insert-{count}")
