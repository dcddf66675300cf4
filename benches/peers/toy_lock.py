"""Hypothesis's stateful tests for so many seconds: `toy_lock.py SECONDS [PEER…]`. Prints a line of JSON. Without a peer
the lock is a plain object; with one it is the lock that this command speaks the lockstep protocol for, a Yale NexTouch.
The same locks and the same steps are in toy-lock/: whoever changes one changes the other."""

import json
import subprocess
import sys
import time

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test

# So many steps a life, as lockrig's at most; and lives a batch, Hypothesis's own default.
STEPS_A_LIFE = 24
LIVES = 100

MODEL = "yale-nextouch"
SLOTS = 25
DIGITS = 8
MAX_WRONG = 5
LOCKOUT = 60_000
HOLD = 3_000
MAX_OLD = 6
MS = 1_000_000


class Lock:
    """What both locks can do. Everything is answered: by yes or no, or by what `status` tells."""

    # Everything that was done to any lock, waiting left out.
    operations = 0

    def perform(self, name, *given):
        if name != "wait":
            Lock.operations += 1
        return getattr(self, name)(*given)


class Toy(Lock):
    """A plain object in virtual time, in milliseconds."""

    def __init__(self):
        self.now = 0
        self.powered = True
        self.wrong = 0
        self.locked_until = 0
        self.codes = {}
        self.bound = False

    def enter(self, code):
        if not self.powered or self.now < self.locked_until:
            return False
        if code in self.codes.values():
            self.wrong = 0
            return True
        self.wrong += 1
        if self.wrong == MAX_WRONG:
            self.wrong = 0
            self.locked_until = self.now + LOCKOUT
        return False

    def ask(self, role, what, slot=0, code=""):
        if not self.powered:
            return False
        if what == "status":
            return self.bound, len(self.codes)
        if what == "pair":
            may = not self.bound
            self.bound = True
            return may
        if not self.bound or role == "guest":
            return False
        if what == "add_code":
            self.codes[slot] = code
        elif what == "remove_code":
            return self.codes.pop(slot, None) is not None
        elif what == "factory_reset":
            self.codes = {}
            self.bound = False
        elif what == "leave":
            self.bound = False
        return True

    def power(self, on):
        self.powered = on
        return True

    def hold(self, ms):
        """Of the button, a battery taken out and put back in the end."""
        if ms < HOLD:
            return False
        self.codes = {}
        self.bound = False
        self.wrong = 0
        return True

    def wait(self, ms):
        self.now += ms
        return True


class Peer(Lock):
    """A lock that a program plays, key by key and edge by edge."""

    command = ()
    process = None

    def __init__(self):
        if Peer.process is None:
            Peer.process = subprocess.Popen(Peer.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.now = 0
        self.request = 0
        self.bolt = True
        hello = {"protocol": "lockstep/1", "model": MODEL, "case": "stateful", "seed": 7}
        self.hear(self.exchange({"hello": hello})["ready"].get("out", []))

    def exchange(self, message):
        print(json.dumps(message), file=Peer.process.stdin, flush=True)
        return json.loads(Peer.process.stdout.readline())

    def hear(self, out):
        for one in out:
            if one["channel"] == "bolt":
                self.bolt = one["value"]
        return out

    def run(self, ms, *changes, until=lambda one: False):
        """Lets time pass after some changes; the first output that is looked for ends it, and is what is found."""
        end = self.now + ms * MS
        changes = [{"channel": channel, "value": value} for channel, value in changes]
        while True:
            ran = self.exchange({"run": {"until_ns": end, "set": changes}})["ran"]
            self.now = ran["now_ns"]
            changes = []
            for one in self.hear(ran["out"]):
                if until(one):
                    return one["value"]
            if self.now >= end:
                return None

    def type(self, keys):
        for key in keys:
            self.run(100, ("keypad", {"keys": [key]}))
            self.run(100, ("keypad", {"keys": []}))

    def enter(self, code):
        self.type([*code, "gear"])
        opens = self.run(3_000, until=lambda one: one["channel"] == "bolt") is False
        if opens:
            self.run(1_000)
            self.type(["gear"])
            assert self.run(4_000, until=lambda one: one["channel"] == "bolt") is True
            self.run(1_000)
        return opens

    def ask(self, role, what, slot=0, code=""):
        self.request += 1
        request = {"request": self.request, "op": what, "role": role}
        request.update({"slot": slot} if slot else {}, **({"code": code} if code else {}))

        def is_answer(one):
            return one["channel"] == "hub" and one["value"].get("response") == self.request
        answer = self.run(10_000, ("hub", request), until=is_answer)
        if answer is None or not answer["ok"]:
            return False
        return (answer["paired"], answer["codes"]) if what == "status" else True

    def power(self, on):
        self.run(10_000, ("power", 6.0 if on else 0.0))
        return True

    def hold(self, ms):
        self.run(ms, ("button.reset", True))
        self.run(1_000, ("power.cell.4", False))
        self.run(1_000, ("power.cell.4", True))
        heard = self.run(25_000, ("button.reset", False), until=lambda one: one["channel"] == "voice")
        self.run(10_000)
        return heard == "Welcome to Yale"

    def wait(self, ms):
        self.run(ms)
        return True


def nearly(code, near, place):
    if near == "last_missing":
        return code[:-1]
    if near == "first_missing":
        return code[1:]
    if near == "extra_after":
        return code + "0"
    if near == "extra_before":
        return "0" + code
    return code[:place] + str((int(code[place]) + 1) % 10) + code[place + 1:]


class Belief:
    """What the lock should hold. Each step writes what is done in it with the answers that it must get; one that is not
    possible is asked for all the same, and must be refused."""

    def __init__(self, codes):
        self.codes = {}
        self.bound = False
        self.old = []
        self.script = []
        self.set_up(codes)

    def must(self, answer, *operation):
        self.script.append((operation, answer))

    def holds(self, code):
        return code in self.codes.values()

    def own(self, number):
        slots = sorted(self.codes)
        return self.codes[slots[number % len(slots)]]

    def gone(self, code):
        self.old.append(code)
        del self.old[:-MAX_OLD]

    def refused(self, code):
        """A refusal proves nothing by itself, and a good code after it forgives the wrong one."""
        self.must(False, "enter", code)
        self.must(True, "enter", self.own(0))

    def status(self):
        self.must((self.bound, len(self.codes)), "ask", "owner", "status")

    def verify(self):
        """Everything that must be so whatever was done: the hub, no code that is gone, each of the owner's."""
        self.status()
        for code in self.old:
            self.refused(code)
        for slot in sorted(self.codes):
            self.must(True, "enter", self.codes[slot])

    def set_up(self, codes):
        self.pair()
        for slot, code in enumerate(codes, 1):
            self.add(slot, code)

    def pair(self):
        self.must(not self.bound, "ask", "owner", "pair")
        self.bound = True

    def leave(self):
        self.must(self.bound, "ask", "owner", "leave")
        self.bound = False

    def add(self, slot, code):
        while self.holds(code) or code in self.old:
            code = f"{(int(code) + 1) % 10 ** DIGITS:0{DIGITS}}"
        self.must(self.bound, "ask", "owner", "add_code", slot, code)
        if self.bound:
            if slot in self.codes:
                self.gone(self.codes[slot])
            self.codes[slot] = code

    def remove(self, number):
        slots = sorted(self.codes)
        slot = slots[number % len(slots)]
        if len(slots) > 1:
            self.must(self.bound, "ask", "owner", "remove_code", slot)
            if self.bound:
                self.gone(self.codes.pop(slot))

    def wrong(self, code):
        if not self.holds(code):
            self.refused(code)

    def near(self, number, near, place):
        self.wrong(nearly(self.own(number), near, place))

    def lock_out(self, code):
        if self.holds(code):
            return
        for _ in range(MAX_WRONG):
            self.must(False, "enter", code)
        self.must(False, "enter", self.own(0))
        self.must(True, "wait", LOCKOUT + 5_000)
        self.must(True, "enter", self.own(0))

    def restart(self, off):
        self.must(True, "power", False)
        self.must(False, "enter", self.own(0))
        self.must(True, "wait", off)
        self.must(True, "power", True)

    def guest(self, what):
        self.must(False, "ask", "guest", what, 1, "0" * DIGITS)

    def short_hold(self, share):
        self.must(False, "hold", HOLD * share // 100)

    def reset(self, after, codes):
        self.must(True, "hold", HOLD * 11 // 10)
        for slot in sorted(self.codes):
            self.gone(self.codes[slot])
        self.codes = {}
        self.bound = False
        self.must(True, "wait", after)
        self.status()
        self.set_up(codes)


CODE = st.integers(0, 10 ** DIGITS - 1).map(f"{{:0{DIGITS}}}".format)
CODES = st.lists(CODE, min_size=1, max_size=3)
NUMBER = st.integers(0, 5)
TIME = st.sampled_from([10, 100, 400, 2_000, 10_000, 60_000, 600_000, 3_700_000, 90_000_000])
NEAR = st.sampled_from(["last_missing", "first_missing", "extra_after", "extra_before", "one_wrong"])
ASKED = st.sampled_from(["add_code", "remove_code", "factory_reset", "leave"])


class Life(RuleBasedStateMachine):
    steps = 0
    kind = Toy

    def play(self):
        script, self.belief.script = self.belief.script, []
        for operation, answer in script:
            told = self.lock.perform(*operation)
            assert told == answer, (operation, answer, told)

    def step(self):
        Life.steps += 1
        self.play()

    @initialize(codes=CODES)
    def provision(self, codes):
        self.lock = Life.kind()
        self.belief = Belief(codes)
        self.play()

    @invariant()
    def it_holds_what_it_should(self):
        self.belief.verify()
        self.play()

    @rule(slot=st.integers(1, SLOTS), code=CODE)
    def add(self, slot, code):
        self.belief.add(slot, code)
        self.step()

    @rule(number=NUMBER)
    def remove(self, number):
        self.belief.remove(number)
        self.step()

    @rule(number=NUMBER)
    def use(self, number):
        self.belief.must(True, "enter", self.belief.own(number))
        self.step()

    @rule(code=CODE)
    def wrong(self, code):
        self.belief.wrong(code)
        self.step()

    @rule(number=NUMBER, near=NEAR, place=st.integers(0, DIGITS - 1))
    def near(self, number, near, place):
        self.belief.near(number, near, place)
        self.step()

    @rule(code=CODE)
    def lock_out(self, code):
        self.belief.lock_out(code)
        self.step()

    @rule(ms=TIME)
    def wait(self, ms):
        self.belief.must(True, "wait", ms)
        self.step()

    @rule(off=TIME)
    def restart(self, off):
        self.belief.restart(off)
        self.step()

    @rule()
    def pair(self):
        self.belief.pair()
        self.step()

    @rule()
    def leave(self):
        self.belief.leave()
        self.step()

    @rule()
    def status(self):
        self.belief.status()
        self.step()

    @rule(what=ASKED)
    def guest(self, what):
        self.belief.guest(what)
        self.step()

    @rule(share=st.sampled_from([4, 30, 60, 80, 95]))
    def short_hold(self, share):
        self.belief.short_hold(share)
        self.step()

    @rule(after=TIME, codes=CODES)
    def reset(self, after, codes):
        self.belief.reset(after, codes)
        self.step()

    @rule()
    def verify(self):
        self.belief.verify()
        self.step()


def batch(number, lives):
    # Neither shrinking nor explaining: nothing fails.
    chosen = settings(
        max_examples=lives,
        stateful_step_count=STEPS_A_LIFE,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(seed(number)(Life), settings=chosen)


def main(seconds, command):
    if command:
        Life.kind, Peer.command = Peer, command
    # The first batch also loads what later ones find loaded.
    batch(0, 10)
    Life.steps = Lock.operations = 0
    number = 0
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        number += 1
        # A lock behind a pipe takes its time for a batch of the default size.
        batch(number, LIVES // 10 if command else LIVES)
    took = time.monotonic() - began
    print(json.dumps({"steps": Life.steps, "operations": Lock.operations, "seconds": took}))


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
