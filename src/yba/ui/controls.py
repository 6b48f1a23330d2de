"""Django's renderer of form controls, with the plain ones written by hand.

Django renders a select by four templates an option; a room to choose among fifty took a tenth of a second. What is
written here is what Django's own templates write, but for blanks between tags; ``tests/ui/test_controls.py`` holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.formats import localize
from django.utils.html import conditional_escape
from django.utils.safestring import SafeData, SafeString, mark_safe

Widget = Mapping[str, Any]
_FOLDER: Final = "django/forms/widgets/"


def _text(value: object) -> str:
    """A value as ``{{ value|stringformat:'s' }}`` writes it; a page's fifty options ask it two hundred times."""
    return str(value) if isinstance(value, SafeData) else escape(str(value))


def _attributes(widget: Widget) -> str:
    return "".join(
        f" {_text(name)}" if value is True else f' {_text(name)}="{_text(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


def _input(widget: Widget) -> str:
    value = "" if widget["value"] is None else f' value="{_text(widget["value"])}"'
    return (
        f'<input type="{_text(widget["type"])}" name="{_text(widget["name"])}"{value}{_attributes(widget)}>'
    )


def _select(widget: Widget) -> str:
    groups = "".join(_group(name, options) for name, options, _number in widget["optgroups"])
    return f'<select name="{_text(widget["name"])}"{_attributes(widget)}>{groups}</select>'


def _group(name: str | None, options: list[Widget]) -> str:
    inside = "".join(_option(one) for one in options)
    return f'<optgroup label="{conditional_escape(name)}">{inside}</optgroup>' if name else inside


def _option(option: Widget) -> str:
    label = option["label"]
    label = _text(label if isinstance(label, str) else localize(label))
    return f'<option value="{_text(option["value"])}"{_attributes(option)}>{label}</option>'


_OWN: Final[dict[str, Callable[[Widget], str]]] = {
    **{
        f"{_FOLDER}{name}.html": _input
        for name in ("text", "number", "email", "url", "password", "hidden", "date", "time", "checkbox")
    },
    f"{_FOLDER}select.html": _select,
}


class Renderer(DjangoTemplates):
    """Of Django's templates those that are asked for most are written without a template."""

    def render(
        self, template_name: str, context: Mapping[str, Any], request: HttpRequest | None = None
    ) -> SafeString:
        own = _OWN.get(template_name)
        if own is None:
            return SafeString(super().render(template_name, dict(context), request))
        return mark_safe(own(context["widget"]))  # noqa: S308 - every value is escaped above
