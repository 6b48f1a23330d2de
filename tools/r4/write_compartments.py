"""Write compartments.py: which parameters put a resource into whose compartment."""

from __future__ import annotations

import json

from tools.r4.definitions import Json
from tools.r4.write_types import HEADER

_PREAMBLE = f'''"""Compartments of FHIR R4. {HEADER}"""

COMPARTMENTS: dict[str, dict[str, tuple[str, ...]]] = {{
'''


def compartments_module(compartments: dict[str, Json]) -> str:
    lines = [_PREAMBLE.rstrip("\n")]
    for code in sorted(compartments):
        lines.append(f"    {json.dumps(code)}: {{")
        for resource in sorted(compartments[code]["resource"], key=lambda r: str(r["code"])):
            names = [json.dumps(name) for name in resource.get("param", ()) if name != "{def}"]
            if names:
                lines.append(
                    f"        {json.dumps(resource['code'])}: ({', '.join(names)}{',' * (len(names) == 1)}),"
                )
        lines.append("    },")
    lines.append("}")
    lines.append(
        '"""Compartment -> resource type -> search parameters that link it; its focus is in it anyway."""'
    )
    return "\n".join(lines) + "\n"
