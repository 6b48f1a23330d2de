"""Write codes.py: a Literal for each required binding."""

from __future__ import annotations

import json

from tools.r4.write_types import HEADER


def codes_module(literals: dict[str, tuple[str, tuple[str, ...]]]) -> str:
    lines = [
        f'"""Codes of the required bindings of FHIR R4. {HEADER}"""',
        "",
        "from typing import Literal",
        "",
    ]
    for name in sorted(literals):
        url, codes = literals[name]
        listed = ", ".join(json.dumps(code, ensure_ascii=False) for code in codes)
        lines += ["", f"{name} = Literal[{listed}]", f'"""{url}"""']
    return "\n".join(lines) + "\n"
