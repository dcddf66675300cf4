//! Model, scenario and rig files: read, checked, expanded into cases. No panic, whatever stands in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lockrig::rig;
use lockrig::scenario::{Library, Selection, Start, expand};
use lockrig::yaml::Source;

fuzz_target!(|bytes: &[u8]| {
    // The first byte says as what the rest is read.
    let Some((kind, rest)) = bytes.split_first() else { return };
    let Ok(source) = Source::new("fuzzed.yaml", rest.to_vec()) else { return };
    match kind % 3 {
        0 => {
            let (library, findings) = Library::load(&[source], &[]);
            let _ = findings.render(false);
            let _ = expand(&library, &Selection::default());
        }
        1 => {
            let model = include_bytes!("../../scenarios/models/gateman-a20.yaml");
            let family = include_bytes!("../../scenarios/models/family-zwave.yaml");
            let read = |name: &str, bytes: &[u8]| Source::new(name, bytes.to_vec()).ok();
            let models = [read("a.yaml", model), read("b.yaml", family)];
            let models: Vec<_> = models.into_iter().flatten().collect();
            let (library, findings) = Library::load(&models, &[source]);
            let _ = findings.render(false);
            for case in expand(&library, &Selection::default()).iter().take(20) {
                let _ = case.build(&library, Start::AsFound);
            }
        }
        _ => {
            let (_, findings) = rig::load(&[source]);
            let _ = findings.render(false);
        }
    }
});
