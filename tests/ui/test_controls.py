"""The controls written by hand are Django's own, but for blanks between tags."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from yba.ui.controls import Renderer

_ODD = {
    "class": "input",
    "data-x": '"><b>',
    "autofocus": True,
    "hidden": False,
    "maxlength": 12,
    "title": _("Đóng"),
}
_WIDGETS = [
    (kind(attrs=_ODD), value)
    for kind in (
        forms.TextInput, forms.NumberInput, forms.EmailInput, forms.URLInput, forms.PasswordInput, forms.HiddenInput,
        forms.DateInput, forms.TimeInput, forms.CheckboxInput,
    )
    for value in (None, "", "A&B <i>'\"", 1234567, mark_safe("a&amp;b"), date(2026, 11, 23), True)
] + [
    (kind(attrs=_ODD, choices=choices), value)
    for kind in (forms.Select, forms.SelectMultiple)
    for choices in (
        [],
        [("", _("Đóng")), ("1", "Một & <hai>"), (2, 12345), (None, "không")],
        [("Nhóm <a>", [("x", "X"), ("y", "Y")]), ("z", mark_safe("<b>Z</b>"))],
    )
    for value in (None, "1", ["x", "2"])
]  # fmt: skip


@pytest.mark.parametrize(("widget", "value"), _WIDGETS)
def test_same_as_django(widget: forms.Widget, value: object) -> None:
    own, django = (
        re.sub(r">\s+<", "><", widget.render("tên<", value, {"id": "id_x"}, renderer=renderer()))
        for renderer in (Renderer, DjangoTemplates)
    )
    assert own == django
