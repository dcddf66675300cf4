//! Peers of one's own: the example passes, a bad one is the rig's error and never the lock's, and
//! no secret that a peer was told comes back into the evidence.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde_json::Value as Json;

use crate::common::{certified, code, empty_folder, lockrig, root, runs, text};

/// A rig file for the misbehaving peer.
pub(crate) fn rig(folder: &Path, mode: &str) -> String {
    let program = env!("CARGO_BIN_EXE_lockrig");
    let script = root().join("tests/suite/bad_peer.py");
    // Only where the time itself is tested it may be short: a busy machine is no silent peer.
    let patience = if matches!(mode, "hangs" | "never-reads") { "2 s" } else { "60 s" };
    let text = format!(
        "rig: bad-peer\nlockstep:\n  command: [python3, \"{}\", \"{program}\", {mode}]\n  answer_within: {patience}\nchannels: [\"*\"]\n",
        script.display()
    );
    let path = folder.join("bad-peer.yaml");
    fs::write(&path, text).expect("written");
    path.display().to_string()
}

/// Verdicts by scenario after a run with a peer that breaks in `restart-erases-nothing`.
fn verdicts(mode: &str) -> Vec<(String, String, String)> {
    let folder = empty_folder();
    let rig = rig(folder.path(), mode);
    let scenarios = [
        "battery-change-erases-nothing",
        "restart-erases-nothing",
        "reset-is-confirmed",
        "set-up-again-after-reset",
    ];
    let mut arguments = vec!["run"];
    arguments.extend(scenarios);
    arguments.extend(["--rig", &rig, "--model", "yale-linus", "--json"]);
    let output = lockrig(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(3), "{mode}: {}", text(&output));
    let run = runs(folder.path()).remove(0);
    assert_eq!(code(root(), &["verify", &run.display().to_string()]), 0, "{mode}");
    assert_eq!(code(root(), &["replay", &run.display().to_string()]), 0, "{mode}");
    let results: Json =
        serde_json::from_slice(&fs::read(run.join("results.json")).expect("results")).expect("JSON");
    let word = |case: &Json, name: &str| case[name].as_str().unwrap_or_default().to_owned();
    let cases = results["cases"].as_array().expect("cases");
    cases.iter().map(|case| (word(case, "scenario"), word(case, "verdict"), word(case, "reason"))).collect()
}

fn breaks(mode: &str, reason: &str) {
    let all = verdicts(mode);
    let of = |scenario: &str| {
        let played =
            |(name, verdict, _): &&(String, String, String)| name == scenario && verdict != "not_applicable";
        all.iter().find(played).expect("a case")
    };
    let (_, verdict, said) = of("restart-erases-nothing");
    assert_eq!(verdict, "error", "{mode}: {all:?}");
    assert!(said.contains(reason), "{mode}: {said}");
    // The run goes on with a fresh peer.
    for other in ["battery-change-erases-nothing", "set-up-again-after-reset"] {
        assert_eq!(of(other).1, "pass", "{mode}: {all:?}");
    }
}

#[test]
fn the_example_lock_certifies_its_model() {
    let output = lockrig(
        root(),
        &[
            "certify",
            "--rig",
            "python-lock",
            "--model",
            "kwikset-powerbolt-2",
            "--json",
            "--out",
            &empty_folder().path().display().to_string(),
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn a_peer_that_lies_about_time_is_an_error() {
    breaks("goes-back-in-time", "went back in time");
    breaks("runs-too-far", "past the");
    breaks("stops-early", "without an output");
}

#[test]
fn a_peer_that_speaks_out_of_turn_is_an_error() {
    breaks("out-of-turn", "out of turn");
    breaks("answers-unasked", "nothing asked for");
    breaks("asks", "it may only answer");
    breaks("wrong-answer", "expected `ran`");
}

#[test]
fn a_peer_that_hangs_or_dies_is_an_error() {
    breaks("hangs", "no answer within 2 s");
    breaks("dies", "the peer ended");
}

#[test]
fn a_peer_that_floods_is_an_error() {
    breaks("floods", "more than 1000 values");
    breaks("floods-at-start", "more than 1000 values");
    breaks("long-line", "longer than 1 MiB");
}

#[test]
fn a_peer_that_prints_garbage_is_an_error() {
    breaks("garbage", "not JSON");
    breaks("not-utf8", "not UTF-8");
    breaks("unknown-channel", "unknown channel `toaster`");
    breaks("wrong-value", "can't have the value");
    breaks("sets-a-button", "which only the rig sets");
}

#[test]
fn a_peer_that_does_not_get_ready_ends_the_run_once() {
    let folder = empty_folder();
    let hangs = rig(folder.path(), "never-reads");
    let output = lockrig(folder.path(), &["certify", "--rig", &hangs, "--model", "yale-linus"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("does not get ready, and nothing was played: the peer gave no answer"));
    let path = folder.path().join("none.yaml");
    fs::write(&path, "rig: none-there\nlockstep: {command: [no-such-program-here]}\nchannels: [\"*\"]\n")
        .expect("written");
    let output =
        lockrig(folder.path(), &["certify", "--rig", &path.display().to_string(), "--model", "yale-linus"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("can't be started"), "{}", text(&output));
    // One that ends at its start ends the run once, with its words, and there is no run of nothing but errors.
    let dies =
        "rig: dies\nlockstep: {command: [python3, -c, \"import no_such_module\"]}\nchannels: [\"*\"]\n";
    fs::write(&path, dies).expect("written");
    let output =
        lockrig(folder.path(), &["certify", "--rig", &path.display().to_string(), "--model", "yale-linus"]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("the program of rig `dies` does not get ready, and nothing was played"), "{said}");
    assert!(said.contains("No module named 'no_such_module'"), "{said}");
    assert_eq!(said.matches("ModuleNotFoundError").count(), 1, "{said}");
    assert!(!folder.path().join("reports").exists());
}

/// What is packed in a PDF: its pages, and the results that are attached.
fn unpacked(pdf: &[u8]) -> String {
    let streams = memchr::memmem::find_iter(pdf, b"stream\n").map(|at| &pdf[at + 7..]);
    let mut text = String::from_utf8_lossy(pdf).into_owned();
    let mut has_results = false;
    for stream in streams {
        let mut bytes = Vec::new();
        // What is no stream, or the end of one, is as short as it was.
        let _ = flate2::read::ZlibDecoder::new(stream).read_to_end(&mut bytes);
        has_results |= bytes.starts_with(b"{\"format\":");
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    assert!(has_results, "the results are attached, so they are searched");
    text
}

/// Every file of a run, searched for texts.
fn search(run: &Path, secrets: impl Iterator<Item = String>) {
    let secrets: Vec<String> = secrets.collect();
    let mut open = vec![run.to_owned()];
    let mut searched = 0;
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let bytes = fs::read(&path).expect("bytes");
            let text = match path.extension().is_some_and(|end| end == "pdf") {
                true => unpacked(&bytes),
                false => String::from_utf8(bytes).expect("everything else in a run folder is text"),
            };
            for secret in &secrets {
                let stands =
                    text.match_indices(secret.as_str()).any(|(at, _)| !is_in_a_hash(text.as_bytes(), at));
                assert!(!stands, "{secret} stands in {}", path.display());
            }
            searched += 1;
        }
    }
    assert!(searched > 10);
}

/// A secret, what a cut leaves of it, and how else it can be written.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let half = secret.len() - 1;
    let mut forms = vec![secret.to_owned(), secret[..half].to_owned(), secret[1..].to_owned(), hex];
    forms.push(secret.chars().map(String::from).collect::<Vec<_>>().join("-"));
    for before in 0..3 {
        let bytes = ["x".repeat(before), secret.to_owned(), "y".to_owned()].concat();
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
        forms.push(encoded[(before * 8).div_ceil(6)..(before + secret.len()) * 8 / 6].to_owned());
    }
    forms
}

#[test]
fn a_secret_is_found_however_it_is_written() {
    use lockrig::run::{Overheard, Vault};
    use lockrig::trace::{Channel, Value};
    for digits in [4, 8] {
        let vault = Vault::simulated(&[("user.1".into(), digits)].into(), 1, 1);
        let secret = vault.values().next().expect("a secret").to_owned();
        // What a cut leaves of it stands at an end of a long text.
        let is_part = |form: &String| secret.contains(form.as_str()) && *form != secret;
        for form in forms(&secret).into_iter().filter(|form| !is_part(form)) {
            for text in [format!("a {form} b"), format!("code={form}"), form.clone()] {
                let clean = vault.redact(&text).unwrap_or_else(|| panic!("{text} is {secret}"));
                assert!(!clean.contains(&form) && clean.contains("‹user.1›"), "{clean}");
            }
        }
        for left in secret.len().div_ceil(2).max(3)..secret.len() {
            let (first, last) = (&secret[..left], &secret[secret.len() - left..]);
            for end in ["", "…"] {
                let clean = vault.redact(&format!("{}{first}{end}", ".".repeat(80))).expect("a part");
                assert!(clean.ends_with(&format!("‹user.1›{end}")), "{clean}");
            }
            assert!(vault.redact(&format!("serial {first}")).is_none(), "it is no cut");
            let mut overheard = Overheard::default();
            vault.redact_line(&".".repeat(4_096), &mut overheard);
            assert_eq!(vault.redact_line(&format!("{last} ms"), &mut overheard), "‹user.1› ms");
            assert_eq!(vault.redact_line(&format!("{last} ms"), &mut overheard), format!("{last} ms"));
        }
        let mut overheard = Overheard::default();
        let mut said = Vec::new();
        for digit in secret.chars() {
            let mut value = Value::Text(format!("key {digit}").into());
            vault.conceal(&Channel::Console, &mut value, &mut overheard).expect("a text");
            said.push(format!("{value:?}"));
        }
        assert!(said.last().is_some_and(|last| last.contains("‹user.1›")), "{said:?}");
        assert!(vault.redact("firmware 1.2 of 2026, SERIAL abc").is_none());
    }
}

/// A sha256 in a large journal contains any eight digits sooner or later.
fn is_in_a_hash(bytes: &[u8], at: usize) -> bool {
    let is_hex = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let before = bytes[..at].iter().rev().take_while(is_hex).count();
    before + bytes[at..].iter().take_while(is_hex).count() == 64
}

/// The codes of a run, as a peer is told them.
pub(crate) fn secrets_of(library_seed: u64) -> Vec<String> {
    use lockrig::run::Vault;
    let handles = ["user.1", "user.2", "user.3", "master", "new", "new-master", "fresh.1", "fresh.2"];
    let wrong = (1..=6).map(|n| format!("wrong.{n}"));
    let all = handles.iter().map(ToString::to_string).chain(wrong).map(|h| (h.into(), 8)).collect();
    Vault::simulated(&all, library_seed, 0).values().map(str::to_owned).collect()
}

#[test]
fn no_secret_stands_anywhere_in_a_run_folder() {
    let folder = empty_folder();
    let output = lockrig(folder.path(), &["certify", "--traces", "all", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let secrets = secrets_of(1);
    assert!(secrets.len() >= 14 && secrets.iter().all(|s| s.len() == 8));
    search(&runs(folder.path()).remove(0), secrets.into_iter());
}

#[test]
fn a_peer_that_echoes_secrets_does_not_get_them_into_the_record() {
    let folder = empty_folder();
    let rig = rig(folder.path(), "echoes-secrets");
    let output = lockrig(folder.path(), &["certify", "--rig", &rig, "--model", "yale-yrm276", "--json"]);
    let run = runs(folder.path()).remove(0);
    let journal = fs::read_to_string(run.join("journal.jsonl")).expect("a journal");
    assert!(journal.contains("I know") && journal.contains("‹user.1›"), "{}", text(&output));
    assert!(journal.contains("stderr has"), "standard error is recorded");
    // Few lines: no part of a secret stands in them by chance.
    search(&run, secrets_of(1).iter().flat_map(|secret| forms(secret)));
    assert_eq!(code(root(), &["replay", &run.display().to_string()]), 0);
    let output = lockrig(root(), &["replay", "--simulate", &run.display().to_string()]);
    assert_eq!(output.status.code(), Some(2), "a peer can't be played again: {}", text(&output));
    assert!(text(&output).contains("leave out --simulate"), "{}", text(&output));
}

#[test]
fn the_simulated_lock_is_the_same_behind_the_protocol() {
    let folder = empty_folder();
    let program = env!("CARGO_BIN_EXE_lockrig");
    let path = folder.path().join("own.yaml");
    let rig = format!(
        "rig: own-peer\nlockstep: {{command: [\"{program}\", sim, peer, --noise]}}\nchannels: [\"*\"]\n"
    );
    fs::write(&path, rig).expect("written");
    let direct = certified(folder.path(), "tuya-fingercrystal", &[]);
    let behind = certified(folder.path(), "tuya-fingercrystal", &["--rig", &path.display().to_string()]);
    let results = |run: &Path| fs::read_to_string(run.join("results.json")).expect("results");
    assert_eq!(results(&direct), results(&behind));
}

#[test]
fn a_secret_spelled_in_a_name_or_a_number_is_an_error_and_not_recorded() {
    for (mode, reason) in [
        ("names-a-secret", "a secret into a name"),
        ("colours-a-secret", "a secret into a name"),
        ("counts-a-secret", "a secret into a number"),
    ] {
        let folder = empty_folder();
        let rig = rig(folder.path(), mode);
        let arguments = ["run", "reset-is-reported-to-the-hub", "--rig", &rig, "--model", "yale-yrm276"];
        let output = lockrig(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(3), "{mode}: {}", text(&output));
        assert!(text(&output).contains(reason), "{mode}: {}", text(&output));
        let run = runs(folder.path()).remove(0);
        // Few lines: no part of a secret stands in them by chance.
        search(&run, secrets_of(1).iter().flat_map(|secret| forms(secret)));
        assert_eq!(code(root(), &["verify", &run.display().to_string()]), 0, "{mode}");
    }
}

#[test]
fn users_that_a_lock_still_counts_are_a_failure() {
    let folder = empty_folder();
    let rig = rig(folder.path(), "counts-left");
    let arguments = ["run", "reset-erases-everything", "--rig", &rig, "--model", "yale-linus"];
    let output = lockrig(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("app still reports 3 users"), "{}", text(&output));
}

#[test]
fn words_of_a_lock_forge_nothing() {
    let folder = empty_folder();
    let rig = rig(folder.path(), "forges-words");
    let output = lockrig(folder.path(), &["certify", "--rig", &rig, "--model", "yale-yrm276", "--verbose"]);
    let run = runs(folder.path()).remove(0).display().to_string();
    let csv = lockrig(folder.path(), &["report", &run, "--format", "csv"]);
    let html = lockrig(folder.path(), &["report", &run, "--format", "html"]);
    for said in [text(&output), text(&csv), text(&html)] {
        let harmful = |c: char| matches!(c, '\u{1b}' | '\u{202e}' | '\r');
        assert!(!said.replace("\r\n", "\n").contains(harmful), "{said}");
        let forged = |line: &str| line.starts_with("pass         everything") || line.starts_with("pass all");
        assert!(!said.lines().any(forged), "{said}");
    }
    assert!(text(&csv).contains("everything"), "the words are there: {}", text(&csv));
    assert!(text(&html).contains("S1\u{fffd}\u{fffd}pass all"), "the serial number is there");
}
