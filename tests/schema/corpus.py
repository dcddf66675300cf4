"""Counts which errors of shape in the corpus of bad files an independent validator marks, on the line where `check` does.

An error of shape is one that a file shows by itself: a field or word that is none, a quantity without its unit, a
number out of its range, a field that is missing. Those of meaning compare one place with another, or with a model.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
from ruamel.yaml import YAML

root, program = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
SHAPE = re.compile(
    r"^unknown (?!button|light|key `|model|parameter|output|`like`|board|step of|operation `enterr` here)|has no unit|is a unit of"
    r"|is not a valid|is not a \w+ id|is not a count|is not a code|is not a number of|is not the number of"
    r"|is not a key position|is not a sweep|is not an indicator|field `\w+` is missing|^a code has|must be at least"
    r"|must be a count|must change the count|takes exactly one of|goes to only one of|who should be asked"
    r"|takes no details|a step does only one|no (method|level) is named|names nothing that|no confirmation is named"
    r"|names no channel|the body is empty|the command is empty|exactly one device|found nothing, expected"
    r"|expected string|expected a mapping|cells are more|needs at least one wrong code"
)
FOLDERS = {"model": "scenarios/models", "scenario": "scenarios", "rig": "rigs"}


def line_of(document, path):
    """The line on which a place begins, counted from 1."""
    line = 1
    for step in path:
        try:
            position = document.lc.data[step]
            line = position[0] + 1
        except (AttributeError, KeyError, TypeError, IndexError):
            break
        document = document[step]
    return line


def leaves(error):
    """An error, or those within it: an alternative that fails says nothing by itself."""
    if not error.context:
        return [error]
    return [error, *(leaf for inner in error.context for leaf in leaves(inner))]


def marked(path, kind):
    schema = json.loads((root / f"docs/schemas/{kind}.json").read_text())
    plain = YAML(typ="safe").load(path.read_text())
    placed = YAML(typ="rt").load(path.read_text())
    lines = set()
    for error in jsonschema.Draft202012Validator(schema).iter_errors(plain):
        for leaf in leaves(error):
            lines.add(line_of(placed, leaf.absolute_path))
            if leaf.validator in ("additionalProperties", "propertyNames"):
                for key in leaf.instance if isinstance(leaf.instance, dict) else [leaf.instance]:
                    lines.add(line_of(placed, [*leaf.absolute_path, key]))
    return lines


def checked(path, kind):
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder, FOLDERS[kind])
        place.mkdir(parents=True)
        (place / path.name).write_bytes(path.read_bytes())
        said = subprocess.run([program, "check", "--json", f"{FOLDERS[kind]}/{path.name}"], cwd=folder,
                              capture_output=True, text=True, check=False)
    found = json.loads(said.stdout)["findings"]
    return [one for one in found if one["severity"] == "error" and SHAPE.search(one["message"])]


found = missed = 0
for path in sorted((root / "tests/corpus").glob("*.yaml")):
    kind = path.name.split(".")[-2]
    wanted = checked(path, kind)
    if not wanted:
        continue
    try:
        lines = marked(path, kind)
    except Exception:  # no YAML at all: every reader says so
        lines = {one["line"] for one in wanted}
    for one in wanted:
        if one["line"] in lines:
            found += 1
        else:
            missed += 1
            if "-v" in sys.argv:
                print(f"{path.name}:{one['line']}: {one['message']}")
share = 100 * found / (found + missed)
print(f"schemas: {found} of {found + missed} errors of shape in the corpus are marked ({share:.0f} %)")
sys.exit(share < 70)
