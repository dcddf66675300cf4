"""Reads waveforms with several programs, and compares what they find with what pyvcd finds.

compare.py TOOLS FOLDER      TOOLS has vcd2fst, fst2vcd and sigrok-cli; FOLDER has the waveforms
"""
import pathlib
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

from vcd.reader import TokenKind, tokenize

ESCAPES = re.compile(r"\\(x[0-9A-Fa-f]{2}|[0-7]{3}|.)")
POWERS = {"s": 0, "ms": -3, "us": -6, "ns": -9, "ps": -12}
SIMPLE = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def words(text):
    """A string value without its escapes, be they those of lockrig or those of fst2vcd."""
    def plain(match):
        code = match[1]
        if code[0] == "x":
            return chr(int(code[1:], 16))
        if code.isdigit():
            return chr(int(code, 8))
        return SIMPLE.get(code, code)
    return ESCAPES.sub(plain, text)


def read(path):
    """Per variable its kind and its changes: seconds, exactly, and the value."""
    unit, now, names, found = None, 0, {}, {}
    with open(path, "rb") as file:
        for token in tokenize(file):
            kind, data = token.kind, token.data
            if kind is TokenKind.TIMESCALE:
                unit = data.magnitude * Fraction(10) ** POWERS[data.unit.value]
            elif kind is TokenKind.VAR:
                name = data.reference
                names.setdefault(data.id_code, []).append(name)
                found[name] = (data.type_.value, [])
            elif kind is TokenKind.CHANGE_TIME:
                now = data * unit
            elif kind in (TokenKind.CHANGE_SCALAR, TokenKind.CHANGE_REAL, TokenKind.CHANGE_STRING):
                value = words(data.value) if kind is TokenKind.CHANGE_STRING else data.value
                for name in names[data.id_code]:
                    found[name][1].append((now, value))
    return found


def is_unknown(value):
    return value in ("x", "z") or value == "" or value != value


def known(changes):
    """Changes without what a reader says before the first one, nor what is said a second time."""
    kept = []
    for at, value in changes:
        if not is_unknown(value) and (not kept or kept[-1][1] != value):
            kept.append((at, value))
    return kept


def from_zero(changes):
    """Changes of a reader that takes a wire for low until it is told otherwise."""
    kept = known(changes)
    return kept[1:] if kept and kept[0][1] == "0" else kept


def compare(tools, path, folder):
    """Variables, changes, words, and edges of wires that all readers found."""
    def run(tool, *arguments):
        # Only a tool that hangs takes so long: a day in samples is minutes for sigrok-cli beside other work.
        done = subprocess.run([tools / tool, *map(str, arguments)], capture_output=True, timeout=1800, check=True)
        return done.stdout
    ours = read(path)
    fst, again, bits = folder / "a.fst", folder / "fst.vcd", folder / "bits.vcd"
    run("vcd2fst", path, fst)
    again.write_bytes(run("fst2vcd", fst))
    theirs = read(again)
    assert set(theirs) == set(ours), (path, set(theirs) ^ set(ours))
    changes = texts = edges = 0
    for name, (kind, values) in ours.items():
        assert known(theirs[name][1]) == known(values), (path, name, known(values)[:5], known(theirs[name][1])[:5])
        changes += len(values)
        texts += len(values) if kind == "string" else 0
    wires = {name for name, (kind, _) in ours.items() if kind == "wire"}
    if any(ours[name][1] for name in wires):
        said = run("sigrok-cli", "-I", "vcd:skip=0", "-i", path, "-O", "vcd")
        # It says the sample rate before the waveform begins.
        bits.write_bytes(said[said.index(b"$date"):])
        theirs = read(bits)
        assert set(theirs) == wires, (path, set(theirs) ^ wires)
        for name in wires:
            expected = from_zero(ours[name][1])
            assert from_zero(theirs[name][1]) == expected, (path, name, expected[:5], from_zero(theirs[name][1])[:5])
            edges += len(expected)
    return len(ours), changes, texts, edges


def main():
    tools, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    paths = sorted(folder.glob("*.vcd"))
    assert paths, "there is no waveform"

    def one(path):
        with tempfile.TemporaryDirectory() as temporary:
            return compare(tools, path, pathlib.Path(temporary))
    with ThreadPoolExecutor(2) as pool:
        variables, changes, texts, edges = (sum(column) for column in zip(*pool.map(one, paths)))
    assert texts > 0 and edges > 0
    print(f"{len(paths)} waveforms: {variables} variables, {changes} changes, {texts} of them words, the same in pyvcd and "
          f"vcd2fst; {edges} edges of wires the same in sigrok-cli")


main()
