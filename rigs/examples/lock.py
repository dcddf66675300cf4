#!/usr/bin/env python3
"""A small lock that speaks lockrig's lockstep protocol: a Kwikset Powerbolt 2 in 170 lines.

Standard library only. Run it through its rig file:

    lockrig certify --rig python-lock --model kwikset-powerbolt-2

Everything happens in virtual time: a request says until when to run and what was done to the
lock; the answer says where the lock stopped and what it showed. Times are integer nanoseconds.
"""

import heapq
import json
import sys

MS = 1_000_000
SECOND = 1_000 * MS


class Memory:
    """What survives without power."""

    def __init__(self):
        self.codes = []           # user codes; without any, the default code opens
        self.handed = True        # whether the lock knows which way the door opens
        self.wrong = 0            # wrong codes in a row
        self.penalty_left = 0     # what is left of the lockout when the power went
        self.erasing = False      # a reset began and has not ended


class Lock:
    DEFAULT_CODE, MASTER = "1234", "0000"
    HOLD, LOCKOUT, ATTEMPTS = 5 * SECOND, 45 * SECOND, 5

    def __init__(self):
        self.now = 0
        self.agenda = []          # (time, number, generation, action)
        self.planned = 0
        self.generation = 0       # counts power losses: plans made before one are void
        self.out = []
        self.memory = Memory()
        self.volts, self.cells = 6.0, {1, 2, 3, 4}
        self.powered = True
        self.cover, self.button, self.pressed_at = False, False, None
        self.bolt, self.jammed, self.beeping = True, False, False
        self.held, self.typed, self.menu = [], "", None
        self.locked_until = 0

    # Time ------------------------------------------------------------------------------------

    def after(self, delay, action):
        self.planned += 1
        heapq.heappush(self.agenda, (self.now + delay, self.planned, self.generation, action))

    def run(self, until):
        """Runs to `until`, or to the first output."""
        while not self.out and self.agenda and self.agenda[0][0] <= until:
            self.now, _, generation, action = heapq.heappop(self.agenda)
            if generation == self.generation:
                action()
        if not self.out:
            self.now = until

    def show(self, channel, value):
        self.out.append({"channel": channel, "value": value})

    # What is done to the lock ----------------------------------------------------------------

    def set(self, channel, value):
        if channel == "button.reset":
            self.press(value)
        elif channel == "cover":
            self.cover = value
        elif channel == "strike":
            self.jammed = value
        elif channel == "keypad":
            for key in value["keys"]:
                if key not in self.held and self.powered:
                    self.key(key)
            self.held = value["keys"]
        elif channel == "power" or channel.startswith("power.cell."):
            if channel == "power":
                self.volts = value
            elif value:
                self.cells.add(int(channel.rsplit(".", 1)[1]))
            else:
                self.cells.discard(int(channel.rsplit(".", 1)[1]))
            self.supply(self.volts >= 3.6 and len(self.cells) == 4)

    def press(self, down):
        if down and not self.cover:               # the button is under the cover
            self.pressed_at = self.now if self.powered else None
        elif not down and self.pressed_at is not None:
            held, self.pressed_at = self.now - self.pressed_at, None
            if held >= self.HOLD and self.powered:
                self.reset()

    def supply(self, powered):
        if powered == self.powered:
            return
        self.powered = powered
        if powered:
            self.locked_until = self.now + self.memory.penalty_left
            if self.memory.erasing:
                self.after(500 * MS, self.erase)
        else:
            self.memory.penalty_left = max(0, self.locked_until - self.now)
            self.generation += 1
            self.pressed_at, self.typed, self.menu = None, "", None
            if self.beeping:
                self.beep(False)

    # Reset -----------------------------------------------------------------------------------

    def reset(self):
        self.memory.erasing = True                # stored first: a power cut can't halve it
        self.after(1_500 * MS, self.erase)
        for number in range(3):
            self.after(200 * MS + number * 1_100 * MS, lambda: self.beep(True))
            self.after(900 * MS + number * 1_100 * MS, lambda: self.beep(False))

    def erase(self):
        self.memory = Memory()
        self.memory.handed = False

    def beep(self, on):
        self.beeping = on
        self.show("beeper", on)

    # Keypad ----------------------------------------------------------------------------------

    def key(self, key):
        if key != "lock":
            self.typed = (self.typed + key)[-16:]
        elif self.typed:
            line, self.typed = self.typed, ""
            self.line(line)
        elif not self.bolt and self.memory.handed:
            self.after(700 * MS, lambda: self.move(True))

    def line(self, line):
        if self.now < self.locked_until:
            return
        if self.menu is not None:
            self.menu.append(line)
            if self.menu == ["0"]:
                self.menu = None
                self.handing()
            elif self.menu[0] == "1" and len(self.menu) == 2:
                self.memory.codes.append(line)
                self.menu = None
            elif self.menu != ["1"]:
                self.menu = None
        elif line == self.MASTER:
            self.menu = []
        elif line in self.memory.codes or (not self.memory.codes and line == self.DEFAULT_CODE):
            self.memory.wrong = 0
            if self.memory.handed:
                self.after(700 * MS, lambda: self.move(False))
        else:
            self.memory.wrong += 1
            if self.memory.wrong >= self.ATTEMPTS:
                self.memory.wrong = 0
                self.locked_until = self.now + self.LOCKOUT

    def handing(self):
        """The bolt goes out and in, and the lock knows its door."""
        self.memory.handed = True
        self.after(700 * MS, lambda: self.move(False))
        self.after(2_100 * MS, lambda: self.move(True))

    def move(self, thrown):
        if self.bolt != thrown and not self.jammed:
            self.bolt = thrown
            self.show("bolt", thrown)


def main():
    lock = Lock()
    for line in sys.stdin:
        request = json.loads(line)
        if "bye" in request:
            return
        if "hello" in request:
            lock = Lock()                         # every case begins factory-fresh, at time 0
            answer = {"ready": {"firmware": "python-1", "serial": "PY-0001"}}
        else:
            for item in request["run"]["set"]:
                lock.set(item["channel"], item["value"])
            lock.run(request["run"]["until_ns"])
            answer = {"ran": {"now_ns": lock.now, "out": lock.out}}
            lock.out = []
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
