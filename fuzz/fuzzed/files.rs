//! Model, scenario and rig files: read, checked, expanded into cases. No panic, whatever stands in them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use lockrig::rig;
use lockrig::scenario::{Content, Library, Plan, Selection, Start, script};
use lockrig::yaml::{Diagnostics, Source};

/// The first byte says as what the rest is read.
pub(crate) fn files(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let Ok(source) = Source::new("fuzzed.yaml", rest.to_vec()) else { return };
    match kind % 3 {
        // A model, with every family and every claim that is shipped.
        0 => {
            let mut models = shipped("models");
            models.retain(|model| model.name.contains("family-"));
            models.push(source);
            build(&Library::load(&models, &shipped("")));
        }
        // A claim, on real models of every kind.
        1 => {
            let mut models = shipped("models");
            models.retain(|model| BUILT.iter().any(|name| model.name.contains(name)));
            build(&Library::load(&models, &[source]));
        }
        _ => {
            let (_, findings) = rig::load(&[source]);
            let _ = findings.render(false, 100);
        }
    }
}

/// Models on which a damaged claim is built: one of each kind.
pub(crate) const BUILT: [&str; 7] = [
    "family-",
    "kwikset-smartcode-914",
    "tuya-",
    "schlage-s-6500f",
    "ultraloq-u-bolt-pro.",
    "danalock-v3",
    "keymitt",
];

/// Shipped files below `scenarios/`, read once.
pub(crate) fn shipped(folder: &str) -> Vec<Arc<Source>> {
    static ALL: OnceLock<Vec<(String, Arc<Source>)>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        // The fuzzer is a package of its own, below the one that has the files.
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.ancestors().map(|folder| folder.join("scenarios")).find(|folder| folder.is_dir());
        let root = root.expect("the shipped files");
        ["models", ""]
            .iter()
            .flat_map(|below| {
                let entries = std::fs::read_dir(root.join(below)).expect("a folder");
                let files = entries.map(|entry| entry.expect("an entry").path());
                let yaml = files.filter(|path| path.extension().is_some_and(|kind| kind == "yaml"));
                yaml.map(move |path| {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    let bytes = std::fs::read(&path).expect("a file");
                    ((*below).to_owned(), Source::new(&name, bytes).expect("text"))
                })
            })
            .collect()
    });
    all.iter().filter(|(below, _)| below == folder).map(|(_, source)| Arc::clone(source)).collect()
}

/// Builds the first cases of each family: a sweep must not keep the others from being reached.
fn build((library, findings): &(Library, Diagnostics)) {
    let _ = findings.render(false, 100);
    let mut built = BTreeMap::new();
    for case in Plan::new(library, Selection::default()).cases().take(5_000) {
        let number = built.entry((case.scenario.clone(), case.model.clone(), case.method)).or_insert(0);
        *number += 1;
        if *number > 2 || built.len() > 300 {
            continue;
        }
        let content = case.build(library, Start::AsFound);
        if let Content::Play(program) = content {
            let _ = (program.longest(), script(&program));
        }
    }
}
