"""The face as a Django app."""

from __future__ import annotations

from django import forms
from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class UiConfig(AppConfig):
    name = "yba.ui"
    label = "ui"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """What an empty or odd field says where its form says nothing: Django's own Vietnamese speaks of "trường"."""
        _say(forms.Field, required=_("Chưa ghi mục này."))
        for kind in (forms.ChoiceField, forms.MultipleChoiceField, forms.TypedChoiceField):
            _say(
                kind,
                required=_("Chưa chọn mục này."),
                invalid_choice=_("Lựa chọn này không có trong danh sách. Chọn lại."),
            )
        _say(forms.FileField, required=_("Chưa chọn tệp."))
        _say(forms.IntegerField, invalid=_("Ghi bằng chữ số, ví dụ 25."))


def _say(kind: type[forms.Field], **words: object) -> None:
    """Beside the kind's other messages; a form's own come before these."""
    kind.default_error_messages = {**kind.default_error_messages, **words}  # type: ignore[dict-item]  # lazy words
