//! A corpus of broken files, one folder entry each, and what is said about them.

use std::fs;

use syn::visit::{self, Visit};

use crate::common::{copy_tree, empty_folder, lockrig, root, text};

/// Each file of the corpus is added to a copy of the library: `NAME.model.yaml`,
/// `NAME.scenario.yaml` or `NAME.rig.yaml`.
#[test]
fn every_broken_file_is_refused_with_its_place_and_a_hint() {
    let corpus = root().join("tests/corpus");
    let mut names: Vec<_> = fs::read_dir(&corpus)
        .expect("a corpus")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    assert!(names.len() >= 80, "the corpus has {} files", names.len());
    let mut all = String::new();
    for name in names {
        let folder = empty_folder();
        copy_tree(&root().join("scenarios"), &folder.path().join("scenarios"));
        copy_tree(&root().join("rigs"), &folder.path().join("rigs"));
        let place = match name.rsplit('.').nth(1) {
            Some("model") => "scenarios/models",
            Some("rig") => "rigs",
            _ => "scenarios",
        };
        fs::copy(corpus.join(&name), folder.path().join(place).join(&name)).expect("a copy");
        let output = lockrig(folder.path(), &["check"]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", text(&output));
        let said = text(&output);
        assert!(said.contains(&format!("{place}/{name}:")), "{name} is named with its place: {said}");
        // A file with a word of an earlier version shows nothing of what it is there for.
        let is_outdated = said.contains("check --fix");
        assert_eq!(is_outdated, name.starts_with("outdated-"), "{name}: {said}");
        all.push_str(&format!("──── {name}\n{said}\n"));
    }
    // How many files the library has is no matter here.
    insta::with_settings!({filters => vec![(r"in \d+ files", "in [n] files")]}, {
        insta::assert_snapshot!(all);
    });
}

#[test]
fn what_can_not_be_read_is_said_in_bounded_time() {
    let folder = empty_folder();
    let file = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("written");
        lockrig(folder.path(), &["check", name])
    };
    let refused = |name: &str, bytes: &[u8], why: &str| {
        let output = file(name, bytes);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(text(&output).contains(why), "{name}: {}", text(&output));
    };
    refused("empty.yaml", b"", "empty");
    refused("latin.yaml", b"scenario: caf\xe9\n", "not UTF-8");
    refused("huge.yaml", &vec![b'a'; 40 << 20], "too large");
    let mut bomb = String::from("scenario: bomb\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", ")));
    }
    refused("bomb.yaml", bomb.as_bytes(), "bomb.yaml");
    refused(
        "many.yaml",
        ("scenario: many-waits\ntitle: T\nmethods: all\nact:\n".to_owned()
            + &"- wait: 3\n".repeat(20_000)
            + "expect: [confirmed]\n")
            .as_bytes(),
        "more",
    );
    fs::create_dir(folder.path().join("folder.yaml")).expect("made");
    assert_eq!(lockrig(folder.path(), &["check", "folder.yaml"]).status.code(), Some(2));
}

#[test]
fn windows_line_ends_are_fine() {
    let folder = empty_folder();
    let text_of = fs::read_to_string(root().join("scenarios/restart-erases-nothing.yaml")).expect("text");
    let windows = text_of.replace("restart-erases-nothing", "windows-lines").replace('\n', "\r\n");
    fs::write(folder.path().join("windows.yaml"), windows).expect("written");
    let output = lockrig(folder.path(), &["check", "windows.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn nothing_in_a_file_acts_on_the_terminal() {
    let folder = empty_folder();
    let evil = "scenario: x1\n\"ti\\e]0;PWN\\a\u{202e}tle\u{9b}31m\": \"\u{202e}\"\n";
    fs::write(folder.path().join("evil.yaml"), evil).expect("written");
    let said = text(&lockrig(folder.path(), &["check", "evil.yaml"]));
    assert!(!said.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{said:?}");
}

#[test]
fn what_is_wrong_in_a_parent_is_wrong_in_its_child() {
    let folder = crate::common::empty_folder();
    let rigs = folder.path().join("rigs");
    std::fs::create_dir(&rigs).expect("a folder");
    let parent = "rig: parent\nlock: {model: kwikset-powerbolt-2}\nboards: {pins: {gpio: gpiochip0}}\nwiring:\n  \
                  button.reset: {relay: pins/17, contact: normally_open, max_on: 60 s}\n\
                  uncertainty: {stimulus: 1 ms, observation: 1 ms}\n";
    std::fs::write(rigs.join("parent.yaml"), parent).expect("a file");
    std::fs::write(rigs.join("child.yaml"), "rig: child\nlike: parent\n").expect("a file");
    let output = crate::common::lockrig(folder.path(), &["check", "rigs/child.yaml"]);
    let said = crate::common::text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("safe: released") && said.contains("parent.yaml"), "{said}");
}

#[test]
fn a_parent_that_can_not_be_read_is_unknown_to_no_heir() {
    let folder = empty_folder();
    let rigs = folder.path().join("rigs");
    fs::create_dir(&rigs).expect("a folder");
    fs::write(rigs.join("parent.yaml"), "rig: parent\nno_such_field: 1\n").expect("a file");
    fs::write(rigs.join("child.yaml"), "rig: child\nlike: parent\n").expect("a file");
    fs::write(rigs.join("grandchild.yaml"), "rig: grandchild\nlike: child\n").expect("a file");
    let said = text(&lockrig(folder.path(), &["check"]));
    assert!(said.contains("no_such_field") && !said.contains("`like` target"), "{said}");
}

#[test]
fn a_chain_of_files_has_an_end() {
    let folder = empty_folder();
    fs::create_dir(folder.path().join("scenarios")).expect("made");
    for number in 0..40 {
        let text = format!("scenario: link-{number}\nlike: link-{}\n", number + 1);
        fs::write(folder.path().join(format!("scenarios/link-{number}.yaml")), text).expect("written");
    }
    let output = lockrig(folder.path(), &["check"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("the chain of `like` is longer than"), "{}", text(&output));
}

/// Texts of messages in calls that report something.
#[derive(Default)]
struct Messages {
    inside: bool,
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Messages {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let before = self.inside;
        let name = call.method.to_string();
        self.inside |= matches!(name.as_str(), "error" | "error_with_hint" | "warning" | "warning_with_hint");
        visit::visit_expr_method_call(self, call);
        self.inside = before;
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        if self.inside {
            self.found.push(text.value());
        }
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        if self.inside && called.path.is_ident("format") {
            let first = called.tokens.clone().into_iter().next();
            if let Some(Ok(text)) = first.map(|token| syn::parse_str::<syn::LitStr>(&token.to_string())) {
                self.found.push(text.value());
            }
        }
    }
}

/// What a message says beside the names and numbers in it.
fn fixed_parts(message: &str) -> Vec<String> {
    let message = message.replace("{{", "\u{1}").replace("}}", "\u{2}");
    let mut parts = Vec::new();
    let mut rest = message.as_str();
    while let Some((fixed, more)) = rest.split_once('{') {
        parts.push(fixed.to_owned());
        rest = more.split_once('}').map_or("", |(_, after)| after);
    }
    parts.push(rest.to_owned());
    let plain = |part: String| part.replace('\u{1}', "{").replace('\u{2}', "}");
    parts.into_iter().map(plain).filter(|part| part.trim().chars().count() > 5).collect()
}

/// Words without what a frame puts between lines.
fn flat(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || "│╭╰·".contains(c));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whatever is said about a file is said in a test: of the corpus, or where it is written out.
#[test]
fn every_message_is_seen_in_a_test() {
    let mut seen = String::new();
    let mut sources = Vec::new();
    let mut open = vec![root().join("tests/suite"), root().join("src/scenario"), root().join("src/rig")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.starts_with(root().join("tests")) {
                seen += &fs::read_to_string(&path).expect("text");
            } else {
                sources.push(path);
            }
        }
    }
    let seen = flat(&seen.replace("\\\"", "\""));
    let (mut count, mut unseen) = (0, Vec::new());
    for path in sources {
        let file = syn::parse_file(&fs::read_to_string(&path).expect("text")).expect("Rust");
        let mut messages = Messages::default();
        messages.visit_file(&file);
        for message in messages.found {
            count += 1;
            let parts = fixed_parts(&message);
            if !parts.iter().all(|part| seen.contains(&flat(part))) {
                unseen.push(format!("{}: {message}", path.display()));
            }
        }
    }
    assert!(count > 100, "{count} messages");
    assert!(unseen.is_empty(), "no test has seen:\n{}", unseen.join("\n"));
}
