#!/usr/bin/env python3
"""Makes an Intel HEX file of an ELF file: what stands in flash, at its addresses, and nothing else.

Usage: elf2hex.py FIRMWARE.elf IMAGE.hex
"""

import struct
import sys

LOAD = 1
ARM = 40
FLASH = 256 * 1024
# Bytes in a record.
WIDTH = 32
# Kinds of records.
DATA = 0
END = 1
UPPER_ADDRESS = 4


def segments(elf):
    """Load address and contents of each segment that has any."""
    if elf[:6] != b"\x7fELF\x01\x01":
        raise ValueError("not a little-endian 32-bit ELF file")
    (machine,) = struct.unpack_from("<H", elf, 18)
    if machine != ARM:
        raise ValueError("not for ARM")
    (table,) = struct.unpack_from("<I", elf, 28)
    size, count = struct.unpack_from("<HH", elf, 42)
    for at in range(count):
        kind, offset, _, address, length = struct.unpack_from("<5I", elf, table + at * size)
        if kind == LOAD and length:
            if address + length > FLASH:
                raise ValueError(f"segment at {address:#x} is outside the flash")
            yield address, elf[offset : offset + length]


def record(kind, address, contents):
    """A line: length, address, kind, contents, and what makes the sum of all bytes nought."""
    line = struct.pack(">BHB", len(contents), address, kind) + contents
    return ":" + (line + bytes([-sum(line) & 0xFF])).hex().upper() + "\n"


def records(elf):
    upper = 0
    for address, contents in sorted(segments(elf)):
        while contents:
            if address >> 16 != upper:
                upper = address >> 16
                yield record(UPPER_ADDRESS, 0, struct.pack(">H", upper))
            # A record does not go beyond its 64 KiB.
            here = contents[: min(WIDTH, 0x10000 - (address & 0xFFFF))]
            yield record(DATA, address & 0xFFFF, here)
            address, contents = address + len(here), contents[len(here) :]
    yield record(END, 0, b"")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as file:
        elf = file.read()
    try:
        lines = list(records(elf))
    except (ValueError, struct.error) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
    with open(sys.argv[2], "w", newline="\n") as file:
        file.writelines(lines)


if __name__ == "__main__":
    main()
