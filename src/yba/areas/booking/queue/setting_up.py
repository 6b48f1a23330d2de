"""The queues of a facility: which rooms call from one line, what is done there, where people go on to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from yba.care.line.models import Queue, Stage, Ticket
from yba.care.line.rules import LETTERS
from yba.fhir.model.fold import fold_words
from yba.fhir.r4.location import Location
from yba.fhir.record import Record, facility_of
from yba.ui.requests import record_of, role_required
from yba.ui.words import local_day


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One queue in words."""

    code: str
    name: str
    stage: str
    letter: str
    rooms: str
    then: str
    active: bool


@dataclass(frozen=True, slots=True)
class Queues:
    """All queues of the facility."""

    title: str
    rows: list[QueueRow]


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One queue to fill in."""

    title: str
    form: QueueForm


class QueueForm(forms.Form):
    """What an administrator says about a queue."""

    name = forms.CharField(label=gettext_lazy("Tên hàng chờ"), max_length=100)
    stage = forms.ChoiceField(label=gettext_lazy("Làm gì ở đây"), choices=Stage.choices)
    letter = forms.ChoiceField(
        label=gettext_lazy("Chữ của số"),
        choices=[(one, one) for one in LETTERS],
        help_text=gettext_lazy("Số lấy ở hàng chờ này mang chữ này."),
    )
    rooms = forms.MultipleChoiceField(
        label=gettext_lazy("Các phòng, quầy gọi từ hàng chờ này"), widget=forms.CheckboxSelectMultiple
    )
    then = forms.MultipleChoiceField(
        label=gettext_lazy("Xong thì tự chuyển tới"), widget=forms.CheckboxSelectMultiple, required=False
    )
    active = forms.BooleanField(label=gettext_lazy("Đang mở"), required=False, initial=True)

    def __init__(self, *args: Any, record: Record, queue: Queue | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.record, self.queue = record, queue
        facility = record.actor.facility or ""
        others = Queue.objects.filter(facility=facility).exclude(pk=queue.pk if queue else 0)
        self.taken = {room: one.name for one in others.filter(active=True) for room in one.rooms}
        _choices(self, "rooms", [(id_, name) for id_, name in rooms_of(record)])
        _choices(self, "then", [(one.code, one.name) for one in others.filter(active=True)])

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        facility = self.record.actor.facility or ""
        for room in found.get("rooms", []):
            if found.get("active") and room in self.taken:
                said = _("Một phòng đã gọi từ hàng chờ %(queue)s. Bỏ phòng đó ở một trong hai nơi.")
                self.add_error("rooms", said % {"queue": self.taken[room]})
        waiting = Ticket.objects.filter(
            facility=facility, waits_in=self.queue.code if self.queue else "-", status__in=("waiting", "called"),
            day=local_day(self.record.clock()),
        )  # fmt: skip
        if not found.get("active") and waiting.exists():
            self.add_error("active", _("Còn người chờ trong hàng này hôm nay. Đóng khi không còn ai."))
        return found


def _choices(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.MultipleChoiceField)
    field.choices = choices


def rooms_of(record: Record) -> list[tuple[str, str]]:
    """The places of the facility that have a name: id and name."""
    facility = record.actor.facility or ""
    found = record.find(Location, ("organization", f"Organization/{facility}"))
    own = [
        (one.id or "", one.name or "") for one in found if one.name and facility_of(one) in (None, facility)
    ]
    return sorted(own, key=lambda one: one[1])


@role_required("facility_administrator")
@require_safe
def queues(request: HttpRequest) -> HttpResponse:
    """All queues."""
    record = record_of(request)
    names = dict(rooms_of(record))
    found = list(Queue.objects.filter(facility=record.actor.facility or "").order_by("stage", "name"))
    said = {one.code: one.name for one in found}
    rows = [
        QueueRow(
            one.code, one.name, str(Stage(one.stage).label), one.letter,
            ", ".join(names.get(room, room) for room in one.rooms),
            ", ".join(said[code] for code in one.then if code in said), one.active,
        )
        for one in found
    ]  # fmt: skip
    return render(request, "queue/queues.html", {"page": Queues(_("Hàng chờ"), rows)})


@role_required("facility_administrator")
@require_http_methods(["GET", "HEAD", "POST"])
def queue(request: HttpRequest, code: str = "") -> HttpResponse:
    """A new queue, or one that is there."""
    record = record_of(request)
    facility = record.actor.facility or ""
    known = Queue.objects.filter(facility=facility, code=code).first() if code else None
    if code and known is None:
        raise Http404
    initial = {name: getattr(known, name) for name in QueueForm.base_fields} if known else {"letter": "K"}
    form = QueueForm(request.POST or None, record=record, queue=known, initial=initial)
    if request.method == "POST" and form.is_valid():
        made = known or Queue(facility=facility, code=_code(facility, form.cleaned_data["name"]))
        for name in QueueForm.base_fields:
            setattr(made, name, form.cleaned_data[name])
        made.save()
        messages.success(request, _("Đã ghi hàng chờ %(name)s.") % {"name": made.name})
        return redirect("booking:queues")
    status = 422 if form.is_bound else 200
    page = QueuePage(known.name if known else _("Hàng chờ mới"), form)
    return render(request, "queue/queue.html", {"page": page}, status=status)


def _code(facility: str, name: str) -> str:
    """A code from the name that this facility does not have yet; it stays when the name changes."""
    stem = "-".join(fold_words(name))[:30].strip("-") or "hang-cho"
    taken = set(Queue.objects.filter(facility=facility).values_list("code", flat=True))
    return next(one for one in (stem, *(f"{stem}-{at}" for at in range(2, 1000))) if one not in taken)
