"""What is asked of a person, and what follows from the answer: connection, agreement, sitting."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError, InvalidScopeError

from yba.fhir.errors import RecordError
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.encounter import Encounter
from yba.fhir.record import Record
from yba.site.accounts import events, roles
from yba.site.accounts.models import Account
from yba.site.oauth import consents, identity, issuing, launching, scopes, subjects
from yba.site.oauth.models import App, Connection, Launch, Sitting

#: How long a person may give an app lasting access for, in days; the first is what is offered.
DAYS: Final = (30, 90, 365)
#: Access that ends with the session ends after a day at the latest.
OF_SESSION: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asking:
    """What an app asks of the person who is signed in."""

    app: App
    account: Account
    asked: list[str]
    launch: Launch | None
    session: str
    nonce: str = ""
    open: list[Connection] = field(default_factory=list)
    #: When the person proved who they are in this very session; another session's time says nothing of this one.
    proved_at: datetime | None = None

    @property
    def citizen(self) -> bool:
        return self.account.role == roles.CITIZEN

    @property
    def needs_patient(self) -> bool:
        """Whether somebody must be chosen: a launch from our page has chosen already."""
        return self.launch is None and (
            scopes.LAUNCH_PATIENT in self.asked
            or any(one.context == scopes.PATIENT for one in scopes.resources(self.asked))
        )

    @property
    def lasting(self) -> bool:
        return scopes.OFFLINE in self.asked

    @property
    def lines(self) -> list[subjects.Line]:
        return subjects.lines(self.asked)

    def ticked_before(self, patient: str) -> frozenset[str]:
        """The lines that stand ticked: those without which the app is of no use, and those that were given before."""
        given = scopes.split(self.app.needed)
        for one in self.open:
            if one.patient == (patient if self.citizen else ""):
                given += scopes.split(one.scopes)
        limits = scopes.resources(given)
        return frozenset(
            line.key
            for line in self.lines
            if all(any(scopes.covers(limit, part) for limit in limits) for _, part in line.parts)
        )

    def given_already(self) -> Connection | None:
        """The open connection of a member of staff that holds all that is asked."""
        if self.citizen or self.launch is None:
            return None
        found = next((one for one in self.open if not one.patient), None)
        return found if found and scopes.all_within(self.asked, scopes.split(found.scopes)) else None


def asking(
    grant: Any, account: Account, *, session: str, now: datetime, proved_at: datetime | None = None
) -> Asking:
    """Read a checked request as a question to this person. Raises OAuth2Error, told to the app."""
    request = grant.request
    app: App = request.client
    if not issuing.may_use(app, account):
        raise AccessDeniedError("The app is not for this kind of account.", redirect_uri=grant.redirect_uri)
    data = request.payload.data
    launch = None
    if "launch" in data:
        launch = launching.launch_of(data["launch"], app=app, account=account, session=session, now=now)
        if launch is None:
            raise InvalidRequestError(
                "The launch is unknown, over, or of another.", redirect_uri=grant.redirect_uri
            )
    asked = _meant(scopes.split(request.scope), account, launch)
    if not asked:
        raise InvalidScopeError(
            "Nothing asked can be given to this account.", redirect_uri=grant.redirect_uri
        )
    held = list(Connection.objects.filter(app=app, account=account, ended_at=None, until__gt=now))
    return Asking(app, account, asked, launch, session, data.get("nonce", ""), held, proved_at)


def _meant(asked: list[str], account: Account, launch: Launch | None) -> list[str]:
    """What of the approved scopes can mean something here."""
    found = scopes.of_context(scopes.known(asked), scopes.PATIENT, scopes.USER)
    dropped = set()
    if launch is None or not launch.encounter:
        dropped.add(scopes.LAUNCH_ENCOUNTER)
    if launch is not None and not launch.patient:
        dropped |= {one for one in found if one.startswith("patient/")} | {scopes.LAUNCH_PATIENT}
    if identity.fhir_user(account) is None:
        dropped.add(scopes.FHIR_USER)
    if scopes.OFFLINE in found:
        dropped.add(scopes.ONLINE)
    return [one for one in found if one not in dropped]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person gave."""

    given: list[str]
    patient: str
    days: int | None
    sensitive: bool = False


def grant_to(record: Record, asked: Asking, decided: Decision, *, now: datetime) -> Sitting:
    """Carry a decision out: the connection as it now is, the agreement of a citizen, and a sitting to come in by.

    Call inside a transaction. Raises InvalidRequestError for a launch that was used in between.
    """
    if asked.launch is not None and not launching.use(asked.launch, now=now):
        raise InvalidRequestError("The launch was used already.")
    until = now + (timedelta(days=decided.days) if decided.days else OF_SESSION)
    connection = _connection(asked, decided, until, now)
    if asked.citizen and decided.patient:
        _agree(record, asked, connection, decided, now)
    events.note(
        "policy",
        account=asked.account,
        detail=f"app {asked.app.client_id} let: {' '.join(decided.given)}",
        patient=decided.patient or None,
    )
    context = _context(record, asked, decided.patient)
    return sitting_of(asked, connection, decided.given, context, now=now)


def sitting_of(
    asked: Asking, connection: Connection, given: list[str], context: dict[str, Any], *, now: datetime
) -> Sitting:
    """One coming in; it ends with the session unless lasting access was given."""
    account = asked.account
    return Sitting.objects.create(
        connection=connection,
        scopes=" ".join(given),
        context=context,
        session="" if scopes.OFFLINE in given else asked.session,
        nonce=asked.nonce,
        signed_in_at=asked.proved_at or account.last_login or now,
        began_at=now,
    )


def again(record: Record, asked: Asking, connection: Connection, *, now: datetime) -> Sitting:
    """Come in on what was given before: staff opening an app once more, for another of their patients."""
    assert asked.launch is not None
    if not launching.use(asked.launch, now=now):
        raise InvalidRequestError("The launch was used already.")
    return sitting_of(asked, connection, asked.asked, _context(record, asked, asked.launch.patient), now=now)


def _connection(asked: Asking, decided: Decision, until: datetime, now: datetime) -> Connection:
    """The one open connection for these three, as the newest decision has it: earlier sittings are cut to it too."""
    patient = decided.patient if asked.citizen else ""
    stale = Connection.objects.filter(app=asked.app, account=asked.account, ended_at=None, until__lte=now)
    for one in stale:
        issuing.end_connection(one, by="time", now=now)
    values = {"scopes": " ".join(decided.given), "until": until, "sensitive": decided.sensitive}
    found, _ = Connection.objects.select_for_update().update_or_create(
        app=asked.app,
        account=asked.account,
        patient=patient,
        ended_at=None,
        defaults=values,
        create_defaults={**values, "since": now},
    )
    return found


def _agree(record: Record, asked: Asking, connection: Connection, decided: Decision, now: datetime) -> None:
    """A new agreement in place of the one before: first the new one stands, then the old one is withdrawn."""
    old = Connection(consent=connection.consent)
    connection.consent = consents.give(record, connection, decided.given, by=asked.account.person, now=now)
    connection.save(update_fields=["consent"])
    consents.withdraw(record, old)


def _context(record: Record, asked: Asking, patient: str) -> dict[str, Any]:
    """The launch context of the token response. SMART App Launch 2.2, "Scopes for requesting context data"."""
    found: dict[str, Any] = {"patient": patient} if patient else {}
    launch = asked.launch
    if launch is None:
        return found
    found["need_patient_banner"] = True  # apps open in a window of their own, where ours is not seen
    if launch.intent:
        found["intent"] = launch.intent
    if launch.encounter:
        found["encounter"] = launch.encounter
        others = _beside(record, launch.encounter)
        if others:
            found["fhirContext"] = [{"reference": one} for one in others]
    return found


def _beside(record: Record, encounter: str) -> list[str]:
    """What else of the record a visit opens: the booking it came from."""
    try:
        visit = record.read(Encounter, encounter)
    except RecordError:
        return []
    found = [one.reference for one in visit.appointment if one is not None and one.reference]
    return [one for one in found if one.startswith(f"{Appointment.__name__}/")]
