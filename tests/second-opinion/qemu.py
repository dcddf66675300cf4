"""QEMU's nRF51822, held at two places of its firmware's tick, so that its time stands still while anybody else acts.

Instructions are the chip's clock (`-icount`), and it is stopped by breakpoints where the firmware is about to look at
its pins, and where it goes to sleep. So nothing depends on the wall clock, however busy the machine out here is.
Between those two places nobody looks at a pin, so what is put on one in the meantime is in time.

Standard library only. Deliberately absent: what the pins are wired to; a chip that restarts itself; a converter and the
time that flash takes, which QEMU has not.
"""

import base64
import functools
import os
import socket
import struct
import subprocess
import tempfile

FLASH_BYTES = 256 * 1024
PINS = 32
# One instruction takes so many nanoseconds, as a power of two: 128 are two cycles at 16 MHz.
SHIFT = 7
# Seconds of wall time from one stop to the next.
STOPS_WITHIN = 30
# The firmware's clock wakes it every 5 ms. Once in a hundred thousand stops QEMU lets its clock run on to the next
# timer before it stands: then the chip finds that its tick took so much longer, and goes on.
LONGEST_SLEEP_US = 12_000

GPIO_OUT = 0x5000_0504
GPIO_IN = 0x5000_0510
# A timer that the firmware does not use; it counts microseconds from power-on.
TIMER_2 = 0x4000_A000
TIMER_START, TIMER_CLEAR, TIMER_CAPTURE_0 = TIMER_2, TIMER_2 + 0x00C, TIMER_2 + 0x040
TIMER_MODE, TIMER_BITMODE, TIMER_PRESCALER = TIMER_2 + 0x504, TIMER_2 + 0x508, TIMER_2 + 0x510
TIMER_CC_0 = TIMER_2 + 0x540

WFI = b"\x30\xbf"
PC = 15


class Trouble(Exception):
    """Something that says nothing about the lock."""


class TooBusy(Trouble):
    """The machine out here did not keep up."""

    def __init__(self, what):
        super().__init__(f"too busy: {what}")


def image(path):
    """The whole flash with an Intel HEX file in it."""
    flash, upper = bytearray(b"\xff" * FLASH_BYTES), 0
    with open(path, encoding="ascii") as file:
        for line in file:
            record = bytes.fromhex(line.strip().removeprefix(":"))
            address, kind, contents = record[1] << 8 | record[2], record[3], record[4:-1]
            if kind == 0:
                at = upper + address
                flash[at : at + len(contents)] = contents
            elif kind == 4:
                upper = int.from_bytes(contents, "big") << 16
    return bytes(flash)


class Line:
    """A socket to QEMU, and what came over it and was not asked for yet."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        self.ours.settimeout(STOPS_WITHIN)
        self.buffer = b""

    def option(self, name):
        return ["-chardev", f"socket,id={name},fd={self.theirs.fileno()}"]

    def send(self, data):
        self.ours.sendall(data)

    def receive_to(self, mark):
        """What comes up to a mark, without it."""
        while mark not in self.buffer:
            self.fill()
        found, self.buffer = self.buffer.split(mark, 1)
        return found

    def receive(self, count):
        """So many bytes."""
        while len(self.buffer) < count:
            self.fill()
        found, self.buffer = self.buffer[:count], self.buffer[count:]
        return found

    def fill(self):
        more = self.ours.recv(1 << 16)
        if not more:
            raise EOFError("nothing comes from it any more")
        self.buffer += more

    def receive_waiting(self):
        """What is there already: QEMU has sent it before it stopped."""
        found = b""
        self.ours.setblocking(False)
        try:
            while more := self.ours.recv(1 << 16):
                found += more
        except BlockingIOError:
            pass
        return found

    def close(self):
        self.ours.close()
        self.theirs.close()


def guarded(act):
    """What goes wrong with QEMU says nothing about the lock."""

    @functools.wraps(act)
    def wrapped(machine, *arguments):
        try:
            return act(machine, *arguments)
        except TimeoutError:
            raise TooBusy(f"QEMU did not answer within {STOPS_WITHIN} s") from None
        except (EOFError, OSError) as error:
            raise Trouble(f"QEMU has ended: {machine.last_words() or error}") from None

    return wrapped


def packet(text):
    """A request in GDB's protocol."""
    body = text.encode("ascii")
    return b"$%b#%02x" % (body, sum(body) & 0xFF)


class Machine:
    """A chip from power-on to power-off. It always stands still, except within `wake` and `fall_asleep`."""

    def __init__(self, program, flash, seed, looks_at=None):
        sleeps_at = [at for at in range(0, 0x6000, 2) if flash[at : at + 2] == WFI]
        if len(sleeps_at) != 1:
            raise Trouble(f"the firmware sleeps at {len(sleeps_at)} places, and not at one")
        self.sleeps_at, self.looks_at = sleeps_at[0], looks_at
        # Where it stops next, if that is set.
        self.stops_at = None
        self.last_micros = 0
        # When it fell asleep last, and what it put out then.
        self.slept_from, self.out_asleep = None, None
        # Levels that are put on its pins.
        self.inputs = {}
        self.debugger, self.test, self.serial = Line(), Line(), Line()
        # QEMU leaves what is not programmed as noughts: so the whole flash is handed over.
        contents = os.memfd_create("flash")
        os.write(contents, flash)
        self.errors = tempfile.TemporaryFile()
        lines = (self.debugger, self.test, self.serial)
        command = [
            program, "-M", "microbit", "-nodefaults", "-display", "none", "-S", "-no-reboot", "-no-shutdown",
            "-icount", f"shift={SHIFT},align=off,sleep=off", "-seed", str(seed),
            "-device", f"loader,file=/proc/self/fd/{contents},addr=0,force-raw=on",
            *self.debugger.option("gdb"), "-gdb", "chardev:gdb",
            *self.test.option("qtest"), "-object", "qtest,id=test,chardev=qtest,log=/dev/null",
            *self.serial.option("uart"), "-serial", "chardev:uart",
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.errors,
            pass_fds=[contents, *(line.theirs.fileno() for line in lines)],
        )
        os.close(contents)
        for line in lines:
            line.theirs.close()
        self.begin()

    @guarded
    def begin(self):
        setup = ((TIMER_MODE, 0), (TIMER_BITMODE, 3), (TIMER_PRESCALER, 4), (TIMER_CLEAR, 1), (TIMER_START, 1))
        self.ask_test(*(f"writel {register} {value}" for register, value in setup))
        # All of them have pull-ups, or nobody looks at them.
        self.set_pins(dict.fromkeys(range(PINS), True))

    def close(self):
        """Cuts the power."""
        self.process.kill()
        self.process.wait()
        for line in (self.debugger, self.test, self.serial):
            line.close()
        self.errors.close()

    def last_words(self):
        """What QEMU said of why it ended."""
        self.process.kill()
        self.process.wait()
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace").strip().splitlines()
        return said[-1] if said else ""

    # Its time -----------------------------------------------------------------------------------------------------

    @guarded
    def wake(self):
        """Lets it sleep until it is about to look at its pins; hands out when that is, and what it puts out until then.

        Microseconds from power-on, and the levels of its pins, a bit each.
        """
        if self.looks_at is None:
            self.find_look()
        else:
            self.go(self.looks_at)
        micros, out = self.look()
        self.check_sleep(micros, out)
        return micros, out

    def check_sleep(self, micros, out):
        """Nobody may have missed a look at the pins: what came of it would not be the lock's doing."""
        if self.slept_from is None:
            return
        if out != self.out_asleep:
            raise TooBusy("the chip has looked at its pins while nobody held it")
        if micros - self.slept_from > LONGEST_SLEEP_US:
            raise TooBusy(f"the chip's clock ran on for {micros - self.slept_from} µs")

    def find_look(self):
        """Right after the first power-on: which instruction reads the pins is not known yet.

        A watchpoint finds it. It can't hold the chip there later on: QEMU never gets past one on a register.
        """
        self.request(f"Z3,{GPIO_IN:x},4", "c")
        self.request(f"z3,{GPIO_IN:x},4")
        self.debugger.send(packet("g"))
        registers = bytes.fromhex(self.answer())
        (self.looks_at,) = struct.unpack_from("<I", registers, 4 * PC)

    @guarded
    def fall_asleep(self):
        """Lets it do what its tick does; hands out when that is done, and what it puts out from then on."""
        self.go(self.sleeps_at)
        self.slept_from, self.out_asleep = self.look()
        return self.slept_from, self.out_asleep

    def go(self, to):
        leaves = [] if self.stops_at is None else [f"z0,{self.stops_at:x},2"]
        self.request(*leaves, f"Z0,{to:x},2", "c")
        self.stops_at = to

    def look(self):
        """When it is, and what it puts out."""
        asked = (f"writel {TIMER_CAPTURE_0} 1", f"readl {TIMER_CC_0}", f"readl {GPIO_OUT}")
        _, micros, out = self.ask_test(*asked)
        # The timer has 32 bits.
        self.last_micros += (int(micros, 16) - self.last_micros) & 0xFFFF_FFFF
        return self.last_micros, int(out, 16)

    # What is around it --------------------------------------------------------------------------------------------

    @guarded
    def set_pins(self, levels):
        """Puts levels on pins, each by its number."""
        changed = {pin: is_high for pin, is_high in levels.items() if self.inputs.get(pin) != is_high}
        self.inputs |= changed
        wire = "set_irq_in /machine/nrf51 unnamed-gpio-in"
        self.ask_test(*(f"{wire} {pin} {int(is_high)}" for pin, is_high in changed.items()))

    def said(self):
        """What it has sent since."""
        return self.serial.receive_waiting()

    @guarded
    def flash(self):
        """What the flash holds."""
        (contents,) = self.ask_test(f"b64read 0 {FLASH_BYTES}")
        return base64.b64decode(contents)

    # Talking to QEMU ----------------------------------------------------------------------------------------------

    def request(self, *texts):
        """Requests of the debugger, the answers to which are known; the last may let the chip run."""
        self.debugger.send(b"".join(map(packet, texts)))
        for text in texts:
            answer = self.answer()
            if text == "c" and answer.startswith("T03"):
                raise Trouble("the firmware has restarted the chip, and this machine can't")
            if not answer.startswith("T05" if text == "c" else "OK"):
                raise Trouble(f"QEMU answers `{text}` with `{answer}`")

    def answer(self):
        """An answer without its mark and sum; QEMU takes the next request as its acknowledgement."""
        found = self.debugger.receive_to(b"#")
        self.debugger.receive(2)
        return found.decode("ascii").lstrip("+").removeprefix("$")

    def ask_test(self, *requests):
        """Answers without their `OK`, one for each request."""
        self.test.send("".join(request + "\n" for request in requests).encode("ascii"))
        answers = [self.test.receive_to(b"\n").decode("ascii") for _ in requests]
        for request, answer in zip(requests, answers):
            if not answer.startswith("OK"):
                raise Trouble(f"QEMU answers `{request}` with `{answer}`")
        return [answer.removeprefix("OK").strip() for answer in answers]
