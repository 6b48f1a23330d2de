"""The kinds of acts, each with its codes as FHIR's AuditEvent has them.

Sources: FHIR R4 auditevent.html; IHE Basic Audit Log Patterns (BALP) for RESTful acts; DICOM PS3.16 CID 400 and 401 for
the others. Beside those every event says our own code of the act, so that what FHIR has one code for stays apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

REST = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
OWN = "https://yba.vn/fhir/audit-act"

# Outcome of a row -> code of audit-event-outcome: what is refused is "a minor failure" there, as an HTTP 400 is.
OUTCOMES: Mapping[str, str] = {"ok": "0", "refused": "4", "failed": "4", "error": "8"}


@dataclass(frozen=True, slots=True)
class Code:
    """A coding."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What an act is: its type, the subtype a standard has for it, and what it does (create, read, ...).

    ``opens``: whether it shows or gives away what a person's record holds.
    """

    type: Code
    subtype: Code | None
    action: str
    display: str
    opens: bool = False


_REST = Code(REST, "rest", "RESTful Operation")
_EXPORT = Code(DICOM, "110106", "Export")
_IMPORT = Code(DICOM, "110107", "Import")
_LOGIN = Code(DICOM, "110114", "User Authentication")
_ALERT = Code(DICOM, "110113", "Security Alert")
_USED = Code(DICOM, "110101", "Audit Log Used")
_APPLICATION = Code(DICOM, "110100", "Application Activity")


def _rest(code: str, action: str, display: str, *, opens: bool = False) -> Kind:
    return Kind(_REST, Code(INTERACTION, code, code), action, display, opens)


def _alert(code: str, name: str, display: str, action: str = "U") -> Kind:
    return Kind(_ALERT, Code(DICOM, code, name), action, display)


KINDS: Mapping[str, Kind] = {
    "read": _rest("read", "R", "Read", opens=True),
    "vread": _rest("vread", "R", "Read of a version", opens=True),
    "history": _rest("history", "R", "Read of the history", opens=True),
    "search": _rest("search", "E", "Search", opens=True),
    "create": _rest("create", "C", "Create"),
    "update": _rest("update", "U", "Update"),
    "delete": _rest("delete", "D", "Delete"),
    "submit": _rest("operation", "E", "Long work begun"),
    "cancel": _rest("operation", "E", "Long work ended"),
    "operation": _rest("operation", "E", "Operation", opens=True),
    "export": Kind(_EXPORT, Code(LIFECYCLE, "extract", "Extract Record Lifecycle Event"), "R", "Export", True),
    "import": Kind(
        _IMPORT, Code(LIFECYCLE, "originate", "Originate/Retain Record Lifecycle Event"), "C", "Import"
    ),
    "print": Kind(_EXPORT, Code(LIFECYCLE, "report", "Report (Output) Record Lifecycle Event"), "R", "Print", True),
    "refused": _alert("110132", "Use of Restricted Function", "Refused", "E"),
    "sign-in": Kind(_LOGIN, Code(DICOM, "110122", "Login"), "E", "Sign-in"),
    "sign-in-failed": Kind(_LOGIN, Code(DICOM, "110122", "Login"), "E", "Sign-in that failed"),
    "sign-out": Kind(_LOGIN, Code(DICOM, "110123", "Logout"), "E", "Sign-out"),
    "lock": Kind(_LOGIN, Code(DICOM, "110123", "Logout"), "E", "Desk locked"),
    "unlock": Kind(_LOGIN, Code(DICOM, "110122", "Login"), "E", "Desk unlocked"),
    "account": _alert("110137", "User security Attributes Changed", "Account changed"),
    "role": _alert("110136", "Security Roles Changed", "Rights changed"),
    "policy": _alert("110135", "Object Security Attributes Changed", "Policy changed"),
    "factor": _alert("110137", "User security Attributes Changed", "Means of sign-in changed"),
    "account-erased": _alert("110137", "User security Attributes Changed", "Account erased", "D"),
    "consent": _alert("110135", "Object Security Attributes Changed", "Agreement given or withdrawn"),
    "request": Kind(_APPLICATION, None, "E", "Request about own data"),
    "emergency": _alert("110127", "Emergency Override Started", "Emergency opening", "E"),
    "alert": _alert("110135", "Object Security Attributes Changed", "Alert judged"),
    "audit": Kind(_USED, None, "R", "Audit looked at"),
    "audit-late": Kind(_APPLICATION, None, "E", "Audit written late"),
    "restore": Kind(_APPLICATION, Code(LIFECYCLE, "restore", "Restore Record Lifecycle Event"), "U", "Restore"),
    "receive": Kind(_REST, Code(INTERACTION, "create", "create"), "C", "Event received"),
}  # fmt: skip
OTHER = Kind(_APPLICATION, None, "E", "Other")


def kind_of(act: str) -> Kind:
    """What an act is; one of a newer release is an activity of the application."""
    return KINDS.get(act, OTHER)


def own(act: str) -> Code:
    """Our own code of an act."""
    return Code(OWN, act, kind_of(act).display)


def codings(act: str) -> tuple[Code, ...]:
    """The subtypes of an act: the standard's, then ours."""
    subtype = kind_of(act).subtype
    return (own(act),) if subtype is None else (subtype, own(act))
