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
version = importlib.metadata.version("jsonschema")
print(f"{wrong} errors" if wrong else f"schemas: {count} files valid for jsonschema {version}")
sys.exit(bool(wrong))
