"""Plays the same cases on the same images, on QEMU and on the emulated rig, and compares verdict by verdict.

    play.py LOCKRIG QEMU OUT        ends with 1 if any differs, and with 3 if QEMU could not be asked in time

A machine that is too busy makes no verdict: such a case is an error, is played again, and is left out at last.
"""

import json
import os
import pathlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
IMAGES = HERE.parent.parent / "firmware" / "images"
LOCKRIG, QEMU, OUT = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
TRIES = 3

ERASED = "codes-in-all-slots-are-erased~reference~button~r1"
CONFIRMED = "confirmed-means-erased~reference~button~cut=0~r1"
LOCKED_OUT = "lockout-survives-a-power-cut~reference~button~r1"
NEARLY_HELD = "nearly-held~reference~button~r1"
RESTARTED = "restart-erases-nothing~reference~button~r1"
OPENS = "a-stored-code-opens~reference~button~r1"
BY_BUTTON = "reset-is-confirmed~reference~button~r1"
BY_KEYPAD = "reset-is-confirmed~reference~keypad~r1"

# The first case of each image but the sound one shows its defect. The longest begin first, so that none ends alone.
PLAYS = [
    ("sound", ERASED),
    ("partial-wipe", ERASED),
    ("sound", CONFIRMED),
    ("confirm-early", CONFIRMED),
    ("sound", LOCKED_OUT),
    ("lockout-in-ram", LOCKED_OUT),
    ("sound", NEARLY_HELD),
    ("short-threshold", NEARLY_HELD),
    ("sound", RESTARTED),
    ("sound", OPENS),
    ("sound", BY_BUTTON),
    ("sound", BY_KEYPAD),
]

QEMU_RIG = """rig: qemu-{image}
title: The reference lock on QEMU
lock: {{model: reference}}
lockstep: {{command: {command}, answer_within: 10 min}}
channels: [button.reset, keypad, light.green, light.red, beeper, bolt, strike, power, power.cell.*, console]
"""
EMULATED_RIG = """rig: emulated-{image}
like: emulated
emulated: {{firmware: {image}}}
"""


class Play:
    """A case on an image, and what became of it on each rig."""

    def __init__(self, image, case):
        self.image, self.case = image, case
        own = HERE / f"{case.split('~')[0]}.yaml"
        self.scenario = str(own) if own.exists() else own.stem
        self.emulated, self.qemu = None, None

    def go(self):
        self.emulated = self.played("emulated", EMULATED_RIG.format(image=self.image))
        command = [sys.executable, HERE / "qemu_lock.py", QEMU, IMAGES / f"{self.image}.hex"]
        rig = QEMU_RIG.format(image=self.image, command=json.dumps([str(word) for word in command]))
        for number in range(TRIES):
            self.qemu = self.played(f"qemu-{number}", rig)
            if not self.is_left_out():
                break

    def played(self, name, rig):
        """Its entry in the results."""
        folder = OUT / f"{name}-{self.image}-{self.case}"
        folder.mkdir(parents=True)
        (folder / "rig.yaml").write_text(rig)
        command = [LOCKRIG, "run", self.scenario, "--case", self.case, "--quiet"]
        command += ["--rig", folder / "rig.yaml", "--out", folder]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        results = list(folder.glob("*/results.json"))
        if not results:
            return {"verdict": "none", "reason": done.stdout, "length_ns": 0}
        (entry,) = json.loads(results[0].read_text())["cases"]
        return entry

    def is_left_out(self):
        return self.qemu["verdict"] == "error" and "too busy: " in self.qemu["reason"]

    def is_wrong(self):
        # What is no verdict on both is no agreement.
        is_told = {self.emulated["verdict"], self.qemu["verdict"]} <= {"pass", "fail"}
        return not self.is_left_out() and not (is_told and self.emulated["verdict"] == self.qemu["verdict"])

    def __str__(self):
        return f"{self.image:<16} {self.case:<52} {self.emulated['verdict']:<9} {self.qemu['verdict']}"


def wrong(plays):
    """What is wrong, in words."""
    for play in plays:
        if play.is_wrong():
            reasons = f"{play.emulated['reason'] or '–'}; on QEMU: {play.qemu['reason'] or '–'}"
            yield f"{play.image}, {play.case}: {reasons}"
    shown = {play.image for play in plays if play.emulated["verdict"] == "fail"}
    for image in sorted({play.image for play in plays} - shown - {"sound"}):
        yield f"{image}: no case shows its defect, so nothing was compared"
    for play in plays:
        if play.image == "sound" and play.emulated["verdict"] != "pass":
            yield f"sound, {play.case}: does not pass"


def main():
    plays = [Play(*play) for play in PLAYS]
    begin = time.monotonic()
    # Lockrig, its peer and QEMU wait for one another: one more than there are processors keeps those busy.
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        list(pool.map(Play.go, plays))
    took = time.monotonic() - begin
    print(f"{'image':<16} {'case':<52} {'emulated':<9} QEMU", *plays, sep="\n")
    same = sum(not play.is_wrong() and not play.is_left_out() for play in plays)
    minutes = sum(play.qemu["length_ns"] for play in plays) / 60e9
    print(f"{same} of {len(plays)} verdicts are the same; {minutes:.0f} min of lock time on QEMU in {took:.0f} s")
    found = list(wrong(plays))
    if found:
        sys.exit("\n".join(f"FAILED {what}" for what in found))
    left_out = [play for play in plays if play.is_left_out()]
    if left_out:
        print(f"{left_out[0].image}, {left_out[0].case}: {left_out[0].qemu['reason']}")
        sys.exit(3)


if __name__ == "__main__":
    main()
