"""Verifies a signed run without lockrig, and sees that every altered copy of it is refused."""
import base64
import copy
import hashlib
import importlib.metadata
import json
import pathlib
import sys

import nacl.exceptions
import nacl.signing
from cryptography.hazmat.primitives import serialization
from google.protobuf.json_format import ParseDict
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as Message
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

run, public = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).read_bytes()
written = json.loads((run / "attestation.json").read_bytes())
crypto = serialization.load_pem_public_key(public)
key = SSlibKey.from_crypto(crypto)
raw = crypto.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def securesystemslib_accepts(envelope):
    try:
        # `from_dict` empties what it is given.
        Envelope.from_dict(copy.deepcopy(envelope)).verify([key], 1)
        return True
    except (VerificationError, ValueError):
        return False


def nacl_accepts(envelope):
    try:
        payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
        encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        nacl.signing.VerifyKey(raw).verify(encoded, base64.b64decode(envelope["signatures"][0]["sig"]))
        return True
    except (nacl.exceptions.BadSignatureError, ValueError):
        return False


assert securesystemslib_accepts(written) and nacl_accepts(written)
payload = base64.b64decode(written["payload"])
Statement.copy_from_pb(ParseDict(json.loads(payload), Message())).validate()
statement = json.loads(payload)
assert statement["_type"] == "https://in-toto.io/Statement/v1", statement["_type"]
assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
assert statement["predicate"]["result"] == "PASSED", statement["predicate"]["result"]
named = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
present = {
    str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest()
    for path in run.rglob("*")
    if path.is_file() and path.name != "attestation.json"
}
assert named == present, set(named) ^ set(present)

refused = 0
for bit in range(0, len(payload) * 8, 997):
    altered = bytearray(payload)
    altered[bit // 8] ^= 1 << bit % 8
    envelope = {**written, "payload": base64.b64encode(bytes(altered)).decode()}
    assert not securesystemslib_accepts(envelope) and not nacl_accepts(envelope), bit
    refused += 1
signature = bytearray(base64.b64decode(written["signatures"][0]["sig"]))
for bit in range(0, len(signature) * 8, 7):
    altered = bytearray(signature)
    altered[bit // 8] ^= 1 << bit % 8
    sig = base64.b64encode(bytes(altered)).decode()
    envelope = {**written, "signatures": [{**written["signatures"][0], "sig": sig}]}
    assert not securesystemslib_accepts(envelope) and not nacl_accepts(envelope), bit
    refused += 1
versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("securesystemslib", "PyNaCl"))
print(f"signature: {len(named)} subjects, verified by {versions}; {refused} altered copies refused by both")
