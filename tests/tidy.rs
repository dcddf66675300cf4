//! The map in `src/ARCHITECTURE.md`, checked: who may import whom, who may touch the world, how
//! long a file may be, and that every module says what is deliberately absent from it.

#![expect(clippy::expect_used, reason = "a test that can not go on says where")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// Modules in reading order, each with those that it may import.
const TABLE: &[(&str, &[&str])] = &[
    ("unit", &[]),
    ("yaml", &["unit"]),
    ("lock", &["unit"]),
    ("trace", &["unit"]),
    ("memory", &["lock", "trace", "unit"]),
    ("verdict", &["unit"]),
    ("belief", &["lock", "trace"]),
    ("statistics", &[]),
    ("cover", &[]),
    ("scenario", &["yaml", "lock", "trace", "verdict", "belief", "cover", "unit"]),
    ("explore", &["lock", "belief", "unit"]),
    ("engine", &["scenario", "lock", "trace", "verdict", "unit"]),
    ("rig", &["yaml", "lock", "trace", "unit"]),
    ("drivers", &["rig", "lock", "memory", "trace", "unit"]),
    ("guard", &["rig", "drivers", "trace", "unit"]),
    ("sim", &["lock", "memory", "trace", "rig", "unit"]),
    ("evidence", &["lock", "trace", "verdict", "engine", "unit"]),
    ("attest", &["verdict", "evidence", "unit"]),
    (
        "run",
        &[
            "unit",
            "yaml",
            "lock",
            "memory",
            "trace",
            "verdict",
            "belief",
            "scenario",
            "statistics",
            "explore",
            "engine",
            "rig",
            "drivers",
            "guard",
            "sim",
            "evidence",
        ],
    ),
    ("report", &["lock", "trace", "verdict", "statistics", "evidence", "unit"]),
    (
        "cli",
        &[
            "unit",
            "yaml",
            "lock",
            "memory",
            "trace",
            "verdict",
            "belief",
            "scenario",
            "statistics",
            "explore",
            "engine",
            "rig",
            "drivers",
            "guard",
            "sim",
            "evidence",
            "run",
            "report",
            "attest",
        ],
    ),
];

/// Of the engine, evidence may know the records only.
const RECORDS: &[&str] = &["CaseResult", "Cause", "Record", "PartResult", "StepOutcome"];

/// Modules that do no I/O, and what they may therefore not name.
const PURE: &[&str] = &[
    "unit",
    "yaml",
    "lock",
    "memory",
    "trace",
    "verdict",
    "belief",
    "statistics",
    "cover",
    "scenario",
    "engine",
];
const WORLD: &[&str] = &["fs", "net", "process", "thread", "time", "env", "os"];
const RUNTIMES: &[&str] = &["tokio", "rustix", "libc", "jiff"];

const MAX_LINES: usize = 600;

/// Every path that a file names, as absolute segments: `crate::trace::Value` is `[trace, Value]`,
/// `std::fs` is `[std, fs]`.
fn paths(source: &str, module: &[String]) -> Vec<Vec<String>> {
    let file = syn::parse_file(source).expect("a Rust file");
    let mut collector = Collector { module: module.to_vec(), found: Vec::new() };
    collector.visit_file(&file);
    collector.found
}

struct Collector {
    module: Vec<String>,
    found: Vec<Vec<String>>,
}

impl Collector {
    fn add(&mut self, segments: &[String]) {
        let resolved = match segments.first().map(String::as_str) {
            Some("crate") => segments[1..].to_vec(),
            Some("self") => [&self.module, &segments[1..]].concat(),
            Some("super") => {
                let ups = segments.iter().take_while(|s| *s == "super").count();
                let base = &self.module[..self.module.len().saturating_sub(ups)];
                [base, &segments[ups..]].concat()
            }
            _ => segments.to_vec(),
        };
        self.found.push(resolved);
    }

    fn tree(&mut self, tree: &syn::UseTree, prefix: &[String]) {
        let with = |name: String| [prefix, &[name]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&path.tree, &with(path.ident.to_string())),
            syn::UseTree::Name(name) => self.add(&with(name.ident.to_string())),
            syn::UseTree::Rename(rename) => self.add(&with(rename.ident.to_string())),
            syn::UseTree::Glob(_) => self.add(prefix),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, prefix)),
        }
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.add(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        // Paths within macros are tokens only: each `crate::name` counts.
        let text = node.tokens.to_string();
        for part in text.split("crate :: ").skip(1) {
            let names =
                part.split(" :: ").map(|word| word.split(|c: char| !c.is_alphanumeric() && c != '_').next());
            let segments: Vec<String> = names.flatten().take(2).map(str::to_owned).collect();
            self.found.push(segments);
        }
        visit::visit_macro(self, node);
    }
}

/// What in `source`, a file of `module`, breaks the table.
fn violations(source: &str, module: &[String]) -> Vec<String> {
    let top = module.first().map_or("", String::as_str);
    let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == top) else {
        return vec![format!("module `{top}` stands in no row of the table")];
    };
    let known: BTreeSet<&str> = TABLE.iter().map(|(name, _)| *name).collect();
    let mut found = Vec::new();
    for path in paths(source, module) {
        let Some(first) = path.first().map(String::as_str) else { continue };
        if known.contains(first) && first != top && !allowed.contains(&first) {
            found.push(format!("`{top}` imports `{}`", path.join("::")));
        }
        if (top, first) == ("evidence", "engine")
            && path.get(1).is_some_and(|item| !RECORDS.contains(&item.as_str()))
        {
            found.push(format!("`evidence` imports `{}`, which is no record", path.join("::")));
        }
        if top != "guard"
            && top != "drivers"
            && first == "drivers"
            && path.get(1).is_some_and(|m| m == "output")
        {
            found.push(format!("`{top}` imports `{}`: only the guard owns outputs", path.join("::")));
        }
        let second = path.get(1).map_or("", String::as_str);
        let touches = (first == "std" && WORLD.contains(&second)) || RUNTIMES.contains(&first);
        if PURE.contains(&top) && touches {
            found.push(format!("`{top}` does no I/O, but names `{}`", path.join("::")));
        }
    }
    found
}

/// Source files with their module paths.
fn sources() -> BTreeMap<PathBuf, (Vec<String>, String)> {
    fn walk(folder: &Path, module: &[String], found: &mut BTreeMap<PathBuf, (Vec<String>, String)>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let inner = [module, &[stem]].concat();
            if path.is_dir() {
                walk(&path, &inner, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("text");
                found.insert(path, (inner, text));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &[], &mut found);
    found.retain(|path, _| !path.ends_with("lib.rs") && !path.ends_with("main.rs"));
    found
}

#[test]
fn imports_follow_the_table() {
    let mut all = Vec::new();
    for (path, (module, text)) in sources() {
        all.extend(violations(&text, &module).into_iter().map(|what| format!("{}: {what}", path.display())));
    }
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn an_import_against_the_table_is_found_however_it_is_written() {
    let module = |name: &str| vec![name.to_owned()];
    for (name, source) in [
        ("engine", "use crate::sim::Defect;"),
        ("engine", "use crate::{lock, run::{Session, Vault}};"),
        ("engine", "use super::evidence as proof;"),
        ("engine", "fn f() { let _ = crate::cli::main(); }"),
        ("engine", "fn f() -> std::time::Instant { std::time::Instant::now() }"),
        ("engine", "use {std::{fs, io}};"),
        ("sim", "use crate::scenario::*;"),
        ("evidence", "use crate::engine::{CaseResult, Engine};"),
        ("scenario", "fn f() { println!(\"{}\", crate::report::html()); }"),
        ("attic", ""),
    ] {
        assert!(!violations(source, &module(name)).is_empty(), "{name}: {source}");
    }
    let inner = vec!["engine".to_owned(), "fiber".to_owned()];
    assert!(violations("use super::judge::observed; use crate::trace::Edge;", &inner).is_empty());
    assert!(!violations("use super::super::rig::Rig;", &inner).is_empty());
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut all = Vec::new();
    for (path, (module, text)) in sources() {
        let name = path.display();
        let lines = text.lines().count();
        if lines > MAX_LINES {
            all.push(format!("{name}: {lines} lines"));
        }
        if !text.starts_with("//!") {
            all.push(format!("{name}: no head"));
        }
        let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        if module.len() == 1 && !head.to_lowercase().contains("absent") {
            all.push(format!("{name}: its head does not say what is absent"));
        }
    }
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn the_map_names_every_module() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ARCHITECTURE.md"))
        .expect("the map");
    for (name, _) in TABLE {
        assert!(map.contains(&format!("| `{name}` |")), "{name}");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/{name}.rs"));
        assert!(file.exists(), "{name} is a module");
    }
}

/// The simulated locks know nothing of the model files, or no test could fail.
#[test]
fn simulated_locks_do_not_read_scenarios() {
    for (path, (module, text)) in sources() {
        if module[0] == "sim" {
            assert!(!text.contains("include_str!") && !text.contains("std::fs"), "{}", path.display());
        }
    }
}
