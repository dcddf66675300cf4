"""A time-stamping authority (RFC 3161) of asn1crypto and cryptography, which know nothing of lockrig: answers requests, also
with another time, another key, or a certificate that is not for it."""

import datetime
import hashlib

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

UTC = datetime.timezone.utc


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """A root, and a signer below it."""

    def __init__(self, kind="rsa", usage=ExtendedKeyUsageOID.TIME_STAMPING, until=datetime.datetime(2090, 1, 1, tzinfo=UTC)):
        since = datetime.datetime(2020, 1, 1, tzinfo=UTC)
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        self.key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP384R1())
        root = x509.CertificateBuilder().subject_name(name("Example Root")).issuer_name(name("Example Root"))
        self.root = (
            root.public_key(self.root_key.public_key()).serial_number(1).not_valid_before(since)
            .not_valid_after(datetime.datetime(2099, 1, 1, tzinfo=UTC))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.root_key, hashes.SHA256())
        )
        signer = x509.CertificateBuilder().subject_name(name("Example Stamps")).issuer_name(name("Example Root"))
        self.signer = (
            signer.public_key(self.key.public_key()).serial_number(2).not_valid_before(since).not_valid_after(until)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
            .sign(self.root_key, hashes.SHA256())
        )

    def pem(self):
        return self.root.public_bytes(serialization.Encoding.PEM)

    def _sign(self, message):
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256()), "sha256_rsa"
        return self.key.sign(message, ec.ECDSA(hashes.SHA384())), "sha384_ecdsa"

    def answer(self, request, at, fraction=b"", named=None):
        asked = tsp.TimeStampReq.load(request)
        assert asked["version"].native == "v1" and asked["cert_req"].native is True, asked.native
        assert asked["message_imprint"]["hash_algorithm"]["algorithm"].native == "sha256", asked.native
        info = tsp.TSTInfo({
            "version": "v1", "policy": "1.2.3.4.1", "message_imprint": asked["message_imprint"],
            "serial_number": 7, "gen_time": at, "accuracy": {"seconds": 1},
        }).dump()
        if fraction:
            # Half a second after the whole one, as RFC 3161 permits; asn1crypto writes none.
            whole = f"{at:%Y%m%d%H%M%S}Z".encode()
            longer = whole[:-1] + fraction + b"Z"
            body = info[2:] if info[1] < 0x80 else info[2 + (info[1] & 0x7F):]
            body = body.replace(b"\x18" + bytes([len(whole)]) + whole, b"\x18" + bytes([len(longer)]) + longer)
            length = bytes([len(body)]) if len(body) < 0x80 else b"\x81" + bytes([len(body)])
            info = b"\x30" + length + body
        hash_name = "sha256" if isinstance(self.key, rsa.RSAPrivateKey) else "sha384"
        certificate = asn1_x509.Certificate.load(self.signer.public_bytes(serialization.Encoding.DER))
        attributes = cms.CMSAttributes([
            {"type": "content_type", "values": ["tst_info"]},
            {"type": "message_digest", "values": [hashlib.new(hash_name, info).digest()]},
            {"type": "signing_time", "values": [cms.Time({"utc_time": at})]},
            {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({
                "certs": [{"cert_hash": hashlib.sha256(named or certificate.dump()).digest()}],
            })]},
        ])
        signature, algorithm = self._sign(attributes.dump())
        signed = cms.SignedData({
            "version": "v3",
            "digest_algorithms": [{"algorithm": hash_name}],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(info)},
            "certificates": [certificate],
            "signer_infos": [{
                "version": "v1",
                "sid": {"issuer_and_serial_number": {"issuer": certificate.issuer, "serial_number": 2}},
                "digest_algorithm": {"algorithm": hash_name},
                "signed_attrs": attributes,
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": algorithm}),
                "signature": signature,
            }],
        })
        token = cms.ContentInfo({"content_type": "signed_data", "content": signed})
        return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump()

    @staticmethod
    def refusal():
        # Status 2 and nothing else, which asn1crypto does not write.
        return bytes.fromhex("30053003020102")
