"""One run's junit.xml beside its results.json: shape, counts and durations. Prints what other readers must find."""

import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from junitparser import JUnitXml

# What junit-10.xsd of Jenkins' xunit plugin allows: attributes, and elements within.
COUNTS = {"name", "tests", "failures", "errors", "time"}
OUTCOME = ({"type", "message"}, set())
ALLOWED = {
    "testsuites": (COUNTS, {"testsuite"}),
    "testsuite": (COUNTS | {"skipped", "timestamp"}, {"properties", "testcase", "system-out"}),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"name", "classname", "time"}, {"skipped", "error", "failure", "system-out"}),
    "skipped": OUTCOME,
    "error": OUTCOME,
    "failure": OUTCOME,
    "system-out": (set(), set()),
}


def main(folder: Path) -> None:
    file = Path(sys.argv[2]) if len(sys.argv) > 2 else folder / "junit.xml"
    root = ET.parse(file).getroot()
    for element in root.iter():
        attributes, inner = ALLOWED[element.tag]
        assert set(element.keys()) <= attributes, (element.tag, element.keys())
        assert {child.tag for child in element} <= inner, (element.tag, [child.tag for child in element])
        if element.tag in ("error", "failure"):
            assert element.get("message") in element.text, element.text

    results = json.loads((folder / "results.json").read_text())["cases"]
    manifest = json.loads((folder / "run.json").read_text())
    words = {"fail": "failures", "not_applicable": "skipped", "pass": "passed"}
    expected: dict[str, dict] = {}
    for case in results:
        suite = expected.setdefault(case["model"], dict.fromkeys(("tests", "failures", "errors", "skipped", "passed", "ms"), 0))
        suite["tests"] += 1
        suite[words.get(case["verdict"], "errors")] += 1
        suite["ms"] += case["length_ns"] // 1_000_000

    # Beside the models there is a suite for what is wrong with the run itself; where nothing was tested, it is red.
    was_played = any(case["verdict"] != "not_applicable" for case in results)
    suites = list(JUnitXml.fromfile(str(file)))
    names = [suite.name for suite in suites]
    assert len(set(names)) == len(names), names
    of_the_run = [suite for suite in suites if suite.name.startswith("run ")]
    assert bool(of_the_run) == (not was_played), names
    assert all(suite.errors == suite.tests == 1 for suite in of_the_run)
    for suite, (model, figures) in zip(suites, expected.items(), strict=False):
        serial = manifest["device"]["serial"]
        assert suite.name == (f"{model} {serial}" if serial else f"{model} on {manifest['rig']['id']}"), suite.name
        found = {"tests": suite.tests, "failures": suite.failures, "errors": suite.errors, "skipped": suite.skipped}
        assert found == {name: figures[name] for name in found}, (suite.name, found, figures)
        slack = figures["tests"]  # each case is rounded down to a millisecond
        assert 0 <= suite.time * 1000 - figures["ms"] <= slack, (suite.time, figures)
        properties = {each.name: each.value for each in suite.properties()}
        assert properties["provenance"] == manifest["provenance"] and properties["rig"] == manifest["rig"]["id"]
        assert suite.timestamp and not suite.timestamp.endswith("Z")
        assert abs(sum(case.time for case in suite) * 1000 - figures["ms"]) <= slack
        print(model, *(figures[name] for name in ("tests", "failures", "errors", "skipped", "passed")), figures["ms"] // 1000)
    failing = sum(figures["failures"] + figures["errors"] for figures in expected.values()) + len(of_the_run)
    print("not passed", failing)


main(Path(sys.argv[1]))
