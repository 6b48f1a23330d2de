"""A desk's pages: verifying who somebody is, giving them a new number, and deciding about people who look alike."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from yba.care import people
from yba.care.names import same_name
from yba.fhir.errors import RecordError
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.site.accounts import actions, adapters, events, identity, roles, rules
from yba.site.accounts.entering import asker, client_address, sentence
from yba.site.accounts.forms import CodeForm
from yba.site.accounts.models import IDENTITY_LEVELS, Account, AccountPerson, Doubt
from yba.site.accounts.pages import DoubtPage, DoubtsPage, IdentityPage, Line, PersonAccountPage, Side
from yba.site.accounts.staff_forms import DOCUMENTS, DecisionForm, DeskPhoneForm, VerifyForm
from yba.ui import words
from yba.ui.requests import record_of, role_required

desk = role_required(roles.RECEPTIONIST, roles.RECORDS_OFFICE)
SEXES = {"female": gettext_lazy("Nữ"), "male": gettext_lazy("Nam"), "other": gettext_lazy("Khác")}


def _facts(one: people.Person) -> list[tuple[str, str]]:
    return [
        (_("Họ và tên"), one.name),
        (_("Ngày sinh"), words.ngay(one.birth_date)),
        (_("Giới tính"), str(SEXES.get(one.gender, ""))),
        (
            _("Số căn cước tự khai") if one.claimed else _("Số căn cước"),
            words.citizen_number(one.citizen_number),
        ),
        (_("Điện thoại"), words.phone(one.phone) if one.phone else ""),
        (_("Địa chỉ"), one.address),
    ]


@require_safe
@desk
@never_cache
def find(request: HttpRequest) -> HttpResponse:
    """Find the person who stands at the desk."""
    query = request.GET.get("q", "")[:100]
    found = people.find_people(record_of(request), query) if query else []
    lines = [
        Line(
            one.id,
            one.name,
            " · ".join(filter(None, [words.ngay(one.birth_date), words.phone(one.phone)])),
            claimed=one.claimed,
        )
        for one in map(people.person_of, found)
    ]
    page = IdentityPage(title=_("Xác minh danh tính"), query=query, found=lines)
    return render(request, "accounts/identity.html", {"page": page})


def _account_of(patient_id: str) -> Account | None:
    link = AccountPerson.objects.select_related("account").filter(
        patient_id=patient_id, relation=AccountPerson.SELF
    )
    found = link.first()
    return found.account if found is not None else None


@desk
@never_cache
def person(request: HttpRequest, patient_id: str) -> HttpResponse:
    """Compare the document, then verify the account; or give it the number its owner has now."""
    record = record_of(request)
    patient = record.read(Patient, patient_id)
    one, number = people.person_of(patient), people.proved_number(patient.identifier)
    account, by = _account_of(patient_id), request.user
    may_add = account is not None and (account.is_verified or not one.claimed)
    to_verify = one.claimed or (account is not None and not account.is_verified)
    verify = VerifyForm(request.POST if "verify" in request.POST else None, asks_number=one.claimed)
    phone = DeskPhoneForm(request.POST if "send" in request.POST else None, number=number, auto_id="sdt_%s")
    code = CodeForm(request.POST if "code" in request.POST else None)
    if request.method == "POST" and account is None and not one.claimed:
        raise Http404
    if request.method == "POST":
        assert isinstance(by, Account)
        if "verify" in request.POST:
            done = _verified(request, record, account, by, one, verify) if to_verify else None
        else:
            done = _number(request, account, by, patient_id, phone, code) if account and may_add else None
        if done is not None:
            return done
    waiting = request.session.get("desk_phone") or {}
    page = PersonAccountPage(
        title=_("Xác minh danh tính"),
        person=Line(patient_id, people.name_of(patient)),
        facts=[
            *_facts(one),
            (_("Tài khoản"), words.phone(account.phone) if account and account.phone else _("chưa có")),
            (_("Mức định danh"), str(IDENTITY_LEVELS[account.identity]) if account else ""),
        ],
        has_account=account is not None,
        claimed=one.claimed,
        may_add=may_add,
        verified=not to_verify,
        form=verify,
        phone_form=phone,
        code_form=code if waiting.get("patient") == patient_id else None,
        waiting_phone=words.phone(waiting["number"]) if waiting.get("patient") == patient_id else "",
    )
    wrong = verify.errors or phone.errors or code.errors
    return render(request, "accounts/identity_person.html", {"page": page}, status=422 if wrong else 200)


def _verified(
    request: HttpRequest,
    record: Record,
    account: Account | None,
    by: Account,
    one: people.Person,
    verify: VerifyForm,
) -> HttpResponse | None:
    """What the desk saw, noted; None while something is missing, or when another record carries the number."""
    if not verify.is_valid():
        return None
    data = verify.cleaned_data
    if not identity.verify_at_desk(
        request, record, account, patient=one.id, by=by, document=data["document"],
        number=data.get("number", ""),
    ):  # fmt: skip
        verify.add_error(
            "number",
            _(
                "Một hồ sơ khác đã mang số này. Chưa xác minh gì; tìm hồ sơ đó theo số rồi đối chiếu hai người."
            ),
        )
        return None
    messages.success(request, _("Đã xác minh %(name)s tại quầy.") % {"name": one.name})
    return redirect("accounts:identity_person", one.id)


def _number(
    request: HttpRequest, account: Account, by: Account, patient_id: str, phone: DeskPhoneForm, code: CodeForm
) -> HttpResponse | None:
    """A new number for who lost theirs: the code goes to it, its owner says it at the desk."""
    now, waiting = timezone.now(), request.session.get("desk_phone") or {}
    if phone.is_bound and phone.is_valid():
        number = phone.cleaned_data["phone"]
        refusal = actions.send_code(
            number,
            address=client_address(request),
            now=now,
            asker=asker(request, "desk"),
            text=_("Mã để thêm số này vào tài khoản Y Bạ là %(code)s. Chỉ đọc cho nhân viên ở quầy."),
        )
        if refusal not in (None, rules.Refusal.TOO_SOON):
            phone.add_error("phone", sentence(refusal or rules.Refusal.TOO_MANY))
            return None
        seen = f"{phone.cleaned_data['document']} ...{phone.cleaned_data['ending']}"
        request.session["desk_phone"] = {"patient": patient_id, "number": number, "seen": seen}
        return redirect("accounts:identity_person", patient_id)
    if not (code.is_bound and code.is_valid() and waiting.get("patient") == patient_id):
        return None
    refusal = actions.use_code(
        waiting["number"], code.cleaned_data["code"], now=now, asker=asker(request, "desk")
    )
    if refusal is not None:
        code.add_error("code", sentence(refusal))
        return None
    with transaction.atomic():
        if not actions.add_phone(account, waiting["number"], now=now):
            code.add_error(None, _("Số này đang thuộc một tài khoản khác. Bỏ số ở tài khoản đó trước."))
            return None
        document = str(dict(DOCUMENTS).get(waiting["seen"].partition(" ")[0], ""))
        adapters.tell_change(
            account,
            but=waiting["number"],
            text=_(
                "Số %(phone)s vừa được thêm vào tài khoản Y Bạ của bạn tại quầy, theo giấy tờ: %(document)s. "
                "Nếu không phải bạn, gọi tổng đài ngay."
            )
            % {"phone": words.phone(waiting["number"]), "document": document},
        )
        events.note(
            "factor",
            request=request,
            account=account,
            by=by,
            patient=patient_id,
            detail=f"phone: added at a desk by {waiting['seen']}",
        )
    request.session.pop("desk_phone")
    messages.success(request, _("Đã thêm số %(phone)s.") % {"phone": words.phone(waiting["number"])})
    return redirect("accounts:identity_person", patient_id)


# -- people who look alike --------------------------------------------------------------------------------


@require_safe
@desk
@never_cache
def doubts(request: HttpRequest) -> HttpResponse:
    """The list of accounts that may be somebody of the record, oldest first."""
    rows = Doubt.objects.filter(decided_at=None).order_by("raised_at")
    lines = [
        Line(
            str(one.pk),
            str(one.said.get("name", "")),
            _("%(count)s hồ sơ giống · %(day)s")
            % {"count": len(one.candidates), "day": words.ngay(timezone.localtime(one.raised_at).date())},
        )
        for one in rows
    ]
    return render(request, "accounts/doubts.html", {"page": DoubtsPage(_("Đối chiếu người trùng"), lines)})


@desk
@never_cache
def doubt(request: HttpRequest, doubt_id: int) -> HttpResponse:
    """What the account said beside each candidate; confirm one or none, with the reason."""
    row = Doubt.objects.select_related("account").filter(pk=doubt_id, decided_at=None).first()
    if row is None:
        messages.info(request, _("Việc đối chiếu này đã xong."))
        return redirect("accounts:doubts")
    by: Any = request.user
    form = DecisionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen, reason = request.POST.get("patient", ""), form.cleaned_data["reason"]
        try:
            if chosen:
                if chosen not in row.candidates:
                    raise Http404
                identity.confirm(request, row, chosen, by=by, reason=reason)
                messages.success(request, _("Đã nối sổ."))
            else:
                identity.reject(request, row, by=by, reason=reason)
                messages.success(request, _("Đã ghi: không phải người nào trong số này."))
            return redirect("accounts:doubts")
        except identity.Taken:
            form.add_error(None, _("Sổ này đang là của một tài khoản khác. Xem tài khoản đó trước khi nối."))
        except identity.InUse:
            form.add_error(
                None,
                _(
                    "Hồ sơ mới của người này đang có lịch hẹn hoặc lượt khám. Hủy lịch hẹn rồi nối, đặt lại sau."
                ),
            )
        except Doubt.DoesNotExist:
            messages.info(request, _("Việc đối chiếu này đã xong."))
            return redirect("accounts:doubts")
    page = DoubtPage(title=_("Đối chiếu người trùng"), doubt=row, sides=_sides(request, row))
    return render(
        request, "accounts/doubt.html", {"page": page, "form": form}, status=422 if form.errors else 200
    )


def _sides(request: HttpRequest, row: Doubt) -> list[Side]:
    said = people.Person(
        id="", name=row.said.get("name", ""), birth_date=row.said.get("birth_date", ""),
        gender=row.said.get("sex", ""), phone=row.said.get("phone", ""),
        citizen_number=row.said.get("citizen_number", ""), address="", commune="", province="",
    )  # fmt: skip
    first = _facts(said)
    sides = [Side("", _("Người dùng khai"), [(name, value, False) for name, value in first])]
    for key in row.candidates:
        try:
            theirs = _facts(people.person_of(record_of(request).read(Patient, key)))
        except RecordError:
            continue
        rows = [
            (name, value, bool(mine) and not same_name(value, mine))
            for (name, value), (_name, mine) in zip(theirs, first, strict=True)
        ]
        sides.append(Side(key, _("Hồ sơ đã có"), rows))
    return sides
