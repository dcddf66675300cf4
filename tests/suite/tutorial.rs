//! The tutorial: its files are written, its edits made, its commands run, and its answers compared.

use std::fs;
use std::path::Path;

use crate::common::{empty_folder, lockrig, root, text};

/// Whether a line is as the page has it; `…` there stands for anything.
fn is_like(line: &str, wanted: &str) -> bool {
    let mut parts = wanted.split('…');
    let mut rest = match line.strip_prefix(parts.next().unwrap_or_default()) {
        Some(rest) => rest,
        None => return false,
    };
    for part in parts {
        match rest.find(part) {
            _ if part.is_empty() => return true,
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}

fn run(folder: &Path, console: &str) {
    let mut lines = console.lines();
    let command = lines.next().and_then(|line| line.strip_prefix("$ lockrig ")).expect("a command");
    let wanted: Vec<&str> = lines.collect();
    let arguments: Vec<&str> = command.split(' ').collect();
    let said = text(&lockrig(folder, &arguments));
    let said: Vec<&str> = said.lines().collect();
    let said = said.strip_suffix(&[""]).unwrap_or(&said);
    // The page shows an ellipsis of JSON, too.
    let same = said.len() == wanted.len() && said.iter().zip(&wanted).all(|(a, b)| a == b || is_like(a, b));
    assert!(same, "{command}: the page says\n{}\nand the program\n{}", wanted.join("\n"), said.join("\n"));
}

fn edit(folder: &Path, instruction: &str) {
    let (path, change) = instruction.split_once(": ").expect("a path");
    let change = change.replace("\\n", "\n");
    let (from, to) = change.split_once(" → ").expect("two texts");
    let path = folder.join(path);
    let before = fs::read_to_string(&path).expect("a file");
    assert_eq!(before.matches(from).count(), 1, "{from}");
    fs::write(path, before.replace(from, to)).expect("written");
}

#[test]
fn the_tutorial_is_true() {
    let page = fs::read_to_string(root().join("docs/tutorial.md")).expect("the tutorial");
    let folder = empty_folder();
    let (mut file, mut commands, mut rest) = (None, 0, page.as_str());
    while let Some(line) = rest.lines().next() {
        rest = rest[line.len()..].strip_prefix('\n').unwrap_or_default();
        if let Some(comment) = line.strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->")) {
            match comment.split_once(": ").expect("a comment of the test") {
                ("file", path) => file = Some(path.to_owned()),
                ("edit", instruction) => edit(folder.path(), instruction),
                (other, _) => panic!("{other}"),
            }
        } else if let Some(kind) = line.strip_prefix("```") {
            let end = rest.find("```\n").expect("the end of a block");
            let block = &rest[..end];
            rest = &rest[end + 4..];
            match (kind, file.take()) {
                ("console", _) => {
                    run(folder.path(), block);
                    commands += 1;
                }
                (_, Some(path)) => {
                    let path = folder.path().join(path);
                    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                    fs::write(path, block).expect("written");
                }
                (other, None) => panic!("a block of {other} belongs to no file"),
            }
        }
    }
    assert!(commands >= 6, "only {commands} commands were run");
}
