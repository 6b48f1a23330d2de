"""What the pages of accounts show: one typed object a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django import forms

from yba.site.accounts.models import Doubt, Invitation


@dataclass(frozen=True, slots=True)
class SignInPage:
    form: forms.Form
    next: str
    phone: str = ""
    demo: bool = False
    title: str = ""
    provider: str = ""
    provider_url: str = ""


@dataclass(frozen=True, slots=True)
class EnrolPage:
    """Setting up the factor staff must have: an authenticator, or a passkey."""

    title: str
    form: forms.Form
    passkey: forms.Form
    secret: str
    svg: str
    js_data: dict[str, object]
    codes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a list with at most one act: what, when, and the id the act names."""

    id: str
    name: str
    note: str = ""
    current: bool = False
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class SecurityPage:
    title: str
    staff: bool
    identity: str
    verified: bool
    phones: Sequence[Line]
    has_password: bool
    has_totp: bool
    passkeys: Sequence[Line]
    codes_left: int
    pin: bool
    sessions: Sequence[Line]
    provider: str
    provider_url: str
    login: str = ""
    contact: str = ""


@dataclass(frozen=True, slots=True)
class FormPage:
    """One question: a form, the deed on its button, words above."""

    title: str
    form: forms.Form
    deed: str
    words: Sequence[str] = ()
    back: str = ""
    staff: bool = False
    next: str = ""


@dataclass(frozen=True, slots=True)
class UnlockPage:
    title: str
    name: str
    form: forms.Form
    pin: bool
    next: str
    js_data: dict[str, object] = field(default_factory=dict)
    part: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """One of a facility's staff, as its administrator sees them."""

    id: int
    name: str
    login: str
    role: str
    departments: str
    state: str
    kind: str
    last_login: str
    factors: str
    own: bool


@dataclass(frozen=True, slots=True)
class StaffPage:
    title: str
    members: Sequence[Member]
    invitations: Sequence[Invitation]


@dataclass(frozen=True, slots=True)
class MemberPage:
    title: str
    member: Member
    form: forms.Form
    sessions: int
    phone: str


@dataclass(frozen=True, slots=True)
class RightLine:
    """A right of somebody: how it stands, who asked and who agreed, what can be done."""

    id: int
    account: int
    person: str
    role: str
    right: str
    reason: str
    until: str
    by: str
    kind: str
    state: str
    may_approve: bool = False
    may_end: bool = False


@dataclass(frozen=True, slots=True)
class RightsPage:
    """Who of the facility has what beside their role: what waits, what counts, what is over."""

    title: str
    waiting: Sequence[RightLine]
    held: Sequence[RightLine]
    over: Sequence[RightLine]


@dataclass(frozen=True, slots=True)
class MemberRightsPage:
    """The rights of one, and giving another."""

    title: str
    account: int
    role: str
    lines: Sequence[RightLine]
    form: forms.Form | None
    why_not: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class EndRightPage:
    title: str
    line: RightLine
    form: forms.Form
    given: bool


@dataclass(frozen=True, slots=True)
class Side:
    """One of two or more people side by side: what is said, and which of it differs from the first."""

    id: str
    head: str
    rows: Sequence[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class DoubtPage:
    title: str
    doubt: Doubt
    sides: Sequence[Side]


@dataclass(frozen=True, slots=True)
class DoubtsPage:
    title: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class IdentityPage:
    """A person at the desk and the account that is theirs."""

    title: str
    query: str
    found: Sequence[Line]


@dataclass(frozen=True, slots=True)
class PersonAccountPage:
    title: str
    person: Line
    facts: Sequence[tuple[str, str]]
    has_account: bool
    verified: bool
    claimed: bool
    may_add: bool
    form: forms.Form
    phone_form: forms.Form
    code_form: forms.Form | None
    waiting_phone: str = ""
