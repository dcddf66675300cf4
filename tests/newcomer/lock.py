"""A lock of somebody's own: three resets, a keypad, a card reader, an app and a hub.

Words on the command line give it a habit or a fault, such as `boots-30` or `keeps-cards`.
"""
import heapq
import json
import sys

MS = 1_000_000
SECOND = 1000 * MS


def seconds(habit):
    """The number in a word such as `boots-30`, or nothing."""
    found = [word for word in sys.argv[1:] if word.startswith(habit + "-")]
    return int(found[0].rsplit("-", 1)[1]) if found else None


def has(habit):
    return habit in sys.argv[1:]


class Lock:
    HOLD = 10 * SECOND

    def __init__(self):
        self.now = self.number = 0
        self.agenda, self.out = [], []
        self.volts, self.cells = 6.0, {1, 2, 3, 4}
        self.codes, self.cards, self.bound = {}, set(), {"app": False, "hub": False}
        self.vacation, self.hidden = False, set()
        self.masters, self.old_masters = set(), set()
        self.typed, self.keys, self.last_key = "", [], 0
        self.press, self.pressed_at, self.deaf_until = 0, 0, 0
        self.handle, self.presses = False, []
        self.thrown, self.jammed = True, False
        self.wrong, self.locked_out_until = 0, 0

    # --- the supply -----------------------------------------------------------------------

    def powered(self):
        return self.volts >= 4.0 and len(self.cells) == 4

    def awake(self):
        return self.powered() and self.now >= self.deaf_until

    def supply(self, channel, value):
        was_on = self.powered()
        if channel == "power":
            self.volts = value
        else:
            (self.cells.add if value else self.cells.discard)(int(channel[11:]))
        if was_on and not self.powered():
            self.agenda = []
            if not has("keeps-typed"):
                self.typed = ""
            if getattr(self, "sounds", False):
                self.sound(False)           # a beeper without power is silent, and the peer has to say so
            if getattr(self, "lit", False):
                self.light("off")
        if not was_on and self.powered():
            self.deaf_until = self.now + (seconds("boots") or 0) * SECOND

    # --- what is shown --------------------------------------------------------------------

    def later(self, delay, act):
        self.number += 1
        heapq.heappush(self.agenda, (self.now + delay, self.number, act))

    def show(self, channel, value):
        self.out.append({"channel": channel, "value": value})

    def sound(self, on):
        self.sounds = on
        self.show("beeper", on)

    def light(self, colour):
        self.lit = colour != "off"
        self.show("light.status", colour)

    def move(self, thrown):
        if self.thrown != thrown and not self.jammed:
            self.thrown = thrown
            self.show("bolt", thrown)
            if not thrown and seconds("relocks"):
                self.later(seconds("relocks") * SECOND, lambda: self.move(True))

    def confirm(self):
        for blink in range(3):
            self.later(600 * blink * MS, lambda: self.light("green"))
            self.later((600 * blink + 300) * MS, lambda: self.light("off"))
        for beep in range(2):
            self.later(600 * beep * MS, lambda: self.sound(True))
            self.later((600 * beep + 200) * MS, lambda: self.sound(False))

    # --- the button, the handle, the keys and the reader -----------------------------------

    def button(self, down):
        self.press += 1
        if down and self.powered():
            press = self.press
            self.pressed_at = self.now
            if not has("counts-presses"):
                self.later(self.HOLD, lambda: self.press == press and self.reset())
            self.presses = [at for at in self.presses if self.now - at < 5 * SECOND] + [self.now]
            if has("counts-presses") and self.handle and len(self.presses) == 5:
                self.presses = []
                self.later(1500 * MS, lambda: not self.presses and self.reset())
        elif not down and SECOND < self.now - self.pressed_at < self.HOLD and seconds("reboots"):
            self.deaf_until = self.now + seconds("reboots") * SECOND
            self.agenda, self.typed = [], ""

    def key(self, key):
        if seconds("forgets") and self.now - self.last_key > seconds("forgets") * SECOND:
            self.typed = ""
        self.last_key = self.now
        if key == "*":
            self.typed = ""
        elif key != "#":
            self.typed += key
        else:
            line, self.typed = self.typed, ""
            self.line(line)

    def line(self, code):
        if self.now < self.locked_out_until:
            return
        if not code and not seconds("relocks"):
            self.later(500 * MS, lambda: self.move(True))
        elif code == "91":
            self.leave_network()
            if has("network-reset-takes-cards"):
                self.forget_cards()
            self.confirm()
        elif code.endswith("0") and code[:-1] in self.masters:
            self.light("green")
            self.later(SECOND, lambda: self.light("off"))
        elif self.opens(code) and not self.vacation:
            self.wrong = 0
            self.later(500 * MS, lambda: self.move(False))
        elif code:
            self.wrong += 1
            if self.wrong >= 5:
                self.wrong, self.locked_out_until = 0, self.now + 60 * SECOND

    def opens(self, code):
        if has("ignores-digits-before"):
            return any(code.endswith(known) for known in self.codes.values())
        return code in self.codes.values()

    def request(self, channel, asked):
        op, bound = asked["op"], self.bound.get(channel)
        refused = {"ok": False, "reason": "already" if bound else "not_permitted"}
        if channel == "reader":
            if asked["credential"] in self.cards and not has("reader-is-dead"):
                self.later(400 * MS, lambda: self.move(False))
            return {"ok": True}
        if op == "status":
            codes = len(self.codes) + len(self.cards)
            return {"ok": True, "paired": bound, "users": int(bound), "codes": len(self.codes), "all": codes}
        if op == "pair" and not bound:
            self.bound[channel] = True
        elif op == "pair" or not bound:
            return refused
        elif channel == "app" and asked.get("role", "owner") not in ("owner", "admin"):
            return {"ok": False, "reason": "not_permitted"}
        elif op in ("unpair", "leave"):
            self.bound[channel] = False
        elif op == "add_code" and "credential" in asked:
            self.cards |= {asked["credential"]} | self.hidden
        elif op == "add_code":
            self.codes[asked["slot"]] = asked["code"]
            if asked.get("until") == "1 h" and not has("keeps-expired"):
                slot = asked["slot"]
                self.later(3600 * SECOND, lambda: self.codes.pop(slot, None))
        elif op == "remove_code":
            self.codes.pop(asked["slot"], None)
        elif op == "set_master":
            self.masters = {asked["code"]} | self.old_masters
        elif op == "set_parameter":
            self.vacation = asked["value"] == "1"
        elif op == "factory_reset":
            if asked.get("network") == "offline":
                return {"ok": False, "reason": "not_permitted"}
            self.reset()
        else:
            return {"ok": False, "reason": "unsupported"}
        return {"ok": True}

    # --- the resets -----------------------------------------------------------------------

    def leave_network(self):
        if self.bound["hub"]:
            self.show("hub", {"notify": "reset_locally"})
        self.bound["hub"] = False

    def forget_cards(self):
        if has("hides-cards"):
            self.hidden |= self.cards
        if not has("keeps-cards"):
            self.cards = set()

    def reset(self):
        if not has("keeps-codes"):
            self.codes = {}
        self.forget_cards()
        if has("keeps-old-masters"):
            self.old_masters |= self.masters
        self.masters = set()
        if not has("keeps-vacation"):
            self.vacation = False
        self.wrong, self.locked_out_until = 0, 0
        self.leave_network()
        self.bound["app"] = False
        self.confirm()

    # --- the protocol ---------------------------------------------------------------------

    def set(self, channel, value):
        if channel.startswith("power"):
            self.supply(channel, value)
        elif channel == "button.reset":
            self.button(value)
        elif channel == "button.handle":
            self.handle = value
        elif channel == "strike":
            self.jammed = value
        elif channel == "knob" and self.powered():
            self.later(100 * MS, lambda: self.move(value < 0))
        elif channel == "keypad":
            pressed = [key for key in value["keys"] if key not in self.keys]
            self.keys = value["keys"]
            if self.awake():
                for key in pressed:
                    self.key(key)
        elif channel in ("app", "hub", "reader") and self.awake():
            answer = {"response": value["request"], **self.request(channel, value)}
            self.later(300 * MS, lambda: self.show(channel, answer))

    def run(self, until, items):
        for item in items:
            self.set(item["channel"], item["value"])
        while not self.out and self.agenda and self.agenda[0][0] <= until:
            self.now = self.agenda[0][0]
            while self.agenda and self.agenda[0][0] == self.now:
                heapq.heappop(self.agenda)[2]()
        if not self.out:
            self.now = until
        out, self.out = self.out, []
        return {"ran": {"now_ns": self.now, "out": out}}


def main():
    lock = None
    for line in sys.stdin:
        asked = json.loads(line)
        if "hello" in asked:
            lock, answer = Lock(), {"ready": {"firmware": "1.0", "serial": "SN-1"}}
        elif "run" in asked:
            answer = lock.run(asked["run"]["until_ns"], asked["run"]["set"])
        else:
            break
        print(json.dumps(answer), flush=True)


main()
