"""Fields for files: what a form gives on is an `Accepted`, never the bytes as they came."""

from __future__ import annotations

from typing import Any

from django import forms

from yba.care.refusal import Refusal
from yba.care.uploads import rules


class DocumentField(forms.FileField):
    """A paper or a picture of one."""

    accept = ",".join(sorted(rules.DOCUMENTS))
    most = rules.MOST_BYTES

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs.setdefault("accept", self.accept)

    def judged(self, content: bytes, declared: str, name: str) -> rules.Accepted | Refusal:
        return rules.document(content, declared=declared, name=name, most=self.most)

    def clean(self, data: Any, initial: Any = None) -> Any:
        """An `Accepted`, or None where nothing was sent and nothing is needed."""
        found = super().clean(data, initial)
        if not found:
            return None
        if found.size > self.most:  # before it is read
            found_most = f"{self.most / 1024 / 1024:g}"
            raise forms.ValidationError(_too_large(found_most), code="upload.size")
        judged = self.judged(found.read(), found.content_type or "", found.name or "")
        if isinstance(judged, Refusal):
            raise forms.ValidationError(judged.message, code=judged.key)
        return judged


class PictureField(DocumentField):
    """A picture, drawn anew."""

    accept = ",".join(sorted(rules.PICTURES))
    most = rules.MOST_PICTURE_BYTES

    def judged(self, content: bytes, declared: str, name: str) -> rules.Accepted | Refusal:
        return rules.picture(content, declared=declared, name=name, most=self.most)


class FilesInput(forms.FileInput):
    """Several files at once."""

    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """All of them; a form is given what a request has."""
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name)


class FilesField(DocumentField):
    """Pictures, papers and voice notes, several at once: a list of `Accepted`."""

    widget = FilesInput
    accept = ",".join([*sorted(rules.DOCUMENTS), "audio/*"])

    def __init__(self, *, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count

    def judged(self, content: bytes, declared: str, name: str) -> rules.Accepted | Refusal:
        return rules.anything(content, declared=declared, name=name, most=self.most)

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Each judged by itself; one that is refused refuses them all, by its name."""
        given = [one for one in (data if isinstance(data, list | tuple) else [data]) if one]
        if len(given) > self.count:
            raise forms.ValidationError(_too_many(self.count), code="upload.count")
        found = []
        for one in given:
            try:
                found.append(super().clean(one, initial))
            except forms.ValidationError as problem:
                raise forms.ValidationError(f"{one.name}: {problem.messages[0]}", code=problem.code) from None
        return found


def _too_many(count: int) -> str:
    from django.utils.translation import gettext as _

    return _("Gửi nhiều nhất %(count)s tệp một lần.") % {"count": count}


def _too_large(most: str) -> str:
    from django.utils.translation import gettext as _

    return _("Tệp lớn hơn %(most)s MB. Gửi tệp nhỏ hơn.") % {"most": most}
