"""Registering an app, and judging one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yba.care.uploads import file_response
from yba.site.accounts import roles
from yba.site.oauth import addresses, pages, registering, subjects
from yba.site.oauth.forms import AppForm, NoteForm
from yba.site.oauth.models import APPROVED, SECRET, App
from yba.site.oauth.scopes import split

SECRET_SHOWN = "oauth_secret"  # noqa: S105 - the name of a place in the session


def _account(request: HttpRequest) -> Any:
    if not registering.may_register(request.user):  # type: ignore[arg-type]  # signed in: an Account
        raise Http404
    return request.user


@require_safe
@login_required
def apps(request: HttpRequest) -> HttpResponse:
    """One's own apps; for administrators those that wait, and all they may judge."""
    account = _account(request)
    own = App.objects.filter(registered_by=account).order_by("-registered_at")
    reviews = account.role in (roles.SYSTEM_ADMINISTRATOR, roles.FACILITY_ADMINISTRATOR)
    judged = (
        [one for one in App.objects.order_by("name") if registering.may_review(account, one)]
        if reviews
        else []
    )
    waiting = [one for one in judged if one.state == "waiting" or one.proposed]
    page = pages.AppsPage(
        base=pages.base_of(account),
        own=[pages.app_row(one) for one in own],
        waiting=[pages.app_row(one) for one in waiting],
        others=[pages.app_row(one) for one in judged if one not in waiting],
        reviews=reviews,
        title=_("Ứng dụng đã đăng ký"),
    )
    return render(request, "oauth/apps.html", {"page": page})


@login_required
def register(request: HttpRequest) -> HttpResponse:
    """A new app. It can be used once another has judged it."""
    account = _account(request)
    if registering.too_many(account):
        messages.warning(request, _("Đang có nhiều ứng dụng chờ duyệt. Đợi duyệt xong rồi đăng ký thêm."))
        return redirect("oauth:apps")
    form = AppForm(request.POST or None, request.FILES or None, facility=_facility(account))
    if request.method == "POST" and form.is_valid():
        app = registering.register(said(form), by=account, now=timezone.now())
        messages.success(request, _("Đã gửi đăng ký. Người quản trị sẽ xem và trả lời ở trang này."))
        return redirect("oauth:app", app.client_id)
    return _form(request, form, _("Đăng ký ứng dụng"))


@login_required
def change(request: HttpRequest, client_id: str) -> HttpResponse:
    """What the developer says anew; of an approved app it waits for a review."""
    account = _account(request)
    app = get_object_or_404(App, client_id=client_id, registered_by=account)
    form = AppForm(request.POST or None, request.FILES or None, instance=app, facility=_facility(account))
    if request.method == "POST" and form.is_valid():
        app.refresh_from_db()
        registering.change(app, said(form), by=account, now=timezone.now())
        messages.success(
            request, _("Đã gửi thay đổi. Bản đang dùng còn hiệu lực đến khi thay đổi được duyệt.")
        )
        return redirect("oauth:app", client_id)
    return _form(request, form, _("Sửa đăng ký"), again=True)


def _facility(account: Any) -> str:
    return "" if account.role in (roles.SYSTEM_ADMINISTRATOR, roles.CITIZEN) else str(account.facility)


def said(form: AppForm) -> dict[str, Any]:
    """What the form says of an app, by the names of the table."""
    found = form.cleaned_data
    return {
        **{name: found[name] for name in registering.SAID if name in found},
        "redirect_uris": found["addresses"],
        "jwks": found["keys"],
        registering.LOGO: found["picture"],
    }


def _form(request: HttpRequest, form: AppForm, title: str, *, again: bool = False) -> HttpResponse:
    page = pages.AppFormPage(base=pages.base_of(request.user), form=form, title=title, again=again)
    return render(request, "oauth/app_form.html", {"page": page}, status=422 if form.errors else 200)


@require_safe
@login_required
def app(request: HttpRequest, client_id: str) -> HttpResponse:
    """All that was said of an app, and what was done with it."""
    account = _account(request)
    found = get_object_or_404(App, client_id=client_id)
    if not registering.may_see(account, found):
        raise Http404
    return _app_page(request, found, account)


def _app_page(request: HttpRequest, found: App, account: Any, note: NoteForm | None = None) -> HttpResponse:
    own = found.registered_by_id == account.pk
    shown = request.session.pop(SECRET_SHOWN, None) if own else None
    judges = registering.may_review(account, found)
    page = pages.AppPage(
        base=pages.base_of(account),
        app=found,
        card=pages.card_of(found),
        row=pages.app_row(found),
        facts=_facts(found),
        changes=_changes(found),
        lines=_lines(found),
        events=list(found.events.all()[:100]),
        own=own,
        acts=[(act, *_words()[act]) for act in registering.open_acts(found)] if judges else [],
        note=note or NoteForm(),
        secret=shown["text"] if shown and shown["app"] == found.client_id else "",
        title=found.name,
    )
    return render(request, "oauth/app.html", {"page": page}, status=422 if note and note.errors else 200)


def _words() -> dict[str, tuple[str, str]]:
    """Acts: the button, and its kind."""
    return {
        registering.APPROVE: (_("Duyệt"), "main"),
        registering.REFUSE: (_("Từ chối"), ""),
        registering.SUSPEND: (_("Tạm dừng ứng dụng"), "danger"),
        registering.RESUME: (_("Cho dùng lại"), "main"),
    }


def _names() -> dict[str, str]:
    return {
        "client_id": "client_id",
        "method": _("Chứng minh mình bằng"),
        "redirect_uris": _("Địa chỉ quay về"),
        "launch_url": _("Địa chỉ mở"),
        "intent": "intent",
        "jwks_url": _("Địa chỉ khóa công khai"),
        "jwks": _("Khóa đã nộp"),
        "scopes": _("Quyền xin"),
        "needed": _("Quyền không thể thiếu"),
        "for_citizens": _("Người dân dùng"),
        "for_staff": _("Nhân viên dùng"),
        "backend": _("Tự chạy"),
        "facility": _("Cơ sở"),
        "introspects": _("Được hỏi về mọi token"),
        "name": _("Tên"),
        "description": _("Làm gì"),
        "home": _("Trang web"),
        "contact": _("Người chịu trách nhiệm"),
        "privacy": _("Dữ liệu được dùng thế nào"),
        "logo": _("Biểu tượng"),
    }


def _value(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _("có") if value else ""
    if name == "jwks":
        return ", ".join(str(one.get("kid")) for one in value["keys"]) if value else ""
    if name == "logo":
        return _("biểu tượng mới")
    if name == "method":
        return str(dict(App._meta.get_field("method").flatchoices).get(value, value))
    return "\n".join(value) if isinstance(value, list) else str(value or "")


def _facts(found: App) -> list[tuple[str, str]]:
    shown = (
        "client_id", "method", "redirect_uris", "launch_url", "intent", "jwks_url", "jwks", "scopes", "needed",
        "for_citizens", "for_staff", "backend", "facility", "introspects", "contact", "home", "privacy",
    )  # fmt: skip
    pairs = [(_names()[name], _value(name, getattr(found, name))) for name in shown]
    return [(name, value) for name, value in pairs if value]


def _changes(found: App) -> list[tuple[str, str, str]]:
    """What a developer wants changed: name, as it is, as it would be."""
    proposed = found.proposed or {}
    return [
        (
            _names()[name],
            "" if name == registering.LOGO else _value(name, getattr(found, name)),
            _value(name, proposed[name]),
        )
        for name in (*registering.SAID, registering.LOGO)
        if name in proposed
    ]


def _lines(found: App) -> list[str]:
    return list(dict.fromkeys(str(one.subject.name) for one in subjects.lines(split(found.scopes))))


@require_POST
@login_required
def decide(request: HttpRequest, client_id: str) -> HttpResponse:
    """A reviewer's decision. Refusing and stopping say why."""
    account = _account(request)
    found = get_object_or_404(App, client_id=client_id)
    if not registering.may_review(account, found):
        raise Http404
    act, note = request.POST.get("act", ""), NoteForm(request.POST)
    reason = note.cleaned_data["note"].strip() if note.is_valid() else ""
    if act in (registering.REFUSE, registering.SUSPEND) and not reason:
        note.add_error("note", _("Viết lý do: người đăng ký sẽ đọc."))
    if note.errors:
        return _app_page(request, found, account, note)
    try:
        registering.decide(
            found,
            act,
            seen=request.POST.get("seen", ""),
            note=reason,
            by=account,
            introspects="introspects" in request.POST,
            now=timezone.now(),
        )
    except ValueError:
        messages.error(request, _("Ứng dụng vừa được người khác xử lý. Xem lại rồi quyết định."))
    return redirect("oauth:app", client_id)


@require_POST
@login_required
def secret(request: HttpRequest, client_id: str) -> HttpResponse:
    """A new secret for the developer, shown on the next page and never again."""
    account = _account(request)
    found = get_object_or_404(App, client_id=client_id, registered_by=account, method=SECRET)
    text = registering.new_secret(found, by=account, now=timezone.now())
    request.session[SECRET_SHOWN] = {"app": client_id, "text": text}
    return redirect("oauth:app", client_id)


@require_safe
def logo(request: HttpRequest, client_id: str) -> HttpResponse:
    """The picture of an app, drawn anew when it came in. Of apps not yet judged only for those who may see them."""
    found = App.objects.filter(client_id=client_id).exclude(logo=None).first()
    if found is None or found.logo is None:
        raise Http404
    if found.state != APPROVED and not (
        request.user.is_authenticated and registering.may_see(request.user, found)
    ):
        raise Http404
    content = bytes(found.logo)
    kind = "image/png" if content.startswith(b"\x89PNG") else "image/jpeg"
    return file_response(content, kind=kind, name="logo", shown=True)


@require_safe
@login_required
def developers(request: HttpRequest) -> HttpResponse:
    """What a developer needs to know of this server."""
    facts = [
        (_("Địa chỉ FHIR"), addresses.record_url()),
        (_("Cấu hình SMART"), f"{addresses.record_url()}/.well-known/smart-configuration"),
        (_("Cấu hình OpenID Connect"), f"{addresses.issuer()}/.well-known/openid-configuration"),
    ]
    page = pages.DevelopersPage(pages.base_of(request.user), facts, _("Nối ứng dụng với Y Bạ"))
    return render(request, "oauth/developers.html", {"page": page})
