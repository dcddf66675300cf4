"""Times runs of few and of many steps with each tool; the difference is the cost of one more step."""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

LOCKRIG = os.path.abspath(sys.argv[1])
ROUNDS = 3

SCENARIO = (pathlib.Path(__file__).parent / "steps.yaml").read_text()

OPENHTF = """import openhtf as htf
from openhtf.output.callbacks import json_factory
from openhtf.util import configuration
@htf.PhaseOptions()
def step(test): pass
test = htf.Test(*[step] * {count})
test.add_output_callbacks(json_factory.OutputToJSON('record.json'))
test.execute(test_start=lambda: 'x')
"""


def lockrig(count, folder):
    # Ten cases, because one has a limit.
    (folder / "steps.yaml").write_text(SCENARIO.replace("times: 10,", f"times: {count // 40},"))
    return [LOCKRIG, "run", "steps.yaml", "--model", "kwikset-powerbolt-2", "--json", "--repeat", "10"]


def robot(count, folder):
    lines = "".join("    No Operation\n" for _ in range(count))
    (folder / "steps.robot").write_text(f"*** Test Cases ***\nSteps\n{lines}")
    return [sys.executable, "-m", "robot", "--console", "none", "--log", "NONE", "--report", "NONE", "steps.robot"]


def openhtf(count, folder):
    (folder / "steps.py").write_text(OPENHTF.format(count=count))
    return [sys.executable, "steps.py"]


def seconds(tool, count):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        command = tool(count, folder)
        start = time.monotonic()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        took = time.monotonic() - start
        if done.returncode != 0:
            sys.exit(f"{command}: {done.stdout}{done.stderr}")
        return took


def cost(tool, few, many):
    each = [(seconds(tool, many) - seconds(tool, few)) / (many - few) for _ in range(ROUNDS)]
    return statistics.median(each) * 1e6


ours = cost(lockrig, 400, 40_000)
robots = cost(robot, 100, 5_100)
htfs = cost(openhtf, 10, 210)
for name, each in [("lockrig", ours), ("Robot Framework", robots), ("OpenHTF", htfs)]:
    print(f"{name:<16} {each:9.2f} µs a step  {each / ours:7.0f} ×")
