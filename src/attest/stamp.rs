//! Time stamps (RFC 3161): an authority's word that a signature existed at a time. So a run can't be back-dated: whoever
//! makes a record later, and signs it, gets a later stamp.
//!
//! Deliberately absent: the network. A request is a file that any client carries to an authority, and the answer is another.

use std::time::Duration;

use cmpv2::status::PkiStatus;
use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{GeneralizedTime, Int, OctetString, OctetStringRef};
use der::oid::ObjectIdentifier;
use der::oid::db::{rfc5911, rfc5912, rfc6268};
use der::{Any, Decode, Encode, Sequence, Tag, Tagged};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use sha2::{Digest, Sha256, Sha384, Sha512};
use spki::AlgorithmIdentifier;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_cert::Certificate;
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::name::GeneralName;
use x509_tsp::{Accuracy, MessageImprint, TimeStampReq, TimeStampResp, TspVersion};

/// What a time stamp says (RFC 3161: id-ct-TSTInfo).
const STAMP_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
/// Its signer names its certificate (RFC 2634 and RFC 5035).
const SIGNING_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// Its signer's certificate is for time stamps (RFC 5280: id-kp-timeStamping, 1.3.6.1.5.5.7.3.8), as encoded.
const FOR_STAMPS: &[u8] = &[43, 6, 1, 5, 5, 7, 3, 8];
/// A token with its certificates has some kilobytes.
pub(super) const MAX_TOKEN: usize = 256 << 10;

/// Certificates of authorities that are trusted.
#[derive(Clone, Debug, Default)]
pub struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// There is none, or it is none, as a text for people.
    pub fn from_pem(pem: &[u8]) -> Result<Self, String> {
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let all = all.map_err(|error| format!("it is no certificate in PEM: {error}"))?;
        if all.is_empty() {
            return Err("it has no certificate in PEM".to_owned());
        }
        for certificate in &all {
            anchor_from_trusted_cert(certificate)
                .map_err(|error| format!("a certificate can't be read: {error}"))?;
        }
        Ok(Self(all))
    }
}

/// A time stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When, in seconds since 1970 (UTC).
    pub at: u64,
    /// Whether an authority that was given has signed it, and why not. Without an authority anybody may have made it.
    pub trust: Trust,
}

/// Whether a time stamp can be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// No authority was given.
    Unchecked,
    /// One that was given has signed it.
    Trusted,
    /// None that was given has, for this reason.
    Refused(String),
}

/// What a time stamp says (RFC 3161, 2.4.2). The time may have a fraction of a second, which RustCrypto's type refuses.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
struct Info {
    version: TspVersion,
    policy: ObjectIdentifier,
    message_imprint: MessageImprint,
    serial_number: Int,
    gen_time: Any,
    #[asn1(optional = "true")]
    accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    tsa: Option<GeneralName>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

/// What an authority is asked for: a stamp of these bytes, with its certificate in the answer.
pub(super) fn request(signature: &[u8]) -> Result<Vec<u8>, String> {
    let unwritten = |error: der::Error| format!("the request can't be written: {error}");
    let hash_algorithm = AlgorithmIdentifier { oid: rfc5912::ID_SHA_256, parameters: Some(Any::null()) };
    let hashed_message = OctetString::new(Sha256::digest(signature).to_vec()).map_err(unwritten)?;
    let request = TimeStampReq {
        version: TspVersion::V1,
        message_imprint: MessageImprint { hash_algorithm, hashed_message },
        req_policy: None,
        nonce: None,
        cert_req: true,
        extensions: None,
    };
    request.to_der().map_err(unwritten)
}

/// The stamp in an authority's answer.
pub(super) fn token(response: &[u8]) -> Result<Vec<u8>, String> {
    let answer = TimeStampResp::from_der(response);
    let answer = answer.map_err(|error| format!("it is no answer of a time-stamping authority: {error}"))?;
    let is_granted = matches!(answer.status.status, PkiStatus::Accepted | PkiStatus::GrantedWithMods);
    let refused = || format!("the authority did not grant a stamp (status {:?})", answer.status.status);
    let token = answer.time_stamp_token.as_ref().filter(|_| is_granted).ok_or_else(refused)?;
    token.to_der().map_err(|error| format!("its stamp can't be read: {error}"))
}

/// What a stamp says of a signature, and whether one of the authorities has signed it.
///
/// # Errors
/// It is none of that signature, or can't be read.
pub(super) fn check(token: &[u8], signature: &[u8], authorities: &Authorities) -> Result<Stamp, String> {
    let unread = |error: der::Error| format!("the time stamp can't be read: {error}");
    if token.len() > MAX_TOKEN {
        return Err("the time stamp is too long to be one".to_owned());
    }
    let content = ContentInfo::from_der(token).map_err(unread)?;
    if content.content_type != rfc5911::ID_SIGNED_DATA {
        return Err("the time stamp is not signed".to_owned());
    }
    let signed: SignedData = content.content.decode_as().map_err(unread)?;
    let inner = signed.encap_content_info.econtent.as_ref();
    let inner = inner.filter(|_| signed.encap_content_info.econtent_type == STAMP_INFO);
    let said = inner.ok_or("what is signed is no time stamp")?.value();
    let info = Info::from_der(said).map_err(unread)?;
    let imprint = &info.message_imprint;
    let own = digest(imprint.hash_algorithm.oid, signature).ok_or("its hash is none that lockrig knows")?;
    if own != imprint.hashed_message.as_bytes() {
        return Err("the time stamp is of another signature".to_owned());
    }
    let at = time(&info.gen_time).ok_or("its time can't be read")?;
    let trust = match authorities.0.as_slice() {
        [] => Trust::Unchecked,
        roots => match trusted(&signed, said, at, roots) {
            Ok(()) => Trust::Trusted,
            Err(reason) => Trust::Refused(reason),
        },
    };
    Ok(Stamp { at: at.as_secs(), trust })
}

/// A GeneralizedTime, without its fraction of a second.
fn time(value: &Any) -> Option<Duration> {
    let text = std::str::from_utf8(value.value()).ok().filter(|_| value.tag() == Tag::GeneralizedTime)?;
    let (whole, fraction) = text.strip_suffix('Z')?.split_once('.').unwrap_or((text.strip_suffix('Z')?, ""));
    let is_fraction = fraction.bytes().all(|digit| digit.is_ascii_digit());
    let whole = Any::new(Tag::GeneralizedTime, format!("{whole}Z").into_bytes()).ok()?;
    let time: GeneralizedTime = whole.decode_as().ok().filter(|_| is_fraction)?;
    Some(time.to_unix_duration())
}

/// Whether a stamp is signed by a certificate for stamps below one of these, at its time.
fn trusted(
    signed: &SignedData,
    said: &[u8],
    at: Duration,
    roots: &[CertificateDer<'static>],
) -> Result<(), String> {
    let unread = |error: der::Error| format!("the time stamp can't be read: {error}");
    let [signer] = signed.signer_infos.0.as_slice() else {
        return Err("the time stamp has more signers than one, or none".to_owned());
    };
    let certificates = certificates(signed).map_err(unread)?;
    let own = certificates.iter().find(|(certificate, _)| is_of(signer, certificate));
    let (_, own) = own.ok_or("the time stamp lacks its signer's certificate")?;
    let certificate = EndEntityCert::try_from(own).map_err(|error| format!("its certificate: {error}"))?;
    is_signed(signer, said, &certificate)?;
    names(signer, own)?;
    let anchors: Vec<_> = roots.iter().filter_map(|root| anchor_from_trusted_cert(root).ok()).collect();
    let others: Vec<CertificateDer<'_>> = certificates.iter().map(|(_, der)| der.clone()).collect();
    let usage = KeyUsage::required(FOR_STAMPS);
    certificate
        .verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &anchors,
            &others,
            UnixTime::since_unix_epoch(at),
            usage,
            None,
            None,
        )
        .map(|_| ())
        .map_err(|error| {
            let why = match error {
                webpki::Error::RequiredEkuNotFoundContext(_) => {
                    "its certificate is not for time stamps".to_owned()
                }
                webpki::Error::UnknownIssuer => {
                    "no certificate that is trusted has issued its own".to_owned()
                }
                webpki::Error::CertExpired { .. } => "its certificate had expired".to_owned(),
                webpki::Error::CertNotValidYet { .. } => "its certificate was not valid yet".to_owned(),
                other => other.to_string(),
            };
            format!("the time stamp is of no authority that is trusted: {why}")
        })
}

/// Whether the signer's attributes name its certificate (RFC 5816), so that no other one of the same key takes its place.
fn names(signer: &SignerInfo, own: &CertificateDer<'_>) -> Result<(), String> {
    let attribute = |oid: ObjectIdentifier| {
        signer.signed_attrs.iter().flat_map(|all| all.iter()).find(|attribute| attribute.oid == oid)
    };
    let Some(named) = attribute(SIGNING_CERTIFICATE_V2) else {
        // The older one has SHA-1 only, which shows nothing any more.
        let old = attribute(SIGNING_CERTIFICATE).map(|_| ());
        return old.ok_or_else(|| "the time stamp does not name its signer's certificate".to_owned());
    };
    let encoded = named.to_der().map_err(|error| format!("the time stamp can't be read: {error}"))?;
    let hashes = [rfc5912::ID_SHA_256, rfc5912::ID_SHA_384, rfc5912::ID_SHA_512];
    let is_named = hashes
        .into_iter()
        .filter_map(|hash| digest(hash, own))
        .any(|hash| encoded.windows(hash.len()).any(|stretch| stretch == hash));
    if is_named {
        Ok(())
    } else {
        Err("the time stamp names another certificate than its signer's".to_owned())
    }
}

fn digest(algorithm: ObjectIdentifier, bytes: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        rfc5912::ID_SHA_256 => Some(Sha256::digest(bytes).to_vec()),
        rfc5912::ID_SHA_384 => Some(Sha384::digest(bytes).to_vec()),
        rfc5912::ID_SHA_512 => Some(Sha512::digest(bytes).to_vec()),
        _ => None,
    }
}

/// The certificates that came with a stamp, also as they are encoded.
fn certificates(signed: &SignedData) -> der::Result<Vec<(Certificate, CertificateDer<'static>)>> {
    let all = signed.certificates.iter().flat_map(|set| set.0.iter());
    let known = all.filter_map(|choice| match choice {
        CertificateChoices::Certificate(certificate) => Some(certificate),
        CertificateChoices::Other(_) => None,
    });
    known.map(|one| Ok((one.clone(), CertificateDer::from(one.to_der()?)))).collect()
}

fn is_of(signer: &SignerInfo, certificate: &Certificate) -> bool {
    let own = &certificate.tbs_certificate;
    match &signer.sid {
        SignerIdentifier::IssuerAndSerialNumber(id) => {
            own.issuer == id.issuer && own.serial_number == id.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(id) => {
            let named = own
                .extensions
                .iter()
                .flatten()
                .find(|known| known.extn_id == rfc5912::ID_CE_SUBJECT_KEY_IDENTIFIER);
            named.is_some_and(|known| id.to_der().is_ok_and(|wanted| wanted == known.extn_value.as_bytes()))
        }
    }
}

/// Whether the signer signed what the stamp says: its attributes name that, and the signature is of the attributes (RFC
/// 5652, 5.4).
fn is_signed(signer: &SignerInfo, said: &[u8], certificate: &EndEntityCert<'_>) -> Result<(), String> {
    let attributes = signer.signed_attrs.as_ref().ok_or("the time stamp's signature has no attributes")?;
    let only = |oid: ObjectIdentifier| {
        let mut own = attributes.iter().filter(|attribute| attribute.oid == oid);
        let (first, second) = (own.next(), own.next());
        first.filter(|attribute| second.is_none() && attribute.values.len() == 1)?.values.get(0)
    };
    let kind = only(rfc6268::ID_CONTENT_TYPE).and_then(|value| value.decode_as::<ObjectIdentifier>().ok());
    if kind != Some(STAMP_INFO) {
        return Err("the time stamp's signature is of something else".to_owned());
    }
    let wanted =
        only(rfc6268::ID_MESSAGE_DIGEST).and_then(|value| value.decode_as::<OctetStringRef<'_>>().ok());
    let own = digest(signer.digest_alg.oid, said).ok_or("its hash is none that lockrig knows")?;
    if wanted.map(|wanted| wanted.as_bytes()) != Some(&*own) {
        return Err("the time stamp was altered".to_owned());
    }
    let message = attributes.to_der().map_err(|error| format!("the time stamp can't be read: {error}"))?;
    let signature = signer.signature.as_bytes();
    let verifies = ALL_VERIFICATION_ALGS
        .iter()
        .any(|algorithm| certificate.verify_signature(*algorithm, &message, signature).is_ok());
    if verifies { Ok(()) } else { Err("the time stamp's signature is wrong".to_owned()) }
}
