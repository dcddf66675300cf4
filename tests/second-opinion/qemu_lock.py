#!/usr/bin/env python3
"""The reference lock on QEMU: its board, around the same image, as a peer in lockrig's lockstep protocol.

    qemu_lock.py QEMU IMAGE.hex        requests on standard input, answers on standard output

It shares nothing with lockrig's own emulation but the image and `firmware/SPEC.md`. QEMU has no converter, so the
battery is never low here; its flash takes no time, so no power cut leaves half of it done.
"""

import contextlib
import json
import os
import signal
import sys

from qemu import Machine, Trouble, image

US = 1_000
MS = 1_000 * US
NEVER = 1 << 63

BUTTON = 17
ROWS, COLUMNS = (12, 13, 14, 15), (18, 19, 20)
KEYS = ("123", "456", "789", "*0#")
LIGHTS = {"green": 21, "red": 22}
BEEPER = 23
OPENS, CLOSES = 8, 9
IS_THROWN, IS_OPEN = 10, 11
CELLS = {1, 2, 3, 4}
NOMINAL, WARNS_BELOW = 6.0, 4.8
# From one end to the other.
TRAVEL = 400 * MS
SERIAL = slice(0x3_FC00, 0x3_FC10)
LONGEST_LINE = 1_000


class Bolt:
    """Where the bolt is: 0 is thrown, `TRAVEL` is open."""

    def __init__(self):
        self.position, self.since = 0, 0
        self.direction, self.is_blocked = 0, False

    def speed(self):
        return 0 if self.is_blocked else self.direction

    def settle(self, now):
        moved = self.position + self.speed() * (now - self.since)
        self.position, self.since = min(max(moved, 0), TRAVEL), now

    def arrives(self):
        if self.speed() > 0 and self.position < TRAVEL:
            return self.since + TRAVEL - self.position
        if self.speed() < 0 and self.position > 0:
            return self.since + self.position
        return NEVER

    def is_thrown(self):
        return self.position == 0 and self.speed() <= 0

    def is_open(self):
        return self.position == TRAVEL and self.speed() >= 0


class Lock:
    """The board from one `hello` to the next. Times are nanoseconds since then."""

    def __init__(self, program, flash, seed):
        self.program, self.seed = program, seed
        self.flash, self.looks_at = flash, None
        self.machine, self.powered_at, self.looks = None, 0, NEVER
        # What a tick has put out, once its time has come: when, and the levels of the pins.
        self.done = None
        self.now, self.out = 0, []
        # Levels of the pins: as they were seen out here, and as the chip drives them when it looks.
        self.levels, self.driven = 0, 0
        self.line = b""
        self.volts, self.cells = NOMINAL, set(CELLS)
        self.held, self.is_pressed = [], False
        self.bolt, self.was_thrown = Bolt(), True
        self.supply()

    # What is done to it -------------------------------------------------------------------------------------------

    def set(self, channel, value):
        if channel == "button.reset":
            self.is_pressed = value
        elif channel == "keypad":
            self.held = [self.contact(key) for key in value["keys"]]
        elif channel == "strike":
            self.bolt.settle(self.now)
            self.bolt.is_blocked = value
            self.follow_bolt()
        elif channel == "power":
            self.volts = value
            self.supply()
        elif channel.startswith("power.cell."):
            number = int(channel.rsplit(".", 1)[1])
            self.cells = self.cells | {number} if value else self.cells - {number}
            self.supply()
        else:
            raise Trouble(f"this lock has no {channel}")

    @staticmethod
    def contact(key):
        """The pins that a key connects."""
        for row, keys in zip(ROWS, KEYS):
            if key in keys:
                return row, COLUMNS[keys.index(key)]
        raise Trouble(f"this lock has no key {key}")

    def supply(self):
        is_on = self.volts > 0 and self.cells == CELLS
        if is_on and self.volts < WARNS_BELOW:
            raise Trouble(f"QEMU has no converter: a battery of {self.volts} V can't be played")
        if is_on and self.machine is None:
            self.machine = Machine(self.program, self.flash, self.seed, self.looks_at)
            self.powered_at, self.looks = self.now, NEVER
        elif not is_on and self.machine is not None:
            self.cut()

    def cut(self):
        """What is in flash stays; what was lit goes dark; what would have come does not."""
        self.flash, self.looks_at = self.machine.flash(), self.machine.looks_at
        self.machine.close()
        self.machine, self.done, self.line = None, None, b""
        self.show(0)

    # Time ---------------------------------------------------------------------------------------------------------

    def run(self, until):
        """Runs to `until`, or to the first output."""
        while not self.out and self.now < until:
            self.step(until)

    def step(self, until):
        """To what happens next, if that is not later."""
        if self.machine and self.done is None and self.looks == NEVER:
            # It sees the pins as they are then: nothing that is done to it until then is missed.
            micros, self.driven = self.machine.wake()
            self.looks = self.powered_at + micros * US
        next_output = self.done[0] if self.done else NEVER
        looks = self.looks if self.machine and self.done is None else NEVER
        arrives = self.bolt.arrives()
        self.now = max(self.now, min(until, next_output, looks, arrives))
        if self.now >= arrives:
            self.follow_bolt()
        elif self.now >= next_output:
            self.take()
        elif self.now >= looks:
            self.tick()

    def tick(self):
        """The chip looks at its pins, and does what follows from them; its time runs ahead of ours meanwhile."""
        self.wire()
        micros, levels = self.machine.fall_asleep()
        self.looks = NEVER
        self.done = self.powered_at + micros * US, levels

    def take(self):
        """What it has put out is seen now."""
        (_, levels), self.done = self.done, None
        for byte in self.machine.said():
            self.say(byte)
        self.show(levels)

    # Wires --------------------------------------------------------------------------------------------------------

    def wire(self):
        """Puts on its pins what is around it."""
        self.follow_bolt()
        levels = {BUTTON: not self.is_pressed}
        levels |= {IS_THROWN: not self.bolt.is_thrown(), IS_OPEN: not self.bolt.is_open()}
        for own in COLUMNS:
            levels[own] = not any(column == own and not self.driven >> row & 1 for row, column in self.held)
        self.machine.set_pins(levels)

    def show(self, levels):
        """Lights, beeper and motor follow the pins."""
        changed, self.levels = levels ^ self.levels, levels

        def is_high(pin):
            return bool(levels >> pin & 1)

        for colour, pin in LIGHTS.items():
            if changed >> pin & 1:
                self.put_out(f"light.{colour}", colour if is_high(pin) else "off")
        if changed >> BEEPER & 1:
            self.put_out("beeper", is_high(BEEPER))
        self.bolt.settle(self.now)
        # Both at once brake.
        self.bolt.direction = is_high(OPENS) - is_high(CLOSES)
        self.follow_bolt()

    def follow_bolt(self):
        self.bolt.settle(self.now)
        is_thrown = self.bolt.is_thrown()
        if is_thrown != self.was_thrown:
            self.was_thrown = is_thrown
            self.put_out("bolt", is_thrown)

    def say(self, byte):
        """A byte came from the console; with its end a line is put out."""
        if byte != ord("\n"):
            self.line = (self.line + bytes([byte]))[:LONGEST_LINE]
            return
        self.put_out("console", self.line.decode(errors="replace").rstrip("\r"))
        self.line = b""

    def put_out(self, channel, value):
        self.out.append({"channel": channel, "value": value})

    def close(self):
        if self.machine:
            self.machine.close()


def answer(lock, request):
    for item in request["set"]:
        lock.set(item["channel"], item["value"])
    lock.run(request["until_ns"])
    out, lock.out = lock.out, []
    return {"ran": {"now_ns": lock.now, "out": out}}


def serve(program, flash):
    lock = None
    try:
        for line in sys.stdin:
            request = json.loads(line)
            if "bye" in request:
                return
            if "hello" in request:
                if lock:
                    lock.close()
                lock = Lock(program, flash, request["hello"]["seed"])
                serial = flash[SERIAL].split(b"\0")[0].decode("ascii")
                reply = {"ready": {"firmware": "on QEMU", "serial": serial}}
            else:
                reply = answer(lock, request["run"])
            print(json.dumps(reply), flush=True)
    finally:
        if lock:
            lock.close()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    # Whoever ends this program must not leave QEMU behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # It and QEMU wait for each other all the time: beside other work each would wait its turn.
    with contextlib.suppress(PermissionError):
        os.nice(-10)
    try:
        serve(sys.argv[1], image(sys.argv[2]))
    except (Trouble, OSError) as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
