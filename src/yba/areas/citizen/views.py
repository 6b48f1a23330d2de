"""The citizen's pages: the day, the book, a visit, one's profile, the card, the family."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from yba.areas.citizen import actions, pages, queries, rules
from yba.areas.citizen.forms import (
    CardForm,
    ChildForm,
    ProfileForm,
    QrForm,
    fhir_date,
    filled_from_citizen_qr,
    filled_from_insurance_qr,
)
from yba.areas.citizen.open_book import open_book, own_people
from yba.areas.citizen.sharing import child_accounts
from yba.care import coverages, people, places, rating
from yba.care.refusal import Refusal
from yba.care.sharing import family as charges
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.fhir.record.labelled import any_labelled
from yba.ui import keeping, spoken, words
from yba.ui.requests import back_to, numbers_of, record_of, role_required
from yba.ui.words import local_day

HEAD = 5
#: Said to everybody whose number nobody compared yet, whether or not the record knows it: else it would tell.
CLAIMED = gettext_lazy(
    "Số căn cước tự khai đang chờ xác minh. Lần tới khám, mang căn cước tới quầy tiếp đón. "
    "Sổ cũ ở bệnh viện, nếu có, cũng được nối khi đó."
)


# -- whose book -----------------------------------------------------------------------------------------


@require_safe
@role_required("citizen")
def person(request: HttpRequest, patient_id: str) -> HttpResponse:
    """Open the book of another of one's people; anybody else's is not there."""
    account: Any = request.user
    if patient_id not in account.persons:
        raise Http404
    request.session["person"] = patient_id
    return redirect(back_to(request, reverse("citizen:home")))


# -- the day --------------------------------------------------------------------------------------------


@require_safe
@role_required("citizen")
def home(request: HttpRequest) -> HttpResponse:
    """Today's ticket, what comes next, today's medicines, the newest of the book."""
    opened = open_book(request)
    if opened is None:
        return redirect("citizen:profile")
    record, today, key = opened.record, opened.today, opened.patient_id
    card = coverages.coverage_of(record, key, today)
    place = queries.place_in_line(record, key)
    medicines = queries.medicines_today(record, key, today=today)
    entries = queries.book_part(record, key, count=HEAD).entries
    page = pages.HomePage(
        title=_("Hôm nay"),
        cover=pages.cover(opened.own, opened.one, today=today, card=card),
        ticket=pages.ticket_part(place, at=words.gio(record.clock())) if place else None,
        coming=[pages.coming_line(it) for it in queries.coming_visits(record, key, today=today)],
        follow_ups=queries.follow_ups_ahead(record, key, today=today),
        day_parts=rules.day_parts((it.name, it.how) for it in medicines),
        entries=[entry for year in rules.years(entries) for entry in year.entries][:HEAD],
        card_missing=card is None,
        topic=f"person:{key}",
    )
    answer = render(request, "citizen/home.html", {"page": page})
    if any_labelled(
        record, [key], besides=rating.KEEPER
    ):  # the page shows a little of everything in the chart
        return answer
    number = [reverse("booking:own_numbers")] if place else []
    also = [*number, reverse("booking:mine"), *(it.url for it in page.coming)]
    return keeping.kept(request, answer, also=also)


@require_safe
@role_required("citizen")
def book(request: HttpRequest) -> HttpResponse:
    """The book, newest first, fifty visits a page."""
    opened = open_book(request)
    if opened is None:
        return redirect("citizen:profile")
    cursor, before = request.GET.get("tiep", ""), request.GET.get("truoc", "")
    part = queries.book_part(opened.record, opened.patient_id, cursor=cursor, before=before)
    more = f"?{urlencode({'tiep': part.next, 'truoc': part.before})}" if part.next else ""
    page = pages.BookPage(
        title=_("Sổ y bạ"),
        cover=opened.cover,
        years=rules.years(part.entries),
        more_url=more,
        first=not cursor,
    )
    return render(request, "citizen/book.html", {"page": page})


@require_safe
@role_required("citizen")
def visit(request: HttpRequest, encounter_id: str) -> HttpResponse:
    """One visit: why, what was found, what was prescribed, what to do next."""
    found = queries.visit(record_of(request), encounter_id)
    when = spoken.when(found.start) if "T" in found.start else words.ngay(found.start)
    rate_url = reverse("booking:rate", args=[encounter_id]) if found.may_rate else ""
    page = pages.VisitPage(encounter_id, found.title, when, found, pages.result_lines(found), rate_url)
    return render(request, "citizen/visit.html", {"page": page})


# -- profile --------------------------------------------------------------------------------------------


@role_required("citizen")
def profile(request: HttpRequest) -> HttpResponse:
    """One's own record: filled from the card's QR text or by hand."""
    record = record_of(request)
    own = next((it for it in own_people(request) if it.is_self), None)
    if own is None and request.method != "POST" and child_accounts.waiting_for(record, numbers_of(request)):
        return redirect("citizen:own_account")
    if request.method == "POST" and "fill" in request.POST:
        return _filled(request, record, ProfileForm)
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=_initial(own))
    if own is not None and (why := actions.held_because(record, request.user, own.person.id)):
        form.hold(why)
    if own is not None and own.person.claimed:
        form.fields["citizen_number"].help_text = CLAIMED
    if request.method != "POST":
        return _profile_page(request, record, form, is_new=own is None)
    if not form.is_valid():
        return _profile_page(request, record, form, is_new=own is None, status=422)
    account: Any = request.user
    kept = actions.keep_profile(record, account, details=_details(form, phone=account.phone))
    if isinstance(kept, str):
        return _profile_page(request, record, form, is_new=own is None, problem=_refused(kept), status=409)
    for doubt in form.doubts:
        messages.warning(request, doubt)
    messages.success(request, _("Đã ghi hồ sơ của %(name)s.") % {"name": people.name_of(kept)})
    if people.person_of(kept).claimed:
        messages.info(request, CLAIMED)
    return redirect(back_to(request, reverse("citizen:home" if own else "citizen:card_first")))


def _initial(own: rules.Own | None) -> dict[str, Any]:
    if own is None:
        return {}
    one = own.person
    label = ", ".join(filter(None, [one.commune, one.province]))
    found = next((it for it in places.search_communes(label) if it.label == label), None) if label else None
    street = one.address.removesuffix(label).rstrip(", ") if label else one.address
    return {
        "name": one.name,
        "birth_date": words.ngay(one.birth_date),
        "sex": one.gender,
        "citizen_number": one.citizen_number,
        "address": street,
        "commune": found.code if found else "",
        "commune_text": label,
    }


def _details(form: ProfileForm, *, phone: str) -> actions.Details:
    data = form.cleaned_data
    place: places.Commune | None = data["place"]
    return actions.Details(
        name=data["name"],
        birth_date=fhir_date(data["birth_date"]) or "",
        sex=data["sex"],
        citizen_number=data["citizen_number"] or "",
        address=data["address"],
        commune=place.name if place else "",
        province=place.province_name if place else "",
        phone=phone,
    )


def _refused(why: str) -> str:
    return {
        "held": _(
            "Họ tên, ngày sinh, giới tính chỉ sửa được tại quầy. Mang căn cước tới quầy tiếp đón để sửa."
        ),
        "minor": _(
            "Chưa đủ 16 tuổi: cha mẹ hoặc người giám hộ lập sổ ở trang Gia đình của họ. "
            "Từ 7 tuổi, trẻ có tài khoản riêng khi người giám hộ và trẻ cùng đồng ý."
        ),
        "many": _("Một tài khoản giữ nhiều nhất %(most)s người.") % {"most": rules.MOST_PERSONS},
    }[why]


def _filled(request: HttpRequest, record: Record, kind: type[ProfileForm]) -> HttpResponse:
    """The form filled from the QR text; what was typed and the card does not say stays."""
    qr = QrForm(request.POST)
    typed = {name: request.POST.get(name, "") for name in kind.base_fields}
    if qr.is_valid():
        found = filled_from_citizen_qr(qr.cleaned_data["qr"], today=local_day(record.clock()))
        if isinstance(found, Refusal):
            qr.add_error("qr", found.message)
        else:
            form = kind(initial=typed | found)
            return _profile_page(request, record, form, qr=QrForm(), is_new=True)
    return _profile_page(request, record, kind(initial=typed), qr=qr, is_new=True, status=422)


def _profile_page(
    request: HttpRequest,
    record: Record,
    form: ProfileForm,
    *,
    qr: QrForm | None = None,
    problem: str = "",
    is_new: bool,
    status: int = 200,
) -> HttpResponse:
    child = isinstance(form, ChildForm)
    opened = open_book(request)
    title = _("Thêm người thân") if child else (_("Lập sổ y bạ") if is_new else _("Hồ sơ"))
    page = pages.ProfilePage(
        title=title,
        cover=opened.cover if opened and not child else None,
        qr=qr or QrForm(),
        form=form,
        problem=problem,
        next=request.GET.get("next", "") or request.POST.get("next", ""),
        commune=str(form["commune"].value() or ""),
        commune_text=str(form["commune_text"].value() or ""),
        is_new=is_new,
    )
    return render(
        request, "citizen/child.html" if child else "citizen/profile.html", {"page": page}, status=status
    )


@require_safe
@role_required("citizen")
def communes(request: HttpRequest) -> HttpResponse:
    """Answers for the field of the commune."""
    found = places.search_communes(request.GET.get("q", ""), 8)
    return render(request, "citizen/_communes.html", {"page": found})


# -- family ---------------------------------------------------------------------------------------------


@require_safe
@role_required("citizen")
def family(request: HttpRequest) -> HttpResponse:
    """The people of this account."""
    opened = open_book(request)
    if opened is None:
        return redirect("citizen:profile")
    language = spoken.language()
    asked = child_accounts.wards_of_age(opened.record)
    lines = [
        pages.FamilyLine(
            it.person.name,
            " · ".join(
                filter(
                    None,
                    [
                        rules.relation_words(it.relation, language),
                        spoken.age(it.person.birth_date, opened.today),
                    ],
                )
            ),
            reverse("citizen:person", args=[it.person.id]),
            reverse("citizen:card", args=[it.person.id]),
            reverse("citizen:child_account", args=[it.person.id]) if it.person.id in asked else "",
        )
        for it in opened.own
    ]
    return render(
        request,
        "citizen/family.html",
        {"page": pages.FamilyPage(_("Gia đình"), opened.cover, lines, charges.grown(opened.record))},
    )


@role_required("citizen")
def add_child(request: HttpRequest) -> HttpResponse:
    """Enter a child or another person one answers for."""
    record = record_of(request)
    own = next((it for it in own_people(request) if it.is_self), None)
    if own is None:
        return redirect("citizen:profile")
    if request.method == "POST" and "fill" in request.POST:
        return _filled(request, record, ChildForm)
    if request.method != "POST":
        initial = {
            key: value for key, value in _initial(own).items() if key.startswith(("address", "commune"))
        }
        return _profile_page(request, record, ChildForm(initial=initial | {"relation": "con"}), is_new=True)
    form = ChildForm(request.POST)
    if not form.is_valid():
        return _profile_page(request, record, form, is_new=True, status=422)
    kept = actions.add_child(
        record, request.user, own=record.read(Patient, own.person.id),
        details=_details(form, phone=str(getattr(request.user, "phone", ""))),
        relation=form.cleaned_data["relation"],
    )  # fmt: skip
    if isinstance(kept, str):
        return _profile_page(request, record, form, problem=_refused(kept), is_new=True, status=409)
    messages.success(request, _("Đã thêm %(name)s.") % {"name": people.name_of(kept)})
    request.session["person"] = kept.id
    return redirect("citizen:family")


# -- the card -------------------------------------------------------------------------------------------


@role_required("citizen")
def card_first(request: HttpRequest) -> HttpResponse:
    """Right after the profile: the card of oneself."""
    opened = open_book(request)
    return redirect("citizen:card", opened.patient_id) if opened else redirect("citizen:profile")


@role_required("citizen")
def card(request: HttpRequest, patient_id: str) -> HttpResponse:
    """The insurance card of one of one's people."""
    record = record_of(request)
    own = own_people(request)
    one = next((it for it in own if it.person.id == patient_id), None)
    if one is None:
        raise Http404
    qr, form = QrForm(), CardForm()
    if request.method == "POST" and "fill" in request.POST:
        qr = QrForm(request.POST)
        if qr.is_valid():
            found = filled_from_insurance_qr(qr.cleaned_data["qr"], today=local_day(record.clock()))
            if isinstance(found, Refusal):
                qr.add_error("qr", found.message)
            else:
                qr, form = QrForm(), CardForm(initial=found)
        return _card_page(request, record, own, one, qr, form)
    if request.method == "POST":
        form = CardForm(request.POST)
        if form.is_valid():
            actions.keep_card(record, record.read(Patient, patient_id), **form.cleaned_data)
            messages.success(request, _("Đã ghi thẻ BHYT của %(name)s.") % {"name": one.person.name})
            return redirect("citizen:home" if one.is_self else "citizen:family")
    return _card_page(request, record, own, one, qr, form, status=422 if form.errors else 200)


def _card_page(
    request: HttpRequest,
    record: Record,
    own: list[rules.Own],
    one: rules.Own,
    qr: QrForm,
    form: CardForm,
    *,
    status: int = 200,
) -> HttpResponse:
    today = local_day(record.clock())
    kept = coverages.coverage_of(record, one.person.id, today)
    refusal = coverages.coverage_refusal(kept, on=today) if kept else None
    page = pages.CardPage(
        title=_("Thẻ BHYT"),
        cover=pages.cover(own, one, today=today, card=kept),
        number=words.insurance_card(coverages.card_of(kept)) if kept else "",
        state=refusal.message if refusal else (pages.insurance_words(kept, today=today) if kept else ""),
        good=kept is not None and refusal is None,
        qr=qr,
        form=form,
    )
    return render(request, "citizen/card.html", {"page": page}, status=status)
