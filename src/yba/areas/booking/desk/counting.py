"""The page of the desk's figures, and the same as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from yba.areas.booking import queries as booking_queries
from yba.areas.booking.desk import figures
from yba.areas.booking.desk.figures import Line
from yba.ui.fields import DateField
from yba.ui.requests import record_of, role_required
from yba.ui.words import local_day

ROLES = ("customer_care", "facility_administrator")


class SpanForm(forms.Form):
    """From which day to which."""

    tu = DateField(label=gettext_lazy("Từ ngày"))
    den = DateField(label=gettext_lazy("Đến ngày"))

    def clean(self) -> dict[str, date]:
        data = super().clean() or self.cleaned_data
        first, last = data.get("tu"), data.get("den")
        if first and last and first > last:
            self.add_error("den", _("Ngày này trước ngày đầu."))
        elif first and last and (last - first).days >= figures.MOST_DAYS:
            said = _("Nhiều nhất %(days)s ngày một lần. Chọn quãng ngắn hơn.")
            self.add_error("den", said % {"days": figures.MOST_DAYS})
        return data


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table, its cells in the order of the head."""

    name: str
    cells: list[str]


@dataclass(frozen=True, slots=True)
class FiguresPage:
    """The desk in figures."""

    title: str
    place: str
    form: SpanForm
    head: str
    hours_head: str
    agents: list[Row]
    hours: list[Row]
    total: Row | None
    csv_url: str
    own: bool


@require_safe
@role_required(*ROLES)
def show(request: HttpRequest) -> HttpResponse:
    """The figures of some days: of oneself for an agent, of everybody for the facility's administrator."""
    record = record_of(request)
    today = local_day(record.clock())
    start = {"tu": f"{today - timedelta(days=6):%d/%m/%Y}", "den": f"{today:%d/%m/%Y}"}
    form = SpanForm({name: request.GET.get(name) or start[name] for name in start})
    own = record.actor.role == "customer_care"
    found = None
    if form.is_valid():
        data = form.cleaned_data
        found = figures.figures(
            record.actor.facility or "",
            first=data["tu"],
            last=data["den"],
            agent=record.actor.user if own else "",
        )
        if request.GET.get("dang") == "csv":
            return _csv(found)
    names = [_("Gọi"), *_outcomes(), _("Chờ gọi lần đầu")]
    head = "|".join(f"#{one}" for one in names)
    page = FiguresPage(
        title=_("Bàn sàng lọc: số liệu"),
        place=booking_queries.facility_name(record, record.actor.facility or "")[0],
        form=form,
        head=f"{_('Người gọi')}|{head}",
        hours_head=f"{_('Giờ')}|{head}",
        agents=[_row(one, one.name) for one in found.agents] if found else [],
        hours=[_row(one, _("%(hour)s giờ") % {"hour": int(one.name)}) for one in found.hours]
        if found
        else [],
        total=_row(found.total, _("Cộng")) if found and found.total.outcomes else None,
        csv_url=f"{reverse('booking:figures')}?{urlencode({**form.data, 'dang': 'csv'})}",
        own=own,
    )
    return render(request, "booking/figures.html", {"page": page}, status=200 if form.is_valid() else 422)


def _outcomes() -> list[str]:
    return [_("Xác nhận"), _("Đổi giờ"), _("Từ chối"), _("Gọi không được"), _("Trùng lượt khác")]


def _row(one: Line, name: str) -> Row:
    first = "" if one.first is None else _("%(count)s phút") % {"count": one.first}
    return Row(name, [str(one.calls), *(str(one.outcomes.get(key, 0)) for key in figures.OUTCOMES), first])


def _csv(found: figures.Figures) -> HttpResponse:
    head = [_("Theo"), _("Tên"), _("Gọi"), *_outcomes(), _("Phút chờ gọi lần đầu, trung vị")]
    body = figures.as_csv(found, head=head, agents=_("Người gọi"), hours=_("Giờ"))
    answer = HttpResponse(body, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="ban-sang-loc.csv"'
    return answer
