"""Sums up what `cov show` says on standard input: how many lines of each file below a folder were reached.

    lines.py FOLDER LEAST      exits with 1 if it is less than so many percent of all
"""
import re
import sys

folder, least = sys.argv[1], float(sys.argv[2])
files, name = {}, None
for line in sys.stdin:
    counted = re.match(r"\s*\d+\|\s*(\d*)\|", line)
    if not counted:
        name = line.strip() if folder in line else None
    elif name and counted[1]:
        reached, lines = files.get(name, (0, 0))
        files[name] = (reached + (counted[1] != "0"), lines + 1)
for name, (reached, lines) in sorted(files.items()):
    print(f"{name[name.index(folder):]:<40} {reached:>5} of {lines:>5} lines, {100 * reached / lines:5.1f} %")
reached, lines = (sum(pair[index] for pair in files.values()) for index in (0, 1))
print(f"{folder}: {reached} of {lines} lines, {100 * reached / max(lines, 1):.1f} % (at least {least:g} %)")
sys.exit(not lines or 100 * reached < least * lines)
