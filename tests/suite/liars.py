"""Locks that look erased and are not: the example lock, with one lie each."""

import os
import sys

sys.path.insert(0, os.path.join(sys.argv[1], "rigs", "examples"))
import lock as example  # noqa: E402

MODE = sys.argv[2]
SECOND = example.SECOND


class Liar(example.Lock):
    def __init__(self):
        super().__init__()
        self.was_reset = self.was_cut = False
        self.hidden = []

    def erase(self):
        old = self.memory.codes
        super().erase()
        self.was_reset = True
        if MODE == "keeps-and-opens-late":
            self.memory.codes = old
        if MODE == "hides-until-set-up":
            self.hidden = old

    def supply(self, powered):
        self.was_cut = self.was_cut or (self.powered and not powered)
        super().supply(powered)

    def confirm(self, delay):
        for number in range(3):
            self.after(delay + number * 1_100 * example.MS, lambda: self.beep(True))
            self.after(delay + (number * 1_100 + 700) * example.MS, lambda: self.beep(False))

    def press(self, down):
        short = not down and self.pressed_at is not None and self.now - self.pressed_at < self.HOLD
        super().press(down)
        if MODE == "confirms-from-the-press" and down and self.pressed_at is not None:
            self.confirm(self.HOLD)
        if MODE == "confirms-late-from-the-press" and down and self.pressed_at is not None:
            self.confirm(self.HOLD + 3 * SECOND)
        if short and MODE in ("beeps-and-confirms", "beeps-before-it-confirms"):
            self.after(100 * example.MS, lambda: self.beep(True))
            self.after(300 * example.MS, lambda: self.beep(False))
            self.confirm((600 if MODE == "beeps-and-confirms" else 1_800) * example.MS)

    def set(self, channel, value):
        super().set(channel, value)
        if MODE == "opens-once-clear" and channel == "strike" and not value:
            self.after(1 * SECOND, lambda: self.move(True))
            self.after(2 * SECOND, lambda: self.move(False))

    def key(self, key):
        dead = (MODE == "dead-after-cut" and self.was_cut) or (MODE == "dead-after-reset" and self.was_reset)
        if not dead:
            super().key(key)

    def line(self, line):
        before = len(self.memory.codes)
        late = MODE == "keeps-and-opens-late" and self.was_reset and line in self.memory.codes
        if late and self.memory.handed:
            self.after(4 * SECOND, lambda: self.move(False))
            return
        if MODE == "keeps-and-opens-late" and self.was_reset and line == self.DEFAULT_CODE:
            self.after(700 * example.MS, lambda: self.move(False))
            return
        super().line(line)
        if self.hidden and len(self.memory.codes) > before:
            self.memory.codes += self.hidden
            self.hidden = []


example.Lock = Liar
example.main()
