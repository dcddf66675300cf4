#!/usr/bin/env bash
# DSSE calls `keyid` optional: a verifier may try its keys. securesystemslib 1.6.0 does not: a right signature counts only if
# its `keyid` is there and equals the id that securesystemslib itself gives the key, the SHA-256 of one certain JSON text.
# Without a `keyid`, and with the fingerprint that other tools show, the same signature is refused.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check securesystemslib==1.6.0 cryptography==45.0.7
"$folder/venv/bin/python" - <<'PY'
import base64, copy, hashlib, json
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
key = SSlibKey.from_crypto(private.public_key())
raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
payload, kind = b'{"hello":"world"}', b"application/json"
signed = private.sign(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))


def verdict(keyid):
    signature = {"sig": base64.b64encode(signed).decode()}
    if keyid is not None:
        signature["keyid"] = keyid
    envelope = {"payload": base64.b64encode(payload).decode(), "payloadType": kind.decode(), "signatures": [signature]}
    try:
        Envelope.from_dict(copy.deepcopy(envelope)).verify([key], 1)
        return "verified"
    except Exception as error:
        return f"{type(error).__name__}"


own = hashlib.sha256(
    json.dumps({"keytype": "ed25519", "keyval": {"public": raw.hex()}, "scheme": "ed25519"}, separators=(",", ":")).encode()
).hexdigest()
seen = {
    "its own id": verdict(own),
    "SHA-256 of the raw key": verdict(hashlib.sha256(raw).hexdigest()),
    "no keyid": verdict(None),
}
for what, said in seen.items():
    print(f"{what}: {said}")
assert own == key.keyid
assert seen["its own id"] == "verified"
assert seen["SHA-256 of the raw key"] == "VerificationError"
assert seen["no keyid"] != "verified"
PY
