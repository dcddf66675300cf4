"""Compares the verdicts of a run on a bench with those of a run on the simulated rig.

compare.py model RUN               prints the model that was played
compare.py verdicts RUN SIMULATED  says how many agree; ends with 1 if any differs
"""

import json
import sys


def cases(folder):
    with open(f"{folder}/results.json", encoding="utf-8") as file:
        return {case["case"]: case for case in json.load(file)["cases"]}


if sys.argv[1] == "model":
    print(next(iter(cases(sys.argv[2]).values()))["model"])
    sys.exit()

bench, simulated = cases(sys.argv[2]), cases(sys.argv[3])
agreed, unwired, different = 0, 0, []
for name, case in bench.items():
    if case["verdict"] == simulated[name]["verdict"]:
        agreed += 1
    elif case["verdict"] == "inconclusive" and case["reason"].startswith("not wired: "):
        unwired += 1
    else:
        different.append(f"{name}: {case['verdict']} ({case['reason']}), simulated {simulated[name]['verdict']}")
played = sum(case["verdict"] == "pass" for case in bench.values())
print(f"{agreed} verdicts as on the simulated rig ({played} passes), {unwired} not wired")
if different or played < 4:
    sys.exit("\n".join(different or ["too few were played"]))
