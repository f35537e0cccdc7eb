"""A name of the customer's own on the feature's page: the record to set, what was seen of it, and what to do."""

from dataclasses import dataclass
from typing import Final

from billing.selectors.entitlements import Held, Stands
from provisioning.fleet.details import CUSTOM_NAME
from provisioning.models import CustomDomain, Instance
from provisioning.selectors.domains import domain_of

State = CustomDomain.State
RELEASED: Final = "This name is not kept for you any more. Change it, or write to us if it is yours."
# What was seen, and what to do about it. `name` leads to `target` once all is right; `found` is where it leads now.
SENTENCES: Final = {
    State.UNSEEN: "We look it up within seconds.",
    State.HERE: "{name} leads to your instance.",
    State.ABSENT: "There is no record of {name} yet. Until everybody sees a new one may take some minutes; where there "
    "was another before, an hour or more.",
    State.ELSEWHERE: "{name} leads to {found}. Put the record above in its place, and remove other records of that "
    "name: Google issues a certificate only where it leads to the instance alone.",
    State.FAILING: "The name servers of {name} do not answer as they should{about}. Ask whoever runs your DNS.",
    State.FORBIDDEN: "{name} leads to your instance, but its CAA records let others issue certificates, not Google "
    '({found}). Add the record CAA 0 issue "pki.goog" there.',
}


@dataclass(frozen=True)
class Record:
    """`name` is to be an alias of `target`. `is_on`: the instance answers to it by now. `domain` is what was seen."""

    name: str
    target: str
    is_on: bool
    waits: bool
    domain: CustomDomain | None

    @property
    def state(self) -> str:
        return str(self.domain.state if self.domain else State.UNSEEN)

    @property
    def is_right(self) -> bool:
        return self.state == State.HERE

    @property
    def sentence(self) -> str:
        """What was seen the last time and what is to be done about it."""
        if self.domain is None:
            return RELEASED
        found = self.domain.found
        about = f" ({found})" if found else ""
        return SENTENCES[State(self.state)].format(name=self.name, found=found or "somewhere else", about=about)


def shown_record(instance: Instance, held: Held) -> Record | None:
    """The record of the name that its people have told for the feature; None where there is none."""
    name = held.told.get(CUSTOM_NAME, "")
    if CUSTOM_NAME not in held.asks or not name:
        return None
    is_on, domain = instance.custom_domain == name, domain_of(instance, name)
    return Record(name, instance.domain, is_on, held.stands is Stands.WAITING, domain)
