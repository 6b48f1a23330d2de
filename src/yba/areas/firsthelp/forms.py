"""What a page of first help sends: the answers so far, signed, and what was chosen or typed on this one."""

from __future__ import annotations

from django import forms

from yba.areas.firsthelp.understanding import LONGEST

#: More than any conversation needs; what is longer is not ours.
LONGEST_TOKEN = 20_000


class AnswerForm(forms.Form):
    """One screen's answer. Boxes and radios are read as a list beside it: they are the screen's own."""

    token = forms.CharField(required=False, max_length=LONGEST_TOKEN)
    screen = forms.CharField(max_length=60)
    words = forms.CharField(required=False, max_length=LONGEST)


class KeepForm(forms.Form):
    """In whose book the result is kept."""

    token = forms.CharField(max_length=LONGEST_TOKEN)
    patient = forms.CharField(max_length=64)
