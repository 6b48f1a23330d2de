"""What happens in a conversation: begun, written in, read, handed over, closed, an attachment taken down.

Each is written by a rule of the house, audited with who set it going, after the door let that one read the thread; all
of it in one transaction under the thread's lock.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from django.utils.translation import gettext_lazy as _

from yba.areas.telehealth.chat import marking, queries, rules, threads
from yba.areas.telehealth.chat.queries import Matter
from yba.areas.telehealth.chat.threads import DEED, HANDED, MESSAGE, ONCE, TAKEN_DOWN, THREAD, URGENT, Thread
from yba.care import messages, people
from yba.care.identifiers import FACILITY_TAG
from yba.care.line.transaction import whole
from yba.care.refusal import Refusal, refuse
from yba.care.remote.alarms import alarms_in
from yba.care.uploads import Accepted
from yba.fhir.access import Actor
from yba.fhir.access.seeing import Seen, rows_seen
from yba.fhir.errors import Gone, NotFound
from yba.fhir.model import references
from yba.fhir.model.references import reference
from yba.fhir.r4.binary import Binary
from yba.fhir.r4.communication import Communication, CommunicationPayload
from yba.fhir.r4.datatypes import Attachment, CodeableConcept, Coding, Extension, Identifier, Meta, Reference
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.ui.live import changed
from yba.ui.words import local_day

#: Of the bytes of an attachment: that the chat keeps them (`guards`).
FILE = "chat-file"
Side = Literal["person", "staff"]
#: What a deed of the team says in the record, whatever the language of who did it; pages say it in the reader's.
_SAID: Final = {
    "invited": "Nên gặp để khám. Chọn giờ khám bằng nút Đặt lịch khám.",
    "closed": "Cuộc trò chuyện đã kết thúc. Viết tiếp ở đây khi cần hỏi thêm.",
    "handed-over": "{by} chuyển cuộc trò chuyện cho {to}.",
}


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: the person's side or the team's, as the record names them."""

    side: Side
    who: Reference


def writer_of(record: Record) -> Writer:
    """The one who is signed in. Raises NotFound for a citizen without a person of their own."""
    actor = record.actor
    if actor.role == "citizen":
        if not actor.person:
            raise NotFound("chat.nobody", "This account is nobody's.")
        return Writer("person", reference("Patient", actor.person, display=actor.name or None))
    if actor.practitioner:
        return Writer("staff", reference("Practitioner", actor.practitioner, display=actor.name or None))
    return Writer("staff", reference("Organization", actor.facility, display=actor.name or None))


@contextmanager
def held(system: Record, thread_id: str) -> Iterator[Communication]:
    """The thread, its row locked, in one transaction; open pages and lists look again after it."""
    with whole():
        found = system.lock(Communication, thread_id)
        yield found
        tell(found)


def tell(found: Communication) -> None:
    """Open pages of a conversation and lists it stands in look again."""
    thread = threads.thread_of(found)
    assert thread is not None
    changed(f"chat:{thread.id}")
    changed(f"chats:{thread.facility}")
    changed(f"chats-of:{thread.patient}")


# -- beginning and writing ---------------------------------------------------------------------------------


def start(
    record: Record, matter: Matter, *, text: str, files: Sequence[Accepted], once: str
) -> str | Refusal:
    """Write the first message about something; where a conversation about it is open, into that. Its id."""
    refusal = rules.saying(text, len(files))
    if refusal is not None:
        return refusal
    system, by = record.as_system(), writer_of(record)
    with whole():
        system.lock(matter.type, matter.id)  # two first messages meet here
        known = queries.thread_about(system, matter)
        if known is None:
            if by.side == "person" and not queries.answerable(system, matter):
                return rules.unanswerable()
            known = threads.thread_of(system.create(_begun(system, matter, by)))
        assert known is not None
        return say(record, known.id, text=text, files=files, once=once)


def _begun(system: Record, matter: Matter, by: Writer) -> Communication:
    to = [reference("Organization", matter.facility)]
    if matter.doctor:
        to.insert(0, reference("Practitioner", matter.doctor, display=matter.doctor_name or None))
    return Communication(
        meta=Meta(tag=[Coding(system=FACILITY_TAG, code=matter.facility)], security=matter.labels),
        status="on-hold",
        category=threads.categories(THREAD),
        subject=reference("Patient", matter.patient, display=matter.patient_name or None),
        topic=CodeableConcept(text=matter.topic) if matter.topic else None,
        about=[reference(matter.type, matter.id)],
        encounter=reference("Encounter", matter.id) if matter.type == "Encounter" else None,
        sender=by.who,
        recipient=to,
        sent=threads.instant(system.clock()),
    )


def say(
    record: Record,
    thread_id: str,
    *,
    text: str,
    files: Sequence[Accepted] = (),
    once: str = "",
    deed: str = "",
) -> str | Refusal:
    """Write a message into a conversation the caller has read through the door. Again with the same form: nothing.

    Gives the conversation's id.
    """
    refusal = rules.saying(text, len(files))
    if refusal is not None:
        return refusal
    system, by = record.as_system(), writer_of(record)
    with held(system, thread_id) as found:
        thread = threads.thread_of(found)
        assert thread is not None
        once = _once(once, thread_id, text, files)
        if queries.said_once(system, once, ONCE) is not None:
            return thread_id
        if by.side == "person" and not queries.answerable(system, thread):
            return rules.unanswerable()
        unseen = by.side == "staff" and thread.unread_for(by.who.reference or "")
        alarms = alarms_in(text) if by.side == "person" else ()
        made = _written(system, found, by, text, files, once=once, deed=deed, urgent=bool(alarms))
        if by.side == "staff" and not thread.unread_for_person():
            _write_to_person(system, found, made)
        _turn(found, by, system.clock(), urgent=bool(alarms), unseen=unseen)
        system.update(found)
    return thread_id


def _once(once: str, thread_id: str, text: str, files: Sequence[Accepted]) -> str:
    """The key of this message: a page the browser kept sends its old key with new words, and they are no double."""
    if not once:
        return ""
    said = hashlib.sha256("\0".join([thread_id, text.strip()]).encode())
    for one in files:
        said.update(hashlib.sha256(one.content).digest())
    return f"{once}.{said.hexdigest()[:16]}"


def _written(
    system: Record, thread: Communication, by: Writer, text: str, files: Sequence[Accepted] = (), *, once: str = "",
    deed: str = "", urgent: bool = False, to: Sequence[Reference] = (),
) -> Communication:  # fmt: skip
    now = threads.instant(system.clock())
    assert thread.subject is not None
    labels = marking.together(
        _labels_of(thread), marking.of_text(text, minor=_is_minor(system, thread.subject))
    )
    facility = (threads.thread_of(thread) or _no_thread()).facility
    payload = [CommunicationPayload(contentString=text.strip())] if text.strip() else []
    for one in files:
        kept = system.create(_binary(one, thread.subject, facility, labels))
        payload.append(CommunicationPayload(contentAttachment=_attachment(one, kept.id or "", now)))
    return system.create(
        Communication(
            meta=Meta(tag=[Coding(system=FACILITY_TAG, code=facility)], security=labels),
            identifier=[Identifier(system=ONCE, value=once)] if once else [],
            status="completed",
            category=threads.categories(MESSAGE, *([URGENT] if urgent else [])),
            priority="stat" if urgent else None,
            partOf=[reference("Communication", thread.id)],
            subject=thread.subject,
            encounter=thread.encounter,
            sender=by.who,
            recipient=list(thread.recipient) if by.side == "person" else [thread.subject, *to],
            sent=now,
            payload=payload,
            extension=[Extension(url=DEED, valueCode=deed)] if deed else [],
        )
    )


def _no_thread() -> Thread:
    raise NotFound("chat.none", "There is no such conversation.")


def _labels_of(found: Communication) -> list[Coding]:
    return list(found.meta.security) if found.meta is not None else []


def _is_minor(system: Record, subject: Reference) -> bool:
    target = references.target(subject)
    if target is None:
        return False
    return queries.is_minor(system.read(Patient, target[1]), local_day(system.clock()))


def _binary(one: Accepted, subject: Reference, facility: str, labels: list[Coding]) -> Binary:
    tags = [Coding(system=FACILITY_TAG, code=facility), Coding(system=threads.CATEGORY, code=FILE)]
    return Binary(
        meta=Meta(tag=tags, security=labels),
        contentType=one.kind,
        securityContext=Reference(reference=subject.reference),
        data=base64.b64encode(one.content).decode(),
    )


def _attachment(one: Accepted, binary: str, now: str) -> Attachment:
    digest = hashlib.sha1(one.content, usedforsecurity=False).digest()  # FHIR R4: Attachment.hash is SHA-1
    return Attachment(
        contentType=one.kind, url=f"Binary/{binary}", size=len(one.content), title=one.name, creation=now,
        hash=base64.b64encode(digest).decode(),
    )  # fmt: skip


def _turn(found: Communication, by: Writer, now: datetime, *, urgent: bool, unseen: bool) -> None:
    """Whose turn it is now, since when, and that who writes has read.

    ``unseen``: the person wrote after this answerer's page was drawn, or what they may not read; that waits on.
    """
    was_waiting = found.status == threads.WAITING
    waits = unseen and was_waiting
    if not waits:
        found.status = threads.status_after(by.side)
    if not (was_waiting and (waits or by.side == "person")):
        found.sent = threads.instant(now)
    still = (waits or by.side == "person") and URGENT in threads.codes_of(found)
    found.category = threads.categories(THREAD, *([URGENT] if urgent or still else []))
    threads.write_last(found, by.side, now)
    if not waits:
        threads.write_read(found, by.who, now)
    named = any((references.target(one) or ("",))[0] == "Practitioner" for one in found.recipient)
    if by.side == "staff" and not named and (references.target(by.who) or ("",))[0] == "Practitioner":
        found.recipient = [by.who, *found.recipient]


def _write_to_person(system: Record, thread: Communication, made: Communication) -> None:
    """Tell who asked on the person's side that there is an answer, and nothing of what it says."""
    who = _who_waits(system, thread)
    if who is None:
        return
    try:
        phone = people.phone_of(system.read(Patient, who))
    except (NotFound, Gone):
        return
    found = threads.thread_of(thread)
    name = queries.facility_name(system, found.facility)[0] if found else ""
    if phone:
        key = f"chat:{thread.id}:{made.id}"
        values = {"facility": name or "Y Ba"}
        messages.write("chat.answered", phone, values, dedupe_key=key, now=system.clock())


def _who_waits(system: Record, thread: Communication) -> str | None:
    """Whoever began for the person while they may still read it; else the person."""
    subject, begun = references.target(thread.subject), references.target(thread.sender)
    if subject is None or begun is None or begun[0] != "Patient" or begun == subject:
        return subject[1] if subject is not None else None
    reader = Actor(user="", role="citizen", person=begun[1])
    seen = rows_seen(system.connection, [reader], subject[1], now=system.clock(), kinds=["Communication"])
    return begun[1] if any(one.id == thread.id for one in seen) else subject[1]


def mark_read(record: Record, thread: Thread) -> None:
    """Note that who is signed in has read what the other side wrote; nothing where there is nothing new."""
    by = writer_of(record)
    if not thread.unread_for(by.who.reference or ""):
        return
    system = record.as_system()
    with held(system, thread.id) as found:
        threads.write_read(found, by.who, system.clock())
        system.update(found)


# -- deeds of the team -------------------------------------------------------------------------------------


def invite(record: Record, thread: Thread, *, once: str) -> None:
    """Ask the person to book a visit."""
    say(record, thread.id, text=_SAID["invited"], once=once, deed="invited")


def hand_over(record: Record, thread: Thread, *, to: str, why: str) -> Refusal | None:
    """Let another of the facility answer from now on; the person reads who."""
    names = dict(queries.colleagues(record, thread.facility))
    if to not in names or to == thread.doctor:
        return refuse("chat.colleague", _("Chọn một người khác đang làm việc ở cơ sở này."))
    if not why.strip():
        return refuse("chat.why", _("Ghi lý do chuyển để người nhận biết việc cần làm."))
    if not _may_read_all(record, thread, to):
        return refuse(
            "chat.hidden",
            _(
                "Người này không được xem một số tin trong hội thoại (thông tin cần giữ kín). Chọn người đang điều trị."
            ),
        )
    system, by = record.as_system(), writer_of(record)
    name = names[to].split(",")[0]
    with held(system, thread.id) as found:
        now = system.clock()
        parts = [
            Extension(url="from", valueReference=by.who),
            Extension(url="to", valueReference=reference("Practitioner", to, display=name)),
            Extension(url="at", valueInstant=threads.instant(now)),
            Extension(url="why", valueString=why.strip()[: rules.LONGEST_REASON]),
        ]
        found.extension = [*found.extension, Extension(url=HANDED, extension=parts)]
        others = [one for one in found.recipient if (references.target(one) or ("",))[0] != "Practitioner"]
        found.recipient = [reference("Practitioner", to, display=name), *others]
        system.update(found)
        text = _SAID["handed-over"].format(by=record.actor.name, to=name)
        _written(
            system, found, by, text, deed="handed-over", to=[reference("Practitioner", to, display=name)]
        )
    return None


def _may_read_all(record: Record, thread: Thread, practitioner: str) -> bool:
    """Whether a colleague may read every message the caller may read."""
    system, now = record.as_system(), record.clock()
    other = Actor(user="", role="doctor", facility=thread.facility, practitioner=practitioner)
    seen = rows_seen(record.connection, [other], thread.patient, now=now, kinds=["Communication"])
    ids = {one.id for one in seen if isinstance(one, Seen)}
    said = system.find(Communication, ("part-of", f"Communication/{thread.id}"))
    return thread.id in ids and all(one.id in ids for one in said)


def close(record: Record, thread: Thread) -> Refusal | None:
    """End a conversation; the person may write again while the facility treats them, and it is open again.

    What they wrote after the page was drawn, or what this one may not read, is not closed away.
    """
    system, by = record.as_system(), writer_of(record)
    with held(system, thread.id) as found:
        if found.status == threads.CLOSED:
            return None
        now_said = threads.thread_of(found) or _no_thread()
        if found.status == threads.WAITING and now_said.unread_for(by.who.reference or ""):
            return refuse("chat.unread", _("Người bệnh còn tin chờ người điều trị đọc. Chưa kết thúc được."))
        _written(system, found, by, _SAID["closed"], deed="closed")
        found.status = "completed"
        found.category = threads.categories(THREAD)
        found.sent = threads.instant(system.clock())
        system.update(found)
    return None


def take_down(record: Record, thread: Thread, *, message: str, number: int, why: str) -> Refusal | None:
    """Take an attachment out of a conversation for everybody; its bytes are kept where only an audit finds them.

    They lose the person whose chart they were in: nobody who treats and not the person reads them any more, in any
    version; the facility's records office does.
    """
    if not why.strip():
        return refuse("chat.why", _("Ghi lý do gỡ tệp."))
    queries.message_of(record, thread.id, message)
    system, by = record.as_system(), writer_of(record)
    with held(system, thread.id):
        found = system.lock(Communication, message)
        files = threads.attachments(found)
        if not 0 <= number < len(files):
            raise NotFound("chat.no-file", "There is no such file.")
        one = files[number]
        target = references.parse(one.url or "")
        if target is None or target.type != "Binary":
            return refuse("chat.down", _("Tệp này đã được gỡ."))
        binary = system.lock(Binary, target.id)
        binary.securityContext = None
        system.update(binary)
        parts = [
            Extension(url="by", valueReference=by.who),
            Extension(url="at", valueInstant=threads.instant(system.clock())),
            Extension(url="why", valueString=why.strip()[: rules.LONGEST_REASON]),
            Extension(url="kept", valueReference=reference("Binary", target.id)),
        ]
        one.extension = [*one.extension, Extension(url=TAKEN_DOWN, extension=parts)]
        one.url, one.title, one.hash = None, None, None
        system.update(found)
    return None
