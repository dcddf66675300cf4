"""Validates all shipped files with an independent validator, by the schemas that they name."""

import importlib.metadata
import json
import pathlib
import re
import sys

import jsonschema
from ruamel.yaml import YAML

root = pathlib.Path(sys.argv[1])
yaml = YAML(typ="safe")  # YAML 1.2: `on` is a word
validators = {}
wrong = count = 0
for path in sorted([*root.glob("scenarios/**/*.yaml"), *root.glob("rigs/*.yaml")]):
    text = path.read_text()
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    if not named:
        print(f"{path}: names no schema")
        wrong += 1
        continue
    schema = (path.parent / named[1]).resolve()
    if schema not in validators:
        definition = json.loads(schema.read_text())
        jsonschema.Draft202012Validator.check_schema(definition)
        validators[schema] = jsonschema.Draft202012Validator(definition)
    count += 1
    for error in validators[schema].iter_errors(yaml.load(text)):
        print(f"{path}: {error.json_path}: {error.message}")
        wrong += 1
# A schema that takes anything would prove nothing.
broken = {"scenario": "x", "title": "y", "act": [{"pres": "reset"}], "expect": ["confirmed"]}
if not list(validators[(root / "docs/schemas/scenario.json").resolve()].iter_errors(broken)):
    print("the schema takes a step that is none")
    wrong += 1
# What `check` takes in another form, an editor must not mark.
variants = {
    "scenario": {"scenario": "own", "title": "y", "methods": "all", "act": [
        {"attempt": {"card": "1", "expect": "refused"}}, {"type": 77}, {"cover": True}, {"power": "4.2 V"},
        {"see": {"light": "red", "indicator": "status", "on": "200 ms±20 %", "within": "5 s"}},
        {"hear": {"beeps": "2", "within": "5 s"}}, {"ask": {"memory": "dump", "within": "1 s"}},
    ], "arrange": [{"provision": {"user_codes": "2", "app": "paired"}}], "expect": ["unchanged"],
        "but": {"wrong_key": "3", "cut_power_at": "sweep 0 .. 100 % by 10 %", "cut_to": "50 %"}},
    "model": {"family": "Own_Family", "defaults": {"user_codes": ["0000", 1234], "master": "none"},
              "controls": {"door": "none", "reset": "button"}, "keypad": {"forgets_after": "none"}},
    "rig": {"rig": "own", "like": "simulated", "title": "Own"},
}
for kind, file in variants.items():
    for error in validators[(root / f"docs/schemas/{kind}.json").resolve()].iter_errors(file):
        print(f"a {kind} that is fine is marked: {error.json_path}: {error.message}")
        wrong += 1
version = importlib.metadata.version("jsonschema")
print(f"{wrong} errors" if wrong else f"schemas: {count} files valid for jsonschema {version}")
sys.exit(bool(wrong))
