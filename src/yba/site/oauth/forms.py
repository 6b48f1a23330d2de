"""What people fill in: what an app may do for them, and what an app says of itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from yba.care.refusal import Refusal
from yba.care.uploads import picture
from yba.care.uploads.forms import PictureField
from yba.site.oauth import jwks, scopes, subjects
from yba.site.oauth.deciding import DAYS, Asking, Decision
from yba.site.oauth.models import METHODS, OWN_KEY, App
from yba.site.oauth.picking import Choice

#: Access for this session only.
ONCE: Final = "0"
YEAR: Final = 365
LOGO_SIZE: Final = 256
MOST_ADDRESSES: Final = 10
_FORBIDDEN_SCHEMES: Final = frozenset(
    {
        "javascript", "data", "vbscript", "file", "blob", "about", "ftp", "ws", "wss", "mailto", "tel", "sms",
        "view-source",
    }
)  # fmt: skip

if TYPE_CHECKING:
    _OfApp = forms.ModelForm[App]
else:
    _OfApp = forms.ModelForm


class DecisionForm(forms.Form):
    """A person's answer to an app: whose book, which parts, sensitive ones or not, how long."""

    nguoi = forms.ChoiceField(
        label=_("Cho xem sổ của ai"),
        required=False,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": _("Chọn một người trong danh sách.")},
    )
    phan = forms.MultipleChoiceField(label=_("Cho ứng dụng"), required=False)
    nhay_cam = forms.BooleanField(label=_("Cả phần nhạy cảm"), required=False)
    thoi_han = forms.ChoiceField(label=_("Trong bao lâu"), required=False, widget=forms.RadioSelect)

    def __init__(self, data: Any, *, asked: Asking, choices: Sequence[Choice]) -> None:
        super().__init__(data)
        self._asked, self._choices = asked, choices
        self._field("nguoi").choices = [(one.id, one.name) for one in choices]
        self._field("phan").choices = [(line.key, line.key) for line in asked.lines]
        lasting = [
            (str(days), _now("Một năm") if days == YEAR else _now("%(days)s ngày") % {"days": days})
            for days in sorted(DAYS)
        ]
        self._field("thoi_han").choices = [(ONCE, _now("Chỉ lần này, đến khi ra khỏi tài khoản")), *lasting]
        needed = scopes.OFFLINE in scopes.split(asked.app.needed)
        self.initial["thoi_han"] = str(DAYS[0]) if needed else ONCE
        if len(choices) == 1:
            self.initial["nguoi"] = choices[0].id
        self.patient = choices[0].id if choices else ""

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if self._asked.needs_patient and not self.errors.get("nguoi"):
            if len(self._choices) > 1 and not found.get("nguoi"):
                self.add_error("nguoi", _now("Chọn một người."))
            if not self._choices:
                self.add_error(None, _now("Tài khoản này chưa có sổ nào để chia sẻ."))
        only_words = not self._asked.lines
        if not only_words and not found.get("phan"):
            self.add_error("phan", _now("Chưa chọn phần nào. Chọn ít nhất một phần, hoặc bấm Không cho."))
        return found

    def decision(self) -> Decision:
        found = self.cleaned_data
        days = int(found.get("thoi_han") or ONCE) if self._asked.lasting else 0
        given = subjects.chosen(self._asked.asked, frozenset(found.get("phan", [])))
        if not days:
            given = [one for one in given if one != scopes.OFFLINE]
        return Decision(
            given=given,
            patient=found.get("nguoi") or self.patient,
            days=days or None,
            sensitive=bool(found.get("nhay_cam")) and self._asked.citizen,
        )


class AppForm(_OfApp):
    """What an app says of itself. Everything a reviewer must be able to judge is needed."""

    home = forms.URLField(label=_("Trang web"), max_length=300, required=False, assume_scheme="https")
    addresses = forms.CharField(
        label=_("Địa chỉ quay về"),
        help_text=_(
            "Mỗi dòng một địa chỉ, đúng từng chữ (redirect URI). Chỉ https, trừ ứng dụng cài trên máy."
        ),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "none"}),
    )
    picture = PictureField(
        label=_("Biểu tượng"),
        help_text=_("Ảnh vuông, PNG hoặc JPEG. Ảnh được vẽ lại khi nhận."),
        required=False,
    )
    keys = forms.CharField(
        label=_("Khóa công khai (JWK Set)"),
        help_text=_("Chỉ khi không có địa chỉ khóa: dán tập khóa RSA hoặc P-384, mỗi khóa có kid."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )

    class Meta:
        model = App
        fields = (
            "name", "description", "home", "contact", "privacy", "method", "launch_url", "intent", "jwks_url",
            "scopes", "needed", "for_citizens", "for_staff", "backend", "facility",
        )  # fmt: skip
        labels = {
            "name": _("Tên ứng dụng"),
            "description": _("Ứng dụng làm gì cho người dùng"),
            "contact": _("Người chịu trách nhiệm, điện thoại hoặc thư"),
            "privacy": _("Dữ liệu được dùng thế nào"),
            "method": _("Ứng dụng chứng minh mình bằng"),
            "launch_url": _("Địa chỉ mở từ trang của Y Bạ"),
            "intent": _("Ý định gửi kèm khi mở (intent)"),
            "jwks_url": _("Địa chỉ khóa công khai (JWKS)"),
            "scopes": _("Quyền muốn xin (scope)"),
            "needed": _("Trong đó, quyền không thể thiếu"),
            "for_citizens": _("Người dân dùng"),
            "for_staff": _("Nhân viên y tế dùng"),
            "backend": _("Hệ thống tự chạy, không có người bấm (Backend Services)"),
            "facility": _("Mã cơ sở"),
        }
        help_texts = {
            "privacy": _(
                "Người dân đọc đoạn này trước khi đồng ý: lấy gì, để làm gì, giữ bao lâu, đưa cho ai."
            ),
            "launch_url": _("Cần khi ứng dụng được mở từ trang khám hoặc trang ứng dụng."),
            "scopes": _(
                "Cách nhau bằng dấu cách, ví dụ: openid fhirUser launch/patient patient/Observation.rs"
            ),
            "needed": _("Những phần được đánh dấu sẵn khi hỏi. Để trống nếu người dùng tự chọn hết."),
            "facility": _("Bắt buộc với hệ thống tự chạy; để trống nếu mọi cơ sở dùng được."),
        }
        widgets = {
            "description": forms.Textarea(attrs={"rows": 2}),
            "privacy": forms.Textarea(attrs={"rows": 5}),
            "scopes": forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "none"}),
            "needed": forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocapitalize": "none"}),
            "method": forms.RadioSelect,
        }

    def __init__(self, *args: Any, facility: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._own_facility = facility
        method: Any = self.fields["method"]
        method.choices = list(METHODS.items())
        app = self.instance
        if app.pk:
            self.initial.setdefault("addresses", "\n".join(app.redirect_uris))
            self.initial.setdefault("keys", json.dumps(app.jwks, indent=1) if app.jwks else "")
        self.fields["needed"].required = False

    def clean_addresses(self) -> list[str]:
        found = [line.strip() for line in self.cleaned_data["addresses"].splitlines() if line.strip()]
        if len(found) > MOST_ADDRESSES:
            raise forms.ValidationError(_("Nhiều nhất 10 địa chỉ."))
        for one in found:
            problem = wrong_address(one, own_apps=True)
            if problem:
                raise forms.ValidationError(f"{one[:100]}: {problem}")
        return list(dict.fromkeys(found))

    def clean_launch_url(self) -> str:
        return self._plain_https("launch_url")

    def clean_jwks_url(self) -> str:
        return self._plain_https("jwks_url")

    def _plain_https(self, name: str) -> str:
        found = str(self.cleaned_data[name] or "").strip()
        problem = wrong_address(found, own_apps=False) if found else ""
        if problem:
            raise forms.ValidationError(problem)
        return found

    def clean_scopes(self) -> str:
        return self._known("scopes")

    def clean_needed(self) -> str:
        return self._known("needed")

    def _known(self, name: str) -> str:
        asked = scopes.split(" ".join(str(self.cleaned_data[name] or "").split()))
        wrong = [one for one in asked if one not in scopes.known(asked)]
        if wrong:
            raise forms.ValidationError(_("Không hiểu quyền: %(wrong)s") % {"wrong": " ".join(wrong)[:200]})
        return " ".join(asked)

    def clean_keys(self) -> Any:
        text = self.cleaned_data["keys"].strip()
        if not text:
            return None
        try:
            return jwks.checked(json.loads(text))
        except (ValueError, RecursionError):
            raise forms.ValidationError(
                _(
                    "Chưa phải tập khóa dùng được: cần khóa công khai RSA từ 2048 bit hoặc P-384, mỗi khóa một kid."
                )
            ) from None

    def clean_picture(self) -> bytes | None:
        given = self.cleaned_data["picture"]
        if given is None:
            return None
        small = picture(given.content, longest=LOGO_SIZE)
        if isinstance(small, Refusal):
            raise forms.ValidationError(small.message)
        return small.content

    def clean_facility(self) -> str:
        found = str(self.cleaned_data["facility"] or "").strip()
        if self._own_facility and found not in ("", self._own_facility):
            raise forms.ValidationError(_("Chỉ đăng ký được cho cơ sở của mình."))
        return found

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        person = found.get("for_citizens") or found.get("for_staff")
        if person and not found.get("addresses") and "addresses" not in self.errors:
            self.add_error("addresses", _now("Ứng dụng có người dùng cần ít nhất một địa chỉ quay về."))
        if found.get("backend"):
            self._of_backend(found)
        if not person and not found.get("backend"):
            self.add_error("for_citizens", _now("Chọn ai dùng ứng dụng."))
        if found.get("method") == OWN_KEY and not found.get("jwks_url") and not found.get("keys"):
            self.add_error("jwks_url", _now("Cần địa chỉ khóa, hoặc tập khóa dán bên dưới."))
        wanted = scopes.split(found.get("scopes", ""))
        if not scopes.all_within(scopes.split(found.get("needed", "")), wanted):
            self.add_error("needed", _now("Quyền không thể thiếu phải nằm trong quyền muốn xin."))
        self._fits(found, wanted)
        return found

    def _of_backend(self, found: dict[str, Any]) -> None:
        if found.get("method") != OWN_KEY:
            self.add_error("method", _now("Hệ thống tự chạy phải ký bằng khóa riêng."))
        if not found.get("facility"):
            self.add_error("facility", _now("Hệ thống tự chạy thuộc một cơ sở: cần mã cơ sở."))

    def _fits(self, found: dict[str, Any], wanted: list[str]) -> None:
        """What is asked must be of a kind of use that is registered."""
        contexts = {one.context for one in scopes.resources(wanted)}
        if scopes.SYSTEM in contexts and not found.get("backend"):
            self.add_error("scopes", _now("Quyền system/ chỉ dành cho hệ thống tự chạy."))
        if scopes.LAUNCH in wanted and not found.get("launch_url"):
            self.add_error("launch_url", _now("Quyền launch cần địa chỉ mở."))


def wrong_address(text: str, *, own_apps: bool) -> str:
    """Why an address can't be led to; empty when it can. RFC 8252, 7; OAuth 2.1, 2.3.

    ``own_apps``: schemes of an app of its own (``vn.example.app:/x``) and this very device are addresses too.
    """
    if len(text) > 500 or any(one.isspace() or ord(one) < 33 or one in "\"'<>\\^`{|}" for one in text):
        return _now("Địa chỉ có ký tự không dùng được, hoặc dài quá.")
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return _now("Địa chỉ không đọc được.")
    if "#" in text or "@" in parts.netloc or "*" in text:
        return _now("Địa chỉ không được có dấu #, @ hay *.")
    if parts.scheme == "https" and host and (own_apps or not _inside(host)):
        return ""
    here = host in ("127.0.0.1", "::1", "localhost")
    if parts.scheme == "http" and here and (own_apps or settings.YBA_DEMO):
        return ""
    own = "." in parts.scheme and parts.scheme not in _FORBIDDEN_SCHEMES
    if own_apps and own and not parts.netloc:
        return ""
    return _now("Cần địa chỉ https đầy đủ, có tên máy chủ.")


def _inside(host: str) -> bool:
    """Whether a host is written as a number, or has a name only the inside knows: nobody else's server."""
    return (
        "." not in host
        or host.replace(".", "").isdigit()
        or ":" in host
        or host.endswith((".local", ".internal"))
    )


class NoteForm(forms.Form):
    """Why something was decided: the history keeps it, the developer reads it."""

    note = forms.CharField(
        label=_("Lý do"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
