"""What the templates of the authorization server see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from yba.site.accounts import roles
from yba.site.oauth import scopes, subjects
from yba.site.oauth.deciding import Asking
from yba.site.oauth.models import App, AppEvent, Connection
from yba.site.oauth.picking import MOST, Choice

CITIZEN_BASE = "ui/citizen.html"
DESK_BASE = "ui/desk.html"


@dataclass(frozen=True, slots=True)
class AppCard:
    """An app as a person sees it."""

    name: str
    description: str
    home: str
    contact: str
    privacy: str
    logo: str


def card_of(app: App) -> AppCard:
    logo = reverse("oauth:logo", args=[app.client_id]) if app.logo else ""
    return AppCard(app.name, app.description, app.home, app.contact, app.privacy, logo)


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """One box to tick."""

    key: str
    name: str
    note: str
    change: bool
    ticked: bool


@dataclass(frozen=True, slots=True)
class ConsentGroup:
    """Boxes about one book, or about all books an account may see."""

    title: str
    lines: list[ConsentLine]


@dataclass(frozen=True, slots=True)
class ConsentPage:
    app: AppCard
    form: Any
    action: str
    account: str
    people: Sequence[Choice]
    pick: bool
    other: str
    groups: list[ConsentGroup]
    identity: list[str]
    sensitive: bool
    lasting: bool
    title: str


@dataclass(frozen=True, slots=True)
class PickPage:
    app: AppCard
    kept: list[tuple[str, str]]
    text: str
    found: list[tuple[Choice, str]]
    title: str

    @property
    def more(self) -> bool:
        """Whether there may be others: only so many are looked for."""
        return len(self.found) >= MOST


@dataclass(frozen=True, slots=True)
class NoAppPage:
    title: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", _("Không mở được ứng dụng này"))


@dataclass(frozen=True, slots=True)
class ChoosePage:
    """Which account an app is to be let in by: the one that is signed in, or another."""

    app: AppCard
    name: str
    action: str
    title: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", _("Dùng tài khoản nào?"))


@dataclass(frozen=True, slots=True)
class LeavingPage:
    where: str
    name: str
    title: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", _("Đang sang ứng dụng"))


def consent_page(asked: Asking, form: Any, choices: Sequence[Choice], *, action: str) -> ConsentPage:
    """The question: who asks, whose book, which parts, how long."""
    ticked = (
        frozenset(form.data.getlist("phan"))
        if form.is_bound
        else asked.ticked_before(choices[0].id if choices else "")
    )
    person = choices[0].name if len(choices) == 1 else ""
    return ConsentPage(
        app=card_of(asked.app),
        form=form,
        action=action,
        account=str(asked.account),
        people=choices,
        pick=asked.needs_patient and asked.citizen and len(choices) > 1,
        other=person,
        groups=_groups(asked, ticked, person),
        identity=_identity(asked),
        sensitive=asked.citizen and bool(asked.lines),
        lasting=asked.lasting,
        title=_("%(app)s muốn xem sổ y bạ") % {"app": asked.app.name},
    )


def _groups(asked: Asking, ticked: frozenset[str], person: str) -> list[ConsentGroup]:
    titles = {
        scopes.PATIENT: _("Trong sổ của %(name)s") % {"name": person}
        if person
        else _("Trong sổ của người được chọn"),
        scopes.USER: _("Trong mọi sổ mà tài khoản này mở được"),
    }
    found = []
    for context, title in titles.items():
        lines = [_line(one, ticked) for one in asked.lines if one.context == context]
        if lines:
            found.append(ConsentGroup(title, lines))
    return found


def _line(line: subjects.Line, ticked: frozenset[str]) -> ConsentLine:
    change = line.act == subjects.CHANGE
    name = (
        _("%(what)s: ghi thêm, sửa, xóa") % {"what": line.subject.name} if change else str(line.subject.name)
    )
    note = _("Chỉ: %(part)s") % {"part": narrowed_words(line)} if line.narrowed else str(line.subject.note)
    return ConsentLine(line.key, name, note, change, line.key in ticked)


def narrowed_words(line: subjects.Line) -> str:
    """Which part of a subject is asked: known categories in words, anything else as it is written."""
    known = {
        "laboratory": _("kết quả xét nghiệm"),
        "vital-signs": _("sinh hiệu"),
        "imaging": _("chẩn đoán hình ảnh"),
        "social-history": _("lối sống"),
        "survey": _("phiếu hỏi"),
        "exam": _("khám"),
        "problem-list-item": _("vấn đề đang theo dõi"),
        "encounter-diagnosis": _("chẩn đoán của lượt khám"),
        "active": _("đang còn"),
    }
    parts = []
    for _text, scope in line.parts:
        for name, value in scope.criteria:
            code = value.rpartition("|")[2]
            parts.append(known.get(code, f"{name}={value}"))
    return ", ".join(dict.fromkeys(parts))


def _identity(asked: Asking) -> list[str]:
    """What an app learns of the account itself, in words."""
    found = []
    if scopes.OPENID in asked.asked:
        found.append(_("nhận ra tài khoản này khi quay lại"))
    if scopes.PROFILE in asked.asked:
        found.append(_("biết tên của tài khoản"))
    if scopes.FHIR_USER in asked.asked:
        found.append(_("biết hồ sơ nào là của người đang dùng"))
    return found


def picking_page(asked: Asking, query: QueryDict, text: str, found: Sequence[Choice]) -> PickPage:
    """Whom a member of staff opens an app for."""
    kept = [(name, str(value)) for name, value in query.items() if name not in ("tim", "nguoi")]
    links = []
    for one in found:
        target = QueryDict(mutable=True)
        target.update(dict(kept))
        target["nguoi"] = one.id
        links.append((one, f"?{target.urlencode()}"))
    return PickPage(card_of(asked.app), kept, text, links, _("Mở %(app)s cho ai") % {"app": asked.app.name})


@dataclass(frozen=True, slots=True)
class ConnectedLine:
    """An app that may come in now."""

    id: int
    app: AppCard
    patient: str
    person: str
    gives: list[str]
    sensitive: bool
    since: datetime
    until: datetime
    last_used_at: datetime | None
    opens: str


@dataclass(frozen=True, slots=True)
class ConnectedPage:
    base: str
    lines: list[ConnectedLine]
    ended: list[tuple[str, datetime]]
    title: str


def base_of(account: Any) -> str:
    return CITIZEN_BASE if account.role == roles.CITIZEN else DESK_BASE


def connected_line(connection: Connection, person: str) -> ConnectedLine:
    given = scopes.split(connection.scopes)
    gives = []
    for line in subjects.lines(given):
        shown = _line(line, frozenset())
        gives.append(f"{shown.name} ({shown.note})" if line.narrowed else shown.name)
    app = connection.app
    opens = (
        reverse("oauth:open", args=[app.client_id]) if app.launch_url and scopes.LAUNCH in app.wanted else ""
    )
    return ConnectedLine(
        connection.pk, card_of(app), connection.patient, person,
        list(dict.fromkeys(gives)), connection.sensitive, connection.since,
        connection.until, connection.last_used_at, opens,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AppRow:
    name: str
    note: str
    state: str
    kind: str
    url: str


@dataclass(frozen=True, slots=True)
class AppsPage:
    base: str
    own: list[AppRow]
    waiting: list[AppRow]
    others: list[AppRow]
    reviews: bool
    title: str


KINDS = {"draft": "missed", "waiting": "wait", "approved": "done", "refused": "off", "suspended": "warn"}


def app_row(app: App) -> AppRow:
    state = _("Chờ duyệt thay đổi") if app.usable and app.proposed else app.state_name
    kind = "wait" if app.usable and app.proposed else KINDS[app.state]
    return AppRow(app.name, app.description, state, kind, reverse("oauth:app", args=[app.client_id]))


@dataclass(frozen=True, slots=True)
class AppPage:
    base: str
    app: App
    card: AppCard
    row: AppRow
    facts: list[tuple[str, str]]
    changes: list[tuple[str, str, str]]
    lines: list[str]
    events: list[AppEvent]
    own: bool
    acts: list[tuple[str, str, str]]
    note: Any
    secret: str
    title: str

    @property
    def seen(self) -> str:
        """The newest of the history on this page: what is decided is decided of this."""
        return str(self.events[0].pk) if self.events else ""

    @property
    def approves(self) -> bool:
        """Whether approving is among the decisions that are open now."""
        return any(act == "approve" for act, _words, _kind in self.acts)


@dataclass(frozen=True, slots=True)
class AppFormPage:
    base: str
    form: Any
    title: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class OpenPage:
    base: str
    person: str
    lines: list[AppCard]
    ids: list[str]
    patient: str
    encounter: str
    title: str

    @property
    def cards(self) -> list[tuple[AppCard, str]]:
        return list(zip(self.lines, self.ids, strict=True))


@dataclass(frozen=True, slots=True)
class DevelopersPage:
    base: str
    facts: list[tuple[str, str]]
    title: str
