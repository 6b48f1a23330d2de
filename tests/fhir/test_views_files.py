"""Views over files: what is read, what is refused and how it is told, and what `yba view` prints."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from yba.site.command import main

PATIENTS = [
    {"resourceType": "Patient", "id": "a", "gender": "female", "name": [{"family": 'Lê, "Hoa"'}]},
    {"resourceType": "Organization", "id": "o"},
    {"resourceType": "Patient", "id": "b"},
]
VIEW = {
    "resourceType": "ViewDefinition",
    "resource": "Patient",
    "select": [
        {
            "column": [
                {"name": "id", "path": "id"},
                {"name": "sex", "path": "gender"},
                {"name": "family", "path": "name.family.first()"},
            ]
        }
    ],
}
ROWS = [
    {"id": "a", "sex": "female", "family": 'Lê, "Hoa"'},
    {"id": "b", "sex": None, "family": None},
]


def lines(resources: list[Any]) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in resources)


@pytest.fixture
def view(tmp_path: Path) -> Path:
    path = tmp_path / "view.json"
    path.write_text(json.dumps(VIEW))
    return path


def told(view: Path, *more: str) -> int:
    return main(["view", "run", "--view", str(view), *more])


def test_rows_are_a_json_array_in_the_order_of_the_file(
    view: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = tmp_path / "all.ndjson"
    path.write_bytes(b"\n" + lines(PATIENTS))
    assert told(view, "--resources", str(path)) == 0
    assert json.loads(capfdbinary.readouterr().out) == ROWS


@pytest.mark.parametrize("shape", ["gz", "array", "bundle", "one", "two files", "lines in .json"])
def test_other_shapes_of_files(
    view: Path, tmp_path: Path, shape: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    names, expected = [tmp_path / "x.json"], ROWS
    if shape == "gz":
        names = [tmp_path / "x.ndjson.gz"]
        names[0].write_bytes(gzip.compress(lines(PATIENTS)))
    elif shape == "array":
        names[0].write_text(json.dumps(PATIENTS))
    elif shape == "bundle":
        entries = [{"fullUrl": "urn:x"}, *({"resource": one} for one in PATIENTS)]
        names[0].write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    elif shape == "one":
        names[0].write_text(json.dumps(PATIENTS[0], indent=2))
        expected = ROWS[:1]
    elif shape == "two files":
        names = [tmp_path / "1.ndjson", tmp_path / "2.ndjson"]
        names[0].write_bytes(lines(PATIENTS[:1]))
        names[1].write_bytes(lines(PATIENTS[1:]))
    else:
        names[0].write_bytes(lines(PATIENTS))
    assert told(view, "--resources", *map(str, names)) == 0
    assert json.loads(capfdbinary.readouterr().out) == expected


@pytest.mark.parametrize("name", ["a[1]*.ndjson", "it's.ndjson", "compressed.ndjson", "a.ndjson.gz"])
def test_names_of_files_mean_nothing(
    view: Path, tmp_path: Path, name: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    content = lines(PATIENTS)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.startswith("compressed") else content)
    (tmp_path / "a1x.ndjson").write_bytes(lines([{"resourceType": "Patient", "id": "other"}]))
    assert told(view, "--resources", str(tmp_path / name)) == 0
    assert json.loads(capfdbinary.readouterr().out) == ROWS


def test_a_byte_order_mark_is_no_fault(
    view: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    for name, content in (("a.json", json.dumps(PATIENTS).encode()), ("a.ndjson", lines(PATIENTS))):
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + content)
        assert told(view, "--resources", str(tmp_path / name)) == 0
        assert json.loads(capfdbinary.readouterr().out) == ROWS


def test_no_resource_gives_an_empty_array(
    view: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = tmp_path / "none.ndjson"
    path.write_bytes(b"")
    assert told(view, "--resources", str(path)) == 0
    assert capfdbinary.readouterr().out == b"[]\n"


def test_csv_quotes_and_leaves_nulls_empty(
    view: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = tmp_path / "x.ndjson"
    path.write_bytes(lines(PATIENTS))
    assert told(view, "--resources", str(path), "--format", "csv") == 0
    assert capfdbinary.readouterr().out.decode() == 'id,sex,family\r\na,female,"Lê, ""Hoa"""\r\nb,,\r\n'
    assert told(view, "--resources", str(path), "--format", "ndjson") == 0
    out = capfdbinary.readouterr().out
    assert [json.loads(line) for line in out.splitlines()] == ROWS


def test_decimals_keep_their_digits(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:  # fmt: skip
    view = tmp_path / "view.json"
    columns = [
        {"name": "value", "path": "value.ofType(Quantity).value"},
        {"name": "all", "path": "value.ofType(Quantity)", "type": "Quantity"},
        {"name": "note", "path": "note.text", "collection": True},
    ]
    view.write_text(json.dumps({"resource": "Observation", "select": [{"column": columns}]}))
    path = tmp_path / "x.ndjson"
    text = r'{"text":"a\":1.50, [2.10]"}'
    path.write_text(
        '{"resourceType":"Observation","valueQuantity":{"value": 80.10,"unit":"kg"},"note":[' + text + "]}\n"
        '{"resourceType":"Observation","valueQuantity":{"value":12345678901234567890.123,"unit":"1"}}\n'
    )
    assert told(view, "--resources", str(path), "--format", "ndjson") == 0
    assert capfdbinary.readouterr().out.decode().splitlines() == [
        r'{"value":80.10,"all":{"value":80.10,"unit":"kg"},"note":["a\":1.50, [2.10]"]}',
        '{"value":12345678901234567890.123,"all":{"value":12345678901234567890.123,"unit":"1"},"note":[]}',
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lines(PATIENTS) + b'{"resourceType":"Patient",\n', "x.ndjson, line 4: The JSON cannot be read"),
        (b'\n{"id":"a"}\n', "x.ndjson, line 2: this is no resource"),
        (b"17\n", "x.ndjson, line 1: this is no resource"),
        (b"\xff\xfe\n", "x.ndjson, line 1: The text is not UTF-8"),
    ],
)
def test_a_bad_line_is_named(
    view: Path, tmp_path: Path, content: bytes, says: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = tmp_path / "x.ndjson"
    path.write_bytes(content)
    assert told(view, "--resources", str(path)) == 2
    out, err = capfdbinary.readouterr()
    assert out == b""
    assert says in err.decode()
    assert err.startswith(b"yba: ")
    assert err.count(b"\n") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "The JSON cannot be read at line 1"),
        ("[]", "A ViewDefinition is a JSON object"),
        ('{"resourceType":"Patient"}', "no ViewDefinition"),
        (
            '{"resource":"Patient","select":[{"column":[{"name":"a"}]}]}',
            "ViewDefinition.select[0].column[0].path",
        ),
        (
            '{"resource":"Patient","select":[{"column":[{"name":"a","path":"nmae"}]}]}',
            "ViewDefinition.select[0].column[0].path: in 'nmae': Patient has no element 'nmae'",
        ),
    ],
)
def test_a_bad_view_is_refused(
    tmp_path: Path, text: str, says: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    view, path = tmp_path / "view.json", tmp_path / "x.ndjson"
    view.write_text(text)
    path.write_bytes(lines(PATIENTS))
    assert told(view, "--resources", str(path)) == 2
    out, err = capfdbinary.readouterr()
    assert out == b""
    assert says in err.decode()


def test_files_that_are_not_there(
    view: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert told(view, "--resources", str(tmp_path / "none.ndjson")) == 2
    assert b"there is no such file" in capfdbinary.readouterr().err
    assert told(tmp_path / "none.json", "--resources", str(view)) == 2
    assert b"No such file" in capfdbinary.readouterr().err


@pytest.mark.parametrize("name", ["x.ndjson.gz", "x.json.gz"])
@pytest.mark.parametrize("damage", ["cut", "broken"])
def test_a_damaged_packed_file_is_named(
    view: Path, tmp_path: Path, name: str, damage: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    packed = bytearray(
        gzip.compress(lines([{"resourceType": "Patient", "id": f"p{n * n}"} for n in range(3000)]))
    )
    half = len(packed) // 2
    packed[half:] = b"" if damage == "cut" else bytes(one ^ 255 for one in packed[half:])
    path = tmp_path / name
    path.write_bytes(packed)
    assert told(view, "--resources", str(path)) == 2
    out, err = capfdbinary.readouterr()
    assert out == b""
    assert err.startswith(f"yba: {path}".encode())
    assert err.count(b"\n") == 1


def test_parquet_refuses_names_that_differ_by_case_only(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    view, path = tmp_path / "view.json", tmp_path / "x.ndjson"
    columns = [{"name": "id", "path": "id"}, {"name": "ID", "path": "gender"}]
    view.write_text(json.dumps({"resource": "Patient", "select": [{"column": columns}]}))
    path.write_bytes(lines([{"resourceType": "Patient", "id": "a"}]))
    wanted = ("--format", "parquet", "--output", str(tmp_path / "x.parquet"))
    assert told(view, "--resources", str(path), *wanted) == 2
    assert b"'id' and 'ID' differ by case only" in capfdbinary.readouterr().err
    assert not (tmp_path / "x.parquet").exists()
    assert told(view, "--resources", str(path)) == 0


def test_several_values_print_nothing(
    view: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = tmp_path / "x.ndjson"
    path.write_bytes(lines([{"resourceType": "Patient", "name": [{"family": "a"}, {"family": "b"}]}]))
    view.write_text(
        json.dumps({"resource": "Patient", "select": [{"column": [{"name": "f", "path": "name.family"}]}]})
    )
    assert told(view, "--resources", str(path)) == 2
    out, err = capfdbinary.readouterr()
    assert out == b""
    assert err.decode().startswith("yba: Column 'f' has several values where one is expected")


def test_parquet_has_the_types_of_the_columns(tmp_path: Path) -> None:
    view, path, out = tmp_path / "view.json", tmp_path / "x.ndjson", tmp_path / "out.parquet"
    tag = [{"name": "ansi/type", "value": "DATE"}]
    columns = [
        {"name": "id", "path": "id"},
        {"name": "born", "path": "birthDate", "tag": tag},
        {"name": "n", "path": "name.count()", "type": "integer"},
        {"name": "active", "path": "active"},
        {"name": "changed", "path": "meta.lastUpdated"},
    ]
    view.write_text(json.dumps({"resource": "Patient", "select": [{"column": columns}]}))
    resource = {
        "resourceType": "Patient", "id": "a", "birthDate": "1970-01-02", "active": True,
        "meta": {"lastUpdated": "2020-01-01T07:00:00+07:00"},
    }  # fmt: skip
    path.write_bytes(lines([resource, {"resourceType": "Patient", "id": "b"}]))
    assert told(view, "--resources", str(path), "--format", "parquet", "--output", str(out)) == 0
    with duckdb.connect(":memory:") as database:
        database.execute("set timezone = 'UTC'")
        found = database.execute("select * replace (changed::varchar as changed, born::varchar as born) from "
                                 f"'{out}'").fetchall()  # fmt: skip
        kinds = [row[1] for row in database.execute(f"describe select * from '{out}'").fetchall()]
    assert kinds == ["VARCHAR", "DATE", "INTEGER", "BOOLEAN", "TIMESTAMP WITH TIME ZONE"]
    assert found == [("a", "1970-01-02", 0, True, "2020-01-01 00:00:00+00"), ("b", None, 0, None, None)]


def test_the_sql_is_printed(view: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["view", "sql", "--view", str(view)]) == 0
    assert capfdbinary.readouterr().out.decode().startswith("select\n    (r.doc ->> 'id') as \"id\",\n")
