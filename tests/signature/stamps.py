"""Time stamps of signed runs: a right one is taken, and whoever alters, swaps or back-dates anything is found."""

import base64
import datetime
import json
import pathlib
import shutil
import subprocess
import sys

from authority import Authority, ExtendedKeyUsageOID

LOCKRIG, OUT = sys.argv[1], pathlib.Path(sys.argv[2])
RUNS = [pathlib.Path(run) for run in sys.argv[3:]]
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def lockrig(code, *words):
    done = subprocess.run([LOCKRIG, *map(str, words)], capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == code, f"{words}: {done.returncode}: {said}"
    return said


def stamped(run, copy, authority, at=NOW):
    """A copy of a run with a stamp."""
    folder = OUT / copy
    shutil.copytree(run, folder)
    request, reply = OUT / f"{copy}.tsq", OUT / f"{copy}.tsr"
    lockrig(0, "timestamp", folder, "--request", request)
    reply.write_bytes(authority.answer(request.read_bytes(), at))
    said = lockrig(0, "timestamp", folder, "--response", reply)
    assert f"stamped: {at:%Y-%m-%dT%H:%M:%SZ}" in said, said
    return folder


def found(folder, authority, words, *more):
    pem = OUT / "root.pem"
    pem.write_bytes(authority.pem())
    said = lockrig(4, "verify", folder, "--tsa", pem, *more)
    assert words in said, f"{folder}: {words!r}: {said}"


for kind in ("rsa", "ec"):
    authority = Authority(kind)
    run = stamped(RUNS[0], f"right-{kind}", authority)
    pem = OUT / "root.pem"
    pem.write_bytes(authority.pem())
    said = lockrig(0, "verify", run, "--tsa", pem)
    assert f"stamped at {NOW:%Y-%m-%dT%H:%M:%SZ} by an authority that is trusted" in said, said
    assert "it was not checked" in lockrig(0, "verify", run)
    # Another root, of the same name.
    found(run, Authority(kind), "of no authority that is trusted")
    # One bit of the stamp, anywhere: it is in the envelope as text.
    path = run / "attestation.json"
    whole = path.read_bytes()
    envelope = json.loads(whole)
    token = base64.b64decode(envelope["timestamps"][0])
    for bit in range(5, len(token) * 8, len(token) * 8 // 61):
        altered = bytearray(token)
        altered[bit // 8] ^= 1 << bit % 8
        envelope["timestamps"][0] = base64.b64encode(bytes(altered)).decode()
        path.write_text(json.dumps(envelope, separators=(",", ":"), sort_keys=True))
        done = subprocess.run([LOCKRIG, "verify", run, "--tsa", pem], capture_output=True, text=True)
        # A bit that no signature covers may be another and say the same; nothing else may pass.
        assert done.returncode == 4 or "by an authority that is trusted" in done.stdout, f"{kind}, bit {bit}: {done.stdout}"
        assert done.returncode in (0, 4), f"{kind}, bit {bit}: {done.stderr}"
        if done.returncode == 0:
            # The root of the chain and unsigned parts of the answer are all that may differ.
            assert f"{NOW:%Y-%m-%dT%H:%M:%SZ}" in done.stdout, f"{kind}, bit {bit}: {done.stdout}"
    path.write_bytes(whole)
    # What is stamped is this signature, and no other run's.
    other = OUT / f"swapped-{kind}"
    shutil.copytree(RUNS[1], other)
    theirs = json.loads((other / "attestation.json").read_bytes())
    theirs["timestamps"] = json.loads(whole)["timestamps"]
    (other / "attestation.json").write_text(json.dumps(theirs, separators=(",", ":"), sort_keys=True))
    said = lockrig(4, "verify", other)
    assert "the time stamp is of another signature" in said, said
    refused = OUT / f"refused-{kind}"
    shutil.copytree(RUNS[1], refused)
    said = lockrig(2, "timestamp", refused, "--response", OUT / f"right-{kind}.tsr")
    assert "the time stamp is of another signature" in said, said

# A signature that was stamped elsewhere, beside the right one: what is stamped must be by a key that is trusted.
other = OUT / "beside"
shutil.copytree(RUNS[1], other)
theirs = json.loads((other / "attestation.json").read_bytes())
stranger = json.loads((OUT / "right-ec/attestation.json").read_bytes())
stranger["signatures"][0]["keyid"] = "0" * 64
theirs["signatures"].insert(0, stranger["signatures"][0])
theirs["timestamps"] = stranger["timestamps"]
(other / "attestation.json").write_text(json.dumps(theirs, separators=(",", ":"), sort_keys=True))
said = lockrig(4, "verify", other, "--tsa", OUT / "root.pem")
assert "key that is trusted" in said or "names another key" in said, said

authority = Authority()
# Half a second, which other libraries refuse to read.
folder = OUT / "fraction"
shutil.copytree(RUNS[0], folder)
lockrig(0, "timestamp", folder, "--request", OUT / "fraction.tsq")
(OUT / "fraction.tsr").write_bytes(authority.answer((OUT / "fraction.tsq").read_bytes(), NOW, b".5"))
lockrig(0, "timestamp", folder, "--response", OUT / "fraction.tsr")
(OUT / "root.pem").write_bytes(authority.pem())
assert "by an authority that is trusted" in lockrig(0, "verify", folder, "--tsa", OUT / "root.pem")
assert "attached already" in lockrig(2, "timestamp", folder, "--response", OUT / "fraction.tsr")
# A later one, and one of somebody else, take nothing from one that is right.
for who, at in ((authority, NOW + datetime.timedelta(days=90)), (Authority(), NOW)):
    (OUT / "more.tsr").write_bytes(who.answer((OUT / "fraction.tsq").read_bytes(), at))
    lockrig(0, "timestamp", folder, "--response", OUT / "more.tsr")
    lockrig(0, "verify", folder, "--tsa", OUT / "root.pem")
# Its signer names another certificate.
folder = OUT / "named"
shutil.copytree(RUNS[0], folder)
(OUT / "named.tsr").write_bytes(authority.answer((OUT / "fraction.tsq").read_bytes(), NOW, named=b"another"))
lockrig(0, "timestamp", folder, "--response", OUT / "named.tsr")
found(folder, authority, "names another certificate than its signer's")
# A request has no place in the run folder.
assert "into a run folder" in lockrig(2, "timestamp", folder, "--request", folder / "query.tsq")
# A record that says that it is older than its stamp, and one that says that it is younger.
late = stamped(RUNS[0], "late", authority, NOW + datetime.timedelta(days=30))
found(late, authority, "it is back-dated, or was signed late")
lockrig(0, "verify", late, "--tsa", OUT / "root.pem", "--stamped-within", "1000 h")
found(stamped(RUNS[0], "early", authority, NOW - datetime.timedelta(days=30)), authority, "was stamped before that")
# Without a stamp none is taken for granted.
found(RUNS[0], authority, "it has no time stamp, and must have one")
# A certificate for something else, and one that had expired.
other = Authority(usage=ExtendedKeyUsageOID.CODE_SIGNING)
found(stamped(RUNS[0], "usage", other), other, "of no authority that is trusted")
other = Authority(until=datetime.datetime(2021, 1, 1, tzinfo=datetime.timezone.utc))
found(stamped(RUNS[0], "expired", other), other, "of no authority that is trusted")
# An authority that refuses, something that is no answer, and no certificate.
for content, words in ((Authority.refusal(), "did not grant"), (b"nothing", "no answer of a time-stamping authority")):
    (OUT / "bad.tsr").write_bytes(content)
    assert words in lockrig(2, "timestamp", RUNS[0], "--response", OUT / "bad.tsr")
assert "no certificate in PEM" in lockrig(2, "verify", RUNS[0], "--tsa", OUT / "bad.tsr")
print("stamps: taken if they are right, found if they are not")
