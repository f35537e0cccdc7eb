"""Where all mail ends: an SMTP server that accepts everything and sends nothing on."""

from dataclasses import asdict, dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

from devcloud import clock
from devcloud.store import Store

_COLLECTION = "mail"
_KEPT = 500


@dataclass(frozen=True)
class Letter:
    """One mail as it came. `text` and `html` are its parts, decoded; either may be empty."""

    id: int
    sender: str
    recipients: list[str]
    subject: str
    text: str
    html: str
    received_at: float
    message_id: str = ""


class Mailbox:
    """Keeps the last few hundred letters; an aiosmtpd handler."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        self._keep(envelope, message_from_bytes(raw, policy=policy.default))
        return "250 Message accepted for delivery"

    def letters(self, recipient: str = "") -> list[Letter]:
        """Those to this address, or all; the newest first."""
        found = [Letter(**document) for _key, document in self._store.items(_COLLECTION)][::-1]
        return [letter for letter in found if not recipient or recipient.lower() in letter.recipients]

    def letter(self, letter_id: int) -> Letter | None:
        document = self._store.get(_COLLECTION, _key(letter_id))
        return Letter(**document) if document else None

    def empty(self) -> None:
        """No letter is left."""
        for key, _document in self._store.items(_COLLECTION):
            self._store.delete(_COLLECTION, key)

    def _keep(self, envelope: Envelope, message: EmailMessage) -> None:
        kept = self._store.items(_COLLECTION)
        letter_id = kept[-1][1]["id"] + 1 if kept else 1
        letter = Letter(
            id=letter_id,
            sender=str(message["From"] or envelope.mail_from or ""),
            recipients=[address.lower() for address in envelope.rcpt_tos],
            subject=str(message["Subject"] or ""),
            text=_part(message, "plain"),
            html=_part(message, "html"),
            received_at=clock.now(),
            message_id=str(message["Message-ID"] or ""),
        )
        self._store.put(_COLLECTION, _key(letter_id), asdict(letter))
        for key, _document in kept[: max(len(kept) - _KEPT + 1, 0)]:
            self._store.delete(_COLLECTION, key)


def _key(letter_id: int) -> str:
    return f"{letter_id:08}"


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
