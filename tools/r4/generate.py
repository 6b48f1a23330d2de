"""From definitions to the text of every module."""

from __future__ import annotations

from pathlib import Path

from tools.r4.bindings import Codes
from tools.r4.definitions import Definitions, Json
from tools.r4.shapes import Shape, shapes_of, snake
from tools.r4.write_codes import codes_module
from tools.r4.write_compartments import compartments_module
from tools.r4.write_profiles import profile_files
from tools.r4.write_search import search_module
from tools.r4.write_structures import structure_file
from tools.r4.write_terminology import terminology_files
from tools.r4.write_types import HEADER, module

# Only StructureDefinition needs it, and it is as large as all other data types together.
_APART = "ElementDefinition"


def modules(definitions: Definitions) -> dict[str, str]:
    """File name, perhaps with its folder, -> text."""
    shapes = all_shapes(definitions)
    codes = shapes.codes
    inherited: dict[str, int] = {}
    texts = {
        "primitives.py": primitives_module(),
        "datatypes.py": module("Data types", shapes.datatypes, inherited),
    }
    texts["element_definition.py"] = module("The data type ElementDefinition", shapes.apart, inherited)
    for name, classes in shapes.resources.items():
        text = module(f"The resource type {name}", classes, inherited)
        if name == "StructureDefinition":
            text = _move_import(text)
        texts[f"{snake(name)}.py"] = text
    texts["codes.py"] = codes_module(codes.literals)
    texts["search_parameters.py"] = search_module(definitions)
    texts["compartments.py"] = compartments_module(definitions.compartments)
    texts["__init__.py"] = init_module(list(shapes.resources))
    for name, structure in (definitions.structures | definitions.primitives).items():
        texts[f"structures/{name}.json"] = structure_file(structure)
    return texts | profile_files(definitions.profiles) | terminology_files(definitions)


class Everything:
    """The shapes of all types, in the order they are written."""

    def __init__(self, codes: Codes) -> None:
        self.codes = codes
        self.datatypes: list[Shape] = []
        self.apart: list[Shape] = []
        self.resources: dict[str, list[Shape]] = {}


def all_shapes(definitions: Definitions) -> Everything:
    names = set(definitions.structures)
    found = Everything(Codes(definitions, frozenset(names)))
    written: set[str] = set()
    for structure in _bases_first(definitions):
        shapes = shapes_of(structure, definitions, found.codes)
        repeated = written & {shape.name for shape in shapes}
        if repeated:
            raise ValueError(f"two classes are named {sorted(repeated)}")
        written |= {shape.name for shape in shapes}
        if structure["type"] == _APART:
            found.apart = shapes
        elif structure["kind"] == "resource" and not structure["abstract"]:
            found.resources[structure["type"]] = shapes
        else:
            found.datatypes += shapes
    return found


def _bases_first(definitions: Definitions) -> list[Json]:
    """Abstract types before what is built on them, then by name: Python needs a base before its class."""
    ranks: dict[str, int] = {"": 0}

    def rank(name: str) -> int:
        if name not in ranks:
            base = definitions.structures[name].get("baseDefinition", "").rpartition("/")[2]
            ranks[name] = 1 + rank(base)
        return ranks[name]

    leaf = {"Element", "BackboneElement", "Resource", "DomainResource"}
    return [
        definitions.structures[name]
        for name in sorted(definitions.structures, key=lambda n: (n not in leaf, rank(n), n))
    ]


def primitives_module() -> str:
    text = (Path(__file__).parent / "primitives.py").read_text()
    title, rest = text.split("\n", 1)
    return f"{title}\n\n{HEADER} Its source is tools/r4/primitives.py.\n{rest}"


def init_module(resources: list[str]) -> str:
    rows = "".join(f'    "{name}": "{snake(name)}",\n' for name in sorted(resources))
    return (
        f'"""FHIR R4 as Python types: a module a resource type, loaded when needed. {HEADER}"""\n\n'
        f"MODULES: dict[str, str] = {{\n{rows}}}\n"
        '"""Resource type -> the module that holds its class."""\n'
    )


def _move_import(text: str) -> str:
    lines = []
    for line in text.split("\n"):
        if line.startswith("from yba.fhir.r4.datatypes import") and "ElementDefinition" in line:
            lines.append(line.replace("ElementDefinition, ", ""))
            lines.append("from yba.fhir.r4.element_definition import ElementDefinition")
        else:
            lines.append(line)
    return "\n".join(lines)
