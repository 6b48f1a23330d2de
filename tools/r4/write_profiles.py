"""Write profiles/: the profiles and extension definitions of the package, one a line, and where each begins."""

from __future__ import annotations

import json

from tools.r4.definitions import Json
from tools.r4.write_structures import structure_file

_UNREAD = ("short", "isSummary", "representation")  # a profile's are those of its type
_HEAD = ("version", "status", "context", "contextInvariant")


def profile_files(profiles: list[Json]) -> dict[str, str]:
    """File name -> text: ``profiles.json`` and ``extensions.json``, and the index of both by canonical url."""
    index: dict[str, list[object]] = {}
    texts: dict[str, str] = {}
    for name, chosen in (("profiles", False), ("extensions", True)):
        lines = []
        at = len("[\n")
        for profile in sorted(profiles, key=lambda one: str(one["url"])):
            if (profile["type"] == "Extension") is not chosen:
                continue
            line = _line(profile)
            size = len(line.encode())
            index[profile["url"]] = [name, at, size]
            lines.append(line)
            at += size + len(",\n")
        texts[f"profiles/{name}.json"] = "[\n" + ",\n".join(lines) + "\n]\n"
    rows = ",\n".join(f"{json.dumps(url)}:{json.dumps(index[url])}" for url in sorted(index))
    texts["profiles/index.json"] = "{\n" + rows + "\n}\n"
    return texts


def _line(profile: Json) -> str:
    """The trimmed definition, with what says where an extension may stand."""
    trimmed = json.loads(structure_file(profile))
    head = {key: profile[key] for key in _HEAD if key in profile}
    snapshot = trimmed.pop("snapshot")
    for element in snapshot["element"]:
        for unread in _UNREAD:
            element.pop(unread, None)
    return json.dumps(trimmed | head | {"snapshot": snapshot}, ensure_ascii=False, separators=(",", ":"))
