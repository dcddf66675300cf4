//! A run in one file: read as its folder is, made the same everywhere, and nothing else than the run.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lockrig::evidence::{pack, unpack};
use proptest::prelude::*;

use crate::common::{certified, code, copy_tree, empty_folder, lockrig, root, runs, text};

/// A small run with passes and failures, made once.
fn sample() -> &'static Path {
    static SAMPLE: OnceLock<PathBuf> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let more = ["--defect", "any-role-may-reset", "--scenario", "reset-needs-the-owner"];
        certified(&empty_folder().keep(), "yale-linus", &more)
    })
}

/// The sample, packed.
fn packed() -> Vec<u8> {
    let mut bytes = Vec::new();
    pack(sample(), &mut bytes).expect("packed");
    bytes
}

/// The tar stream of a packed run.
fn stream(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    zstd::stream::read::Decoder::new(packed).expect("zstd").read_to_end(&mut bytes).expect("zstd");
    bytes
}

/// Headers and contents of a tar stream.
type Entries = Vec<(tar::Header, Vec<u8>)>;

fn entries(stream: &[u8]) -> Entries {
    let mut archive = tar::Archive::new(stream);
    let entries = archive.entries().expect("tar");
    let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.expect("tar");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("tar");
        (entry.header().clone(), content)
    };
    entries.map(read).collect()
}

/// Packs what was changed, as `lockrig pack` would.
fn repacked(entries: &[(tar::Header, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (header, content) in entries {
        let mut header = header.clone();
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content.as_slice()).expect("tar");
    }
    compressed(&builder.into_inner().expect("tar"))
}

fn compressed(stream: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(stream, 1).expect("zstd")
}

/// A name that the library itself would not write.
fn name(header: &mut tar::Header, name: &str) {
    let field = &mut header.as_mut_bytes()[..100];
    field.fill(0);
    field[..name.len()].copy_from_slice(name.as_bytes());
}

#[test]
fn a_packed_run_is_read_as_its_folder_is() {
    let folder = empty_folder();
    let run = sample().display().to_string();
    let archive = folder.path().join("archive.tar.zst").display().to_string();
    assert_eq!(code(folder.path(), &["pack", &run, "--out", &archive]), 0);
    for arguments in [
        &["verify"][..],
        &["verify", "--json"],
        &["replay"],
        &["replay", "--simulate"],
        &["report", "--format", "html"],
        &["report", "--format", "junit"],
        &["report", "--format", "csv"],
        &["report", "--format", "json"],
    ] {
        let of = |run: &str| lockrig(folder.path(), &[arguments, &[run]].concat());
        let (one, other) = (of(&run), of(&archive));
        assert_eq!(one.status.code(), other.status.code(), "{arguments:?}: {}", text(&other));
        assert_eq!(one.stdout, other.stdout, "{arguments:?}");
        assert!(!one.stdout.is_empty(), "{arguments:?}");
    }
    let waves = |run: &str, out: &str| {
        assert_eq!(code(folder.path(), &["report", run, "--format", "vcd", "--out", out]), 0);
        let names = fs::read_dir(folder.path().join(out)).expect("waves").map(|file| file.expect("a file"));
        let mut files: Vec<_> =
            names.map(|file| (file.file_name(), fs::read(file.path()).expect("a file"))).collect();
        files.sort();
        files
    };
    assert_eq!(waves(&run, "one"), waves(&archive, "other"));
}

#[test]
fn a_run_is_packed_to_the_same_bytes_wherever_it_lies() {
    let folder = empty_folder();
    let copy = folder.path().join("another-name");
    // Other dates, another order in the folder.
    copy_tree(sample(), &copy);
    let mut bytes = Vec::new();
    pack(&copy, &mut bytes).expect("packed");
    assert_eq!(bytes, packed());
}

#[test]
fn what_is_packed_is_what_was_in_the_folder() {
    let folder = empty_folder();
    let archive = folder.path().join("archive");
    fs::write(&archive, packed()).expect("written");
    let unpacked = unpack(&archive, folder.path()).expect("unpacked");
    assert_eq!(unpacked.file_name(), sample().file_name());
    let names = lockrig::evidence::list_files(sample()).expect("files");
    assert_eq!(lockrig::evidence::list_files(&unpacked).expect("files"), names);
    for name in names {
        assert_eq!(fs::read(sample().join(&name)).ok(), fs::read(unpacked.join(&name)).ok(), "{name}");
    }
}

#[test]
fn nothing_but_a_run_is_unpacked() {
    let folder = empty_folder();
    let original = stream(&packed());
    let all = entries(&original);
    let changed = |change: &dyn Fn(&mut Entries)| {
        let mut all = all.clone();
        change(&mut all);
        repacked(&all)
    };
    let cases: Vec<(&str, &str, Vec<u8>)> = vec![
        ("as it was", "", changed(&|_| {})),
        ("another order", "not what", changed(&|all| all.reverse())),
        ("an owner", "not what", changed(&|all| all[0].0.set_uid(1000))),
        ("a date", "not what", changed(&|all| all[0].0.set_mtime(1))),
        ("a mode", "not what", changed(&|all| all[0].0.set_mode(0o755))),
        ("a link", "not a regular file", changed(&|all| all[0].0.set_entry_type(tar::EntryType::Symlink))),
        ("a pipe", "not a regular file", changed(&|all| all[0].0.set_entry_type(tar::EntryType::Fifo))),
        (
            "a name without end",
            "not a regular file",
            changed(&|all| {
                all[0].0.set_entry_type(tar::EntryType::GNULongName);
                all[0].1 = vec![b'x'; 2_000];
            }),
        ),
        ("a file twice", "twice", changed(&|all| all.push(all[0].clone()))),
        ("a second folder", "more than one", changed(&|all| name(&mut all[1].0, "other/run.json"))),
        ("a file beside it", "leads elsewhere", changed(&|all| name(&mut all[0].0, "run.json"))),
        ("an absolute name", "leads elsewhere", changed(&|all| name(&mut all[0].0, "/lockrig-was-here"))),
        ("a name above", "leads elsewhere", changed(&|all| name(&mut all[0].0, "run/../../was-here"))),
        (
            "no run.json",
            "run.json is not in it",
            changed(&|all| all.retain(|(header, _)| !header.path().expect("a name").ends_with("run.json"))),
        ),
        (
            "another run's id",
            "not what",
            changed(&|all| {
                for (header, _) in all {
                    let own = header.path().expect("a name").display().to_string();
                    let (_, rest) = own.split_once('/').expect("a folder");
                    name(header, &format!("20000101T000000Z/{rest}"));
                }
            }),
        ),
        ("nothing", "empty", changed(&|all| all.clear())),
        ("something behind the end", "not what", compressed(&[&original[..], b"more"].concat())),
        ("a second frame", "not what", [packed(), compressed(b"more")].concat()),
        (
            "a frame to skip",
            "not what",
            [&packed()[..], &[0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0], b"more"].concat(),
        ),
        (
            "a file that is a folder",
            "is a folder too",
            changed(&|all| {
                let mut below = all[0].clone();
                let own = below.0.path().expect("a name").display().to_string();
                name(&mut below.0, &format!("{own}/more"));
                all.push(below);
            }),
        ),
        (
            "a deep folder",
            "none that lockrig gives",
            changed(&|all| {
                let own = all[0].0.path().expect("a name").display().to_string();
                let (run, _) = own.split_once('/').expect("a folder");
                name(&mut all[0].0, &format!("{run}{}", "/a".repeat(20)));
            }),
        ),
        ("half of it", "damaged", packed()[..packed().len() / 2].to_vec()),
        ("zeros without end", "1000 times its size", changed(&|all| all[0].1 = vec![0; 256 << 20])),
    ];
    for (what, reason, bytes) in cases {
        let archive = folder.path().join("archive.tar.zst");
        fs::write(&archive, bytes).expect("written");
        let output = lockrig(folder.path(), &["verify", "archive.tar.zst"]);
        let said = text(&output);
        if reason.is_empty() {
            // The level of the compression is nobody's matter.
            assert_eq!(output.status.code(), Some(0), "{what}: {said}");
        } else {
            assert_eq!(output.status.code(), Some(4), "{what}: {said}");
            assert!(said.contains(reason), "{what}: {said}");
        }
        let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
        assert_eq!(left.len(), 1, "{what} left something behind: {left:?}");
    }
}

/// Ids are of any length.
#[test]
fn a_long_name_is_packed_whole() {
    let folder = empty_folder();
    let name = "x".repeat(60);
    let scenario = fs::read_to_string(root().join("scenarios/reset-erases-everything.yaml")).expect("text");
    let mine = scenario.replace("scenario: reset-erases-everything", &format!("scenario: {name}"));
    fs::write(folder.path().join("mine.yaml"), mine).expect("written");
    let more = ["--model", "connect-internal-fingerprint", "--traces", "all", "--quiet"];
    assert_eq!(code(folder.path(), &[&["run", "mine.yaml"], &more[..]].concat()), 0);
    let run = runs(folder.path()).remove(0);
    let longest = lockrig::evidence::list_files(&run).expect("files").iter().map(String::len).max();
    assert!(longest > Some(110), "{longest:?}");
    let run = run.display().to_string();
    assert_eq!(code(folder.path(), &["pack", &run, "--out", "a.tar.zst"]), 0);
    assert_eq!(code(folder.path(), &["verify", "a.tar.zst"]), 0);
}

#[test]
fn an_altered_run_is_altered_in_its_archive_too() {
    let folder = empty_folder();
    let mut all = entries(&stream(&packed()));
    let results = all.iter_mut().find(|(header, _)| header.path().expect("a name").ends_with("results.json"));
    let (_, content) = results.expect("results");
    *content = String::from_utf8_lossy(content).replace("\"fail\"", "\"pass\"").into_bytes();
    fs::write(folder.path().join("archive"), repacked(&all)).expect("written");
    for command in [&["verify"][..], &["replay"], &["report", "--format", "html"]] {
        let output = lockrig(folder.path(), &[command, &["archive"]].concat());
        assert_eq!(output.status.code(), Some(4), "{command:?}: {}", text(&output));
        assert!(text(&output).contains("results.json: altered"), "{}", text(&output));
    }
}

#[test]
fn mistakes_with_packed_runs_get_a_hint() {
    let folder = empty_folder();
    let run = sample().display().to_string();
    let says = |arguments: &[&str], status: i32, hint: &str| {
        let output = lockrig(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(hint), "{arguments:?}: {}", text(&output));
    };
    says(&["pack", &run, "--out", "a.tar.zst"], 0, "lockrig verify a.tar.zst");
    says(&["pack", &run, "--out", "a.tar.zst"], 2, "is there already");
    says(&["pack", &run, "--out", &format!("{run}/a.tar.zst")], 2, "its own folder");
    says(&["pack", "a.tar.zst"], 2, "is not a run folder");
    says(&["run", "--resume", "a.tar.zst"], 2, "tar --zstd -xf");
    fs::write(folder.path().join("notes.txt"), "no run").expect("written");
    says(&["verify", "notes.txt"], 2, "neither a run folder nor a packed run");
    says(&["verify", "missing.tar.zst"], 2, "neither a run folder nor a packed run");
    // A link to an archive is one.
    std::os::unix::fs::symlink("a.tar.zst", folder.path().join("latest")).expect("a link");
    says(&["verify", "latest"], 0, "intact");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_damaged_archive_is_said_to_be_damaged(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        static PACKED: OnceLock<Vec<u8>> = OnceLock::new();
        let mut bytes = PACKED.get_or_init(packed).clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let folder = empty_folder();
        let archive = folder.path().join("archive");
        fs::write(&archive, bytes).expect("written");
        // Of a bit that means nothing, such as how much memory to take, the run is still the same.
        if let Ok(unpacked) = unpack(&archive, folder.path()) {
            let names = lockrig::evidence::list_files(&unpacked).expect("files");
            for name in names {
                prop_assert_eq!(fs::read(sample().join(&name)).ok(), fs::read(unpacked.join(&name)).ok());
            }
        }
    }
}
