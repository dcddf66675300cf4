//! Signatures of runs: whoever alters, leaves out, swaps or forges anything is found, and keys stay private.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lockrig::attest::{self, PublicKey, SigningKey};
use lockrig::evidence::{Verification, verify};
use lockrig::verdict::Verdict;
use tempfile::TempDir;

use crate::common::{certified, copy_tree, empty_folder, text};

/// A laboratory with a key of its own, and a run that it signed.
struct Lab {
    folder: TempDir,
    run: PathBuf,
}

impl Lab {
    fn new() -> Self {
        let folder = empty_folder();
        let run = certified(folder.path(), "ttlock-oem", &[]);
        let lab = Self { folder, run };
        lab.does(0, &["key", "new"]);
        lab
    }

    fn signed() -> Self {
        let lab = Self::new();
        lab.does(0, &["sign", &lab.run.display().to_string()]);
        let shown = lab.does(0, &["key", "show"]);
        let pem = shown.split_once('\n').expect("an id, then the key").1;
        fs::write(lab.path("lab.pem"), pem).expect("written");
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn lockrig(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_lockrig"))
            .current_dir(self.folder.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .args(arguments)
            .output()
            .expect("an end")
    }

    /// What a command says that must end with this code.
    fn does(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.lockrig(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output));
        text(&output)
    }

    fn verify(&self, run: &Path, code: i32, more: &[&str]) -> String {
        self.does(code, &[&["verify", &run.display().to_string()], more].concat())
    }

    /// A copy of the signed run with a file changed.
    fn altered(&self, file: &str, alter: impl FnOnce(&mut Vec<u8>)) -> (TempDir, PathBuf) {
        let folder = empty_folder();
        let copy = folder.path().join("run");
        copy_tree(&self.run, &copy);
        let mut bytes = fs::read(copy.join(file)).expect("a file");
        alter(&mut bytes);
        fs::write(copy.join(file), bytes).expect("written");
        (folder, copy)
    }
}

const BY_LAB: &[&str] = &["--key", "lab.pem"];

#[test]
fn a_signed_run_says_whose_signature_it_has() {
    let lab = Lab::signed();
    let said = lab.verify(&lab.run, 0, &[]);
    assert!(said.contains("intact, signed by a key that is not trusted here, so not checked"), "{said}");
    let said = lab.verify(&lab.run, 0, BY_LAB);
    assert!(said.contains("intact, signed by lab.pem (key "), "{said}");
    lab.does(0, &["key", "trust", "acme-lab", "lab.pem"]);
    let said = lab.verify(&lab.run, 0, &[]);
    assert!(said.contains("intact, signed by acme-lab (key "), "{said}");
    lab.verify(&lab.run, 0, &["--key", "acme-lab"]);
    // Packed, the run is signed all the same; and it is replayed and reported as any other.
    let run = lab.run.display().to_string();
    lab.does(0, &["pack", &run, "--out", "run.tar.zst"]);
    lab.verify(&lab.path("run.tar.zst"), 0, BY_LAB);
    lab.does(0, &["replay", &run]);
    lab.does(0, &["report", &run, "--format", "csv"]);
    let said = lab.does(2, &["sign", &run]);
    assert!(said.contains("signed already"), "{said}");
}

#[test]
fn one_bit_anywhere_is_found() {
    let lab = Lab::signed();
    let mut files: Vec<String> = Vec::new();
    let Verification::Intact(manifest) = verify(&lab.run) else { panic!("it is intact") };
    files.extend(manifest.files.keys().cloned());
    files.push("run.json".to_owned());
    // By turns at the beginning, in the middle and at the end of each.
    for (index, file) in files.iter().enumerate() {
        let (_folder, copy) = lab.altered(file, |bytes| {
            let at = (bytes.len() - 1) * (index % 3) / 2;
            bytes[at] ^= 1 << (index % 8);
        });
        lab.verify(&copy, 4, BY_LAB);
    }
    // Every bit of the signature itself.
    let bytes = fs::read(lab.run.join(attest::FILE)).expect("a file");
    let key = PublicKey::from_pem(&fs::read_to_string(lab.path("lab.pem")).expect("a key")).expect("a key");
    let keys = [key];
    assert!(
        attest::check(&lab.run, &manifest, Verdict::Pass, &bytes, &keys)
            .is_ok_and(|by| by.iter().all(|one| one.is_known))
    );
    let step = (bytes.len() * 8 / 4_000).max(1);
    let tail = bytes.len() * 8 - 2_000;
    for bit in (0..tail).step_by(step).chain(tail..bytes.len() * 8) {
        let mut altered = bytes.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let found = attest::check(&lab.run, &manifest, Verdict::Pass, &altered, &keys);
        assert!(found.is_err(), "bit {bit}: {found:?}");
    }
}

#[test]
fn another_key_a_part_of_a_run_and_another_run_are_found() {
    let lab = Lab::signed();
    let Verification::Intact(manifest) = verify(&lab.run) else { panic!("it is intact") };
    let own =
        SigningKey::from_pem(&fs::read_to_string(lab.path("config/lockrig/signing-key.pem")).expect("a key"));
    let own = own.expect("a key");
    let foreign = SigningKey::generate().expect("a key");
    let by = |key: &SigningKey, manifest| {
        attest::sign(&lab.run, manifest, Verdict::Pass, key).expect("a signature")
    };
    // Signed by somebody else.
    let (_folder, swapped) = lab.altered(attest::FILE, |bytes| *bytes = by(&foreign, &manifest));
    let said = lab.verify(&swapped, 4, BY_LAB);
    assert!(said.contains("not signed by the key"), "{said}");
    // By somebody else, in the laboratory's name.
    let (_folder, forged) = lab.altered(attest::FILE, |bytes| {
        let text = String::from_utf8(by(&foreign, &manifest)).expect("text");
        *bytes = text.replace(&foreign.public().id(), &own.public().id()).into_bytes();
    });
    let said = lab.verify(&forged, 4, BY_LAB);
    assert!(said.contains("the signature is wrong"), "{said}");
    // By the laboratory, in somebody else's name.
    let (_folder, renamed) = lab.altered(attest::FILE, |bytes| {
        let text = String::from_utf8(by(&own, &manifest)).expect("text");
        *bytes = text.replace(&own.public().id(), &foreign.public().id()).into_bytes();
    });
    let said = lab.verify(&renamed, 4, BY_LAB);
    assert!(said.contains("another key than the one that signed it"), "{said}");
    // By the laboratory, but of a run with one file less, or another one.
    let mut less = manifest.clone();
    less.files.remove("report.html");
    let (_folder, partial) = lab.altered(attest::FILE, |bytes| *bytes = by(&own, &less));
    let said = lab.verify(&partial, 4, BY_LAB);
    assert!(said.contains("what was signed leaves out report.html"), "{said}");
    let mut other = manifest.clone();
    other.files.insert("report.html".into(), "0".repeat(64));
    let (_folder, other) = lab.altered(attest::FILE, |bytes| *bytes = by(&own, &other));
    let said = lab.verify(&other, 4, BY_LAB);
    assert!(said.contains("report.html is not the file that was signed"), "{said}");
    // Of the same run, as if it had come to something else.
    let (_folder, nicer) = lab.altered(attest::FILE, |bytes| {
        *bytes = attest::sign(&lab.run, &manifest, Verdict::Fail, &own).expect("a signature");
    });
    let said = lab.verify(&nicer, 4, BY_LAB);
    assert!(said.contains("not what lockrig says of this run"), "{said}");
    // Something else in its place is neither followed nor waited for.
    let (_folder, linked) = lab.altered(attest::FILE, |_| {});
    fs::remove_file(linked.join(attest::FILE)).expect("removed");
    std::os::unix::fs::symlink("/dev/zero", linked.join(attest::FILE)).expect("a link");
    let said = lab.verify(&linked, 4, BY_LAB);
    assert!(said.contains("attestation.json"), "{said}");
    // Nothing at all.
    let (_folder, unsigned) = lab.altered(attest::FILE, |_| {});
    fs::remove_file(unsigned.join(attest::FILE)).expect("removed");
    let said = lab.verify(&unsigned, 4, BY_LAB);
    assert!(said.contains("unsigned"), "{said}");
    lab.verify(&unsigned, 0, &[]);
}

#[test]
fn keys_stay_private_and_what_is_none_is_said() {
    let lab = Lab::new();
    let run = lab.run.display().to_string();
    let private = lab.path("config/lockrig/signing-key.pem");
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&private), 0o600);
    assert_eq!(mode(&lab.path("config/lockrig")), 0o700);
    let secret = fs::read_to_string(&private).expect("a key");
    let line = secret.lines().nth(1).expect("its base64");
    let said = lab.does(2, &["key", "new"]);
    assert!(said.contains("exists already"), "{said}");
    assert_eq!(fs::read_to_string(&private).expect("a key"), secret, "it is still there");
    let shown = lab.does(0, &["key", "show"]);
    assert!(shown.contains("BEGIN PUBLIC KEY") && !shown.contains(line), "{shown}");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o640)).expect("a mode");
    let said = lab.does(2, &["sign", &run]);
    assert!(said.contains("others may read this private key (mode 640)"), "{said}");
    assert!(!lab.run.join(attest::FILE).exists(), "nothing was signed");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).expect("a mode");
    let said = lab.does(2, &["sign", &run, "--key", "none.pem"]);
    assert!(said.contains("none.pem") && said.contains("lockrig key new"), "{said}");
    fs::write(lab.path("public.pem"), shown.split_once('\n').expect("a key").1).expect("written");
    let said = lab.does(2, &["sign", &run, "--key", "public.pem"]);
    assert!(said.contains("this is a public key"), "{said}");
    fs::write(lab.path("words.pem"), "a key, honestly").expect("written");
    for command in [&["sign", &*run, "--key", "words.pem"][..], &["key", "show", "words.pem"]] {
        let said = lab.does(2, command);
        assert!(said.contains("words.pem: this is no Ed25519"), "{said}");
    }
    lab.does(2, &["verify", &run, "--key", "nobody"]);
    let said = lab.does(2, &["key", "trust", "../lab", "public.pem"]);
    assert!(said.contains("no name for a key"), "{said}");
    lab.does(0, &["key", "trust", "lab", "public.pem"]);
    let said = lab.does(2, &["key", "trust", "lab", "public.pem"]);
    assert!(said.contains("trusted already"), "{said}");
    // A failing run is signed as one.
    let failing = certified(lab.folder.path(), "ttlock-oem", &["--defect", "residual-user"]);
    lab.does(0, &["sign", &failing.display().to_string()]);
    let envelope = fs::read(failing.join(attest::FILE)).expect("a file");
    let envelope: serde_json::Value = serde_json::from_slice(&envelope).expect("JSON");
    let payload = STANDARD.decode(envelope["payload"].as_str().expect("base64")).expect("base64");
    let statement: serde_json::Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(statement["predicate"]["result"], "FAILED");
    // An altered run is not signed.
    let (_folder, altered) = lab.altered("report.html", |bytes| bytes.push(b' '));
    lab.does(4, &["sign", &altered.display().to_string()]);
    assert!(!altered.join(attest::FILE).exists());
    lab.does(0, &["sign", &run]);
}
