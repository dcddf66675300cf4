"""Times the peers, checks that they cover, and asks lockrig for arrays that are no larger."""
import itertools
import subprocess
import time

import coverwise
import covertable
from allpairspy import AllPairs

INSTANCES = {"3^4": 2, "3^13": 2, "10^20": 2, "5^1,3^8,2^2": 2, "2^10": 3}


def factors(name):
    sizes = [int(group.split("^")[0]) for group in name.split(",") for _ in range(int(group.split("^")[1]))]
    return [[f"f{number}l{level}" for level in range(size)] for number, size in enumerate(sizes)]


def by_coverwise(levels, strength):
    named = {f"f{number}": values for number, values in enumerate(levels)}
    return [list(test.values()) for test in coverwise.generate(parameters=named, strength=strength)["tests"]]


PEERS = {
    # Of triples it misses most.
    "allpairspy": lambda levels, strength: [list(row) for row in AllPairs(levels)] if strength == 2 else None,
    "covertable": lambda levels, strength: covertable.make(levels, strength=strength),
    "coverwise": by_coverwise,
}


def covers(rows, levels, strength):
    seen = {chosen for row in rows for chosen in itertools.combinations(row, strength)}
    return all(
        chosen in seen
        for some in itertools.combinations(levels, strength)
        for chosen in itertools.product(*some)
    )


slowest = None
print(f"{'instance':14} {'peer':11} {'rows':>5} {'ms':>11}   {'lockrig':>7} {'ms':>9} {'times as fast':>14}")
for name, strength in INSTANCES.items():
    levels = factors(name)
    for peer, make in PEERS.items():
        best, rows = None, None
        for _ in range(1 if name == "10^20" else 3):
            begin = time.perf_counter()
            rows = make(levels, strength)
            took = (time.perf_counter() - begin) * 1e3
            best = took if best is None else min(best, took)
        if rows is None:
            continue
        assert covers(rows, levels, strength), (name, peer)
        asked = ["cargo", "bench", "--quiet", "--bench", "covering", "--", f"{name}:{strength}:{len(rows)}"]
        own = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
        ratio = best / float(own[3])
        slowest = ratio if slowest is None else min(slowest, ratio)
        note = "" if int(own[2]) <= len(rows) else "  LARGER"
        print(f"{name:14} {peer:11} {len(rows):5} {best:11.2f}   {own[2]:>7} {float(own[3]):9.3f} {ratio:14.1f}{note}")
print(f"at least {slowest:.1f} times as fast")
