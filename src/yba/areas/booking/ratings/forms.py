"""What is filled in: a rating, a dispute, a decision."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yba.areas.booking.ratings import questions, rules
from yba.areas.booking.ratings.models import Rating
from yba.areas.booking.ratings.rules import Said

_PREFIX: Final = "hoi-"


class RateForm(forms.Form):
    """Stars, the few questions of the Questionnaire, words."""

    stars = forms.TypedChoiceField(
        label=gettext_lazy("Hài lòng với lần khám này đến mức nào?"),
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Chọn từ 1 đến 5.")},
    )
    words = forms.CharField(
        label=gettext_lazy("Nói thêm"),
        help_text=gettext_lazy(
            "Ai cũng đọc được, không kèm tên. Đừng viết họ tên, số điện thoại hay bệnh của mình."
        ),
        required=False,
        max_length=rules.MOST_WORDS,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stars = self.fields["stars"]
        assert isinstance(stars, forms.TypedChoiceField)
        stars.choices = [
            (key, f"{key} – {words}") for key, words in sorted(rules.STARS.items(), reverse=True)
        ]
        words = self.fields.pop("words")
        for one in questions.questions():
            self.fields[_PREFIX + one.key] = forms.ChoiceField(
                label=one.text, choices=list(one.options), required=False, widget=forms.RadioSelect
            )
        self.fields["words"] = words

    @property
    def asked(self) -> list[Any]:
        """The fields of the questions, in their order."""
        return [self[name] for name in self.fields if name.startswith(_PREFIX)]

    def said(self) -> Said:
        """What was said, once it is valid."""
        data = self.cleaned_data
        answers = {
            name.removeprefix(_PREFIX): data[name]
            for name in self.fields
            if name.startswith(_PREFIX) and data[name]
        }
        return Said(data["stars"], answers, " ".join(data["words"].split()))


def initial_of(rating: Rating | None) -> dict[str, object]:
    """A rating as it stands, to be changed."""
    if rating is None:
        return {}
    return {"stars": rating.stars, "words": rating.words} | {
        _PREFIX + key: answer for key, answer in rating.answers.items()
    }


class DisputeForm(forms.Form):
    """Why a rating should not be shown."""

    reason = forms.ChoiceField(
        label=gettext_lazy("Vì sao không nên hiển thị"),
        error_messages={"required": gettext_lazy("Chọn lý do.")},
    )
    note = forms.CharField(
        label=gettext_lazy("Nói rõ cho người xem lại"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reason = self.fields["reason"]
        assert isinstance(reason, forms.ChoiceField)
        reason.choices = [("", _("Chọn lý do")), *((key, str(said)) for key, said in rules.REASONS.items())]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("reason") == "other" and not data.get("note"):
            self.add_error("note", _("Viết rõ lý do."))
        return data


class DecisionForm(forms.Form):
    """Keep it or hide it, and why."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    decision = forms.ChoiceField(
        label=gettext_lazy("Quyết định"),
        choices=[("keep", gettext_lazy("Giữ lại")), ("hide", gettext_lazy("Ẩn đi"))],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Chọn giữ lại hay ẩn đi.")},
    )
    why = forms.CharField(
        label=gettext_lazy("Lý do, người viết sẽ đọc được"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": gettext_lazy("Viết lý do: người viết đánh giá sẽ đọc.")},
    )
