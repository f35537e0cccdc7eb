"""What a customer's program is told of an operation. Errors in full are for our admins alone: they name our cloud."""

from provisioning.models import Operation, OperationStatus, StepStatus
from provisioning.selectors import Effect, PlanLine

OPERATION_ERRORS = {
    OperationStatus.FAILED: "It stopped at a step that did not work out. Our operators see it and carry on from there.",
    OperationStatus.STUCK: "It stopped half-way while it was taken back. Our operators see it and sort it out.",
}
UNCLEAR = "It could not be looked at just now."
STEP_ERROR = "It did not work out. Our operators see it."


def operation_error(operation: Operation) -> str:
    """A sentence for an operation that needs a person, empty for any other."""
    return OPERATION_ERRORS.get(OperationStatus(operation.status), "")


def plan_sentence(line: PlanLine) -> str:
    """What was seen of an object, without the words of an error."""
    return UNCLEAR if line.effect is Effect.UNCLEAR else line.sentence


def step_error(status: str) -> str:
    return STEP_ERROR if status == StepStatus.FAILED else ""
