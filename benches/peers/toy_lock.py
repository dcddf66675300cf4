"""Hypothesis's stateful tests on a toy lock for so many seconds: `toy_lock.py SECONDS`. Prints a line of JSON. The same
lock and the same steps are in toy-lock/: whoever changes one changes the other."""

import json
import sys
import time

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

# So many steps a life, as lockrig's at most; and lives a batch, Hypothesis's own default.
STEPS_A_LIFE = 24
LIVES = 100

SLOTS = 8
MAX_WRONG = 5
LOCKOUT = 60_000
HOLD = 10_000
MAX_OLD = 6
CHANNELS = ("app", "hub")


class Lock:
    """A toy lock in virtual time, in milliseconds: a plain object."""

    # Everything that was done to any lock, waiting left out.
    operations = 0

    def __init__(self):
        self.now = 0
        self.powered = True
        self.erase()

    def perform(self, name, *given):
        """Each operation is answered by yes or no."""
        if name != "wait":
            Lock.operations += 1
        return getattr(self, name)(*given)

    def erase(self):
        self.wrong = 0
        self.locked_until = 0
        self.codes = {}
        self.master = None
        self.bound = set()

    def listens(self):
        """Whether the keypad takes anything."""
        return self.powered and self.now >= self.locked_until

    def holds(self, code):
        return code == self.master or code in self.codes.values()

    def store(self, slot, code):
        if not 1 <= slot <= SLOTS or self.holds(code):
            return False
        self.codes[slot] = code
        return True

    def enter(self, code):
        if not self.listens():
            return False
        if self.holds(code):
            self.wrong = 0
            return True
        self.wrong += 1
        if self.wrong == MAX_WRONG:
            self.wrong = 0
            self.locked_until = self.now + LOCKOUT
        return False

    def set_master(self, code):
        if not self.listens() or self.master is not None:
            return False
        self.master = code
        return True

    def program(self, master, slot, code):
        return self.listens() and self.master == master and self.store(slot, code)

    def pair(self, master, channel):
        if not self.listens() or self.master != master or channel in self.bound:
            return False
        self.bound.add(channel)
        return True

    def ask(self, channel, role, what, slot=0, code=""):
        if not self.powered or channel not in self.bound:
            return False
        if what == "status":
            return True
        if role == "guest":
            return False
        if what == "add_code":
            return self.store(slot, code)
        if what == "remove_code":
            return self.codes.pop(slot, None) is not None
        if what == "set_master":
            self.master = code
        elif what == "factory_reset":
            self.erase()
        elif what == "unpair":
            self.bound.remove(channel)
        return True

    def power(self, on):
        self.powered = on
        return True

    def hold(self, ms):
        self.now += ms
        if not self.powered or ms < HOLD:
            return False
        self.erase()
        return True

    def wait(self, ms):
        self.now += ms
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

    def __init__(self, master, codes):
        self.now = 0
        self.locked_until = 0
        self.codes = {}
        self.master = master
        self.bound = set()
        self.old = []
        self.script = []
        self.set_up(master, codes)

    def must(self, answer, *operation):
        self.script.append((operation, answer))

    def is_locked_out(self):
        return self.now < self.locked_until

    def holds(self, code):
        return code == self.master or code in self.codes.values()

    def own(self, number):
        slots = sorted(self.codes)
        number %= len(slots) + 1
        return self.codes[slots[number]] if number < len(slots) else self.master

    def gone(self, code):
        self.old.append(code)
        del self.old[:-MAX_OLD]

    def back(self, code):
        self.old = [old for old in self.old if old != code]

    def verify(self):
        """Everything that must be so whatever was done: bindings, no code that is gone, each of the owner's."""
        for channel in CHANNELS:
            self.status(channel)
        if self.is_locked_out():
            return
        for code in self.old:
            self.must(False, "enter", code)
            # A refusal proves nothing by itself.
            self.must(True, "enter", self.master)
        for slot in sorted(self.codes):
            self.must(True, "enter", self.codes[slot])
        self.must(True, "enter", self.master)

    def set_up(self, master, codes):
        self.must(True, "set_master", master)
        self.master = master
        self.back(master)
        for channel in CHANNELS:
            self.pair(channel)
        for slot, code in enumerate(codes, 1):
            self.add("keypad", slot, code)

    def add(self, way, slot, code):
        if way == "keypad":
            is_heard = not self.is_locked_out()
            operation = ("program", self.master, slot, code)
        else:
            is_heard = way in self.bound
            operation = ("ask", way, "owner", "add_code", slot, code)
        answer = is_heard and not self.holds(code)
        self.must(answer, *operation)
        if answer:
            if slot in self.codes:
                self.gone(self.codes[slot])
            self.codes[slot] = code
            self.back(code)

    def remove(self, channel, number):
        slots = sorted(self.codes)
        slot = slots[number % len(slots)] if slots else 1
        answer = channel in self.bound and slot in self.codes
        self.must(answer, "ask", channel, "owner", "remove_code", slot)
        if answer:
            self.gone(self.codes.pop(slot))

    def enter(self, code):
        self.must(not self.is_locked_out() and self.holds(code), "enter", code)

    def lock_out(self, code):
        while self.holds(code):
            code = f"{(int(code) + 1) % 10_000:04}"
        for _ in range(MAX_WRONG):
            self.enter(code)
        if not self.is_locked_out():
            self.locked_until = self.now + LOCKOUT
        self.enter(self.master)

    def wait(self, ms):
        self.must(True, "wait", ms)
        self.now += ms

    def restart(self, off):
        self.must(True, "power", False)
        self.must(False, "enter", self.master)
        self.wait(off)
        self.must(True, "power", True)

    def pair(self, channel):
        answer = not self.is_locked_out() and channel not in self.bound
        self.must(answer, "pair", self.master, channel)
        if answer:
            self.bound.add(channel)

    def unpair(self, channel):
        self.must(channel in self.bound, "ask", channel, "owner", "unpair")
        self.bound.discard(channel)

    def status(self, channel):
        self.must(channel in self.bound, "ask", channel, "owner", "status")

    def guest(self, what):
        self.must(False, "ask", "app", "guest", what, 1, "0000")

    def short_hold(self, share):
        ms = HOLD * share // 100
        self.must(False, "hold", ms)
        self.now += ms

    def reset(self, after, master, codes):
        self.must(True, "hold", HOLD + 500)
        self.now += HOLD + 500
        for slot in sorted(self.codes):
            self.gone(self.codes[slot])
        self.gone(self.master)
        self.codes = {}
        self.bound = set()
        self.locked_until = 0
        self.wait(after)
        for channel in CHANNELS:
            self.status(channel)
        self.set_up(master, codes)


CODE = st.integers(0, 9_999).map("{:04}".format)
CODES = st.lists(CODE, min_size=1, max_size=3)
CHANNEL = st.sampled_from(CHANNELS)
NUMBER = st.integers(0, 5)
TIME = st.sampled_from([10, 100, 400, 2_000, 10_000, 60_000, 600_000, 3_700_000, 90_000_000])
NEAR = st.sampled_from(["last_missing", "first_missing", "extra_after", "extra_before", "one_wrong"])
ASKED = st.sampled_from(["add_code", "remove_code", "set_master", "factory_reset", "unpair"])


class ToyLock(RuleBasedStateMachine):
    steps = 0

    def play(self):
        script, self.belief.script = self.belief.script, []
        for operation, answer in script:
            assert self.lock.perform(*operation) == answer, (operation, answer)

    def step(self):
        ToyLock.steps += 1
        self.play()

    @initialize(master=CODE, codes=CODES)
    def provision(self, master, codes):
        self.lock = Lock()
        self.belief = Belief(master, codes)
        self.play()

    @invariant()
    def it_holds_what_it_should(self):
        self.belief.verify()
        self.play()

    @rule(way=st.sampled_from(["keypad", *CHANNELS]), slot=st.integers(1, SLOTS), code=CODE)
    def add(self, way, slot, code):
        self.belief.add(way, slot, code)
        self.step()

    @rule(channel=CHANNEL, number=NUMBER)
    def remove(self, channel, number):
        self.belief.remove(channel, number)
        self.step()

    @rule(number=NUMBER)
    def use(self, number):
        self.belief.enter(self.belief.own(number))
        self.step()

    @rule(code=CODE)
    def wrong(self, code):
        self.belief.enter(code)
        self.step()

    @rule(number=NUMBER, near=NEAR, place=st.integers(0, 3))
    def near(self, number, near, place):
        self.belief.enter(nearly(self.belief.own(number), near, place))
        self.step()

    @rule(code=CODE)
    def lock_out(self, code):
        self.belief.lock_out(code)
        self.step()

    @rule(ms=TIME)
    def wait(self, ms):
        self.belief.wait(ms)
        self.step()

    @rule(off=TIME)
    def restart(self, off):
        self.belief.restart(off)
        self.step()

    @rule(channel=CHANNEL)
    def pair(self, channel):
        self.belief.pair(channel)
        self.step()

    @rule(channel=CHANNEL)
    def unpair(self, channel):
        self.belief.unpair(channel)
        self.step()

    @rule(channel=CHANNEL)
    def status(self, channel):
        self.belief.status(channel)
        self.step()

    @rule(what=ASKED)
    def guest(self, what):
        self.belief.guest(what)
        self.step()

    @rule(share=st.sampled_from([4, 30, 60, 80, 95]))
    def short_hold(self, share):
        self.belief.short_hold(share)
        self.step()

    @rule(after=TIME, master=CODE, codes=CODES)
    def reset(self, after, master, codes):
        self.belief.reset(after, master, codes)
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
    run_state_machine_as_test(seed(number)(ToyLock), settings=chosen)


def main(seconds):
    # The first batch also loads what later ones find loaded.
    batch(0, 10)
    ToyLock.steps = Lock.operations = 0
    number = 0
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        number += 1
        batch(number, LIVES)
    took = time.monotonic() - began
    print(json.dumps({"steps": ToyLock.steps, "operations": Lock.operations, "seconds": took}))


if __name__ == "__main__":
    main(float(sys.argv[1]))
