"""A letter by SMTP: plain text, the same Message-ID at every try, the visit as a calendar file beside it."""

from __future__ import annotations

import smtplib
from dataclasses import dataclass

from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from yba.care.messages.port import Failed, Parcel, Refused, Sent


@dataclass(frozen=True, slots=True)
class MailGateway:
    """The operator's mail server. ``sender``: the address letters come from."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = ""
    starttls: bool = True
    tls: bool = False
    price: int = 0

    def send(self, parcel: Parcel) -> Sent:
        """One letter to one address; the server's "never" (5xx for that address) is told apart from "not now"."""
        domain = self.sender.rpartition("@")[2]
        number = f"<{parcel.id}@{domain}>"
        letter = EmailMessage(
            parcel.title, parcel.text, self.sender, [parcel.to],
            headers={"Message-ID": number, "Auto-Submitted": "auto-generated", "Content-Language": parcel.language},
        )  # fmt: skip
        if parcel.calendar:
            letter.attach("luot-hen.ics", parcel.calendar.decode(), "text/calendar")
        try:
            self._server().send_messages([letter])
        except smtplib.SMTPRecipientsRefused as problem:
            code, words = next(iter(problem.recipients.values()))
            said = f"{code} {words.decode(errors='replace') if isinstance(words, bytes) else words}"
            raise (Refused if code >= 500 else Failed)(said) from None
        except smtplib.SMTPResponseException as problem:
            raise Failed(f"{problem.smtp_code} {problem.smtp_error!r}") from None
        except (OSError, smtplib.SMTPException) as problem:
            raise Failed(f"no answer: {type(problem).__name__}") from None
        return Sent(provider_id=number)

    def _server(self) -> EmailBackend:
        return EmailBackend(
            self.host, self.port, self.user, self.password, use_tls=self.starttls and not self.tls,
            use_ssl=self.tls, timeout=20,
        )  # fmt: skip
