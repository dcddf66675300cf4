#!/usr/bin/env bash
# In an RFC 3161 response the token is OPTIONAL: an authority that refuses sends a status and nothing else. asn1crypto 1.5.1,
# holds it for mandatory: it can't write a refusal, and loads one without a word, but then can't even tell its status.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check asn1crypto==1.5.1
"$folder/venv/bin/python" - <<'PY'
from asn1crypto import tsp

# SEQUENCE { SEQUENCE { INTEGER 2 } }: PKIStatusInfo with status rejection(2), no token (RFC 3161, 2.4.2).
refusal = bytes.fromhex("30053003020102")


def outcome(what):
    try:
        return repr(what())
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


written = outcome(lambda: tsp.TimeStampResp({"status": {"status": "rejection"}}).dump())
loaded = outcome(lambda: type(tsp.TimeStampResp.load(refusal)).__name__)
status = outcome(lambda: tsp.TimeStampResp.load(refusal)["status"]["status"].native)
print("write a refusal:", written)
print("load one:", loaded)
print("ask for its status:", status)
assert written.startswith("ValueError") and "time_stamp_token" in written, written
assert loaded == "'TimeStampResp'", loaded
assert status.startswith("ValueError"), status
PY
