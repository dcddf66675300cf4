//! Nothing that comes from a file or a lock makes the program panic, and whatever a lock does,
//! replay agrees.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lockrig::engine::{Engine, Precision};
use lockrig::evidence::Entry;
use lockrig::rig::{Fault, Hello, LockstepDevice, Ran, Ready};
use lockrig::run::{Vault, play};
use lockrig::scenario::{Content, Library, Selection, Start, expand};
use lockrig::trace::{Channel, Response, Value};
use lockrig::unit::{Duration, Instant};
use lockrig::verdict::Verdict;
use lockrig::yaml::Source;
use proptest::prelude::*;

use crate::defects::library;
use crate::fuzzed::files::{BUILT, shipped};

/// A lock that does at random times what only a mad one would.
struct MadLock {
    plan: Vec<(u64, u8, u8)>,
    next: usize,
    now: Instant,
    asked: Vec<(Channel, u64)>,
}

impl MadLock {
    fn act(&mut self, what: u8, detail: u8) -> Vec<(Channel, Value)> {
        let on = detail.is_multiple_of(2);
        let light = |name: &str| Channel::Light(name.into());
        let colours = ["red", "green", "amber", "blue"];
        let colour = on.then(|| Arc::from(colours[usize::from(detail / 2 % 4)]));
        match what % 7 {
            0 => vec![(Channel::Bolt, Value::Switch(on))],
            1 => vec![(Channel::Beeper, Value::Switch(on))],
            2 => vec![(light("status"), Value::Light(colour))],
            3 => vec![(light("pcb"), Value::Light(colour))],
            4 => vec![(Channel::Hub, Value::Notify("reset_locally".into()))],
            5 => vec![(Channel::Voice, Value::Text("Welcome to Yale".into()))],
            _ => {
                let answers = std::mem::take(&mut self.asked);
                let count = Some(u64::from(detail % 3));
                let answer = |(channel, id)| {
                    let response = Response {
                        id,
                        ok: !detail.is_multiple_of(4),
                        paired: Some(on),
                        users: count,
                        codes: count,
                        ..Response::default()
                    };
                    (channel, Value::Response(response))
                };
                answers.into_iter().map(answer).collect()
            }
        }
    }
}

impl LockstepDevice for MadLock {
    fn start(&mut self, _: &Hello) -> Result<Ready, Fault> {
        Ok(Ready::default())
    }

    fn run(&mut self, until: Instant, set: &[(Channel, Value)]) -> Result<Ran, Fault> {
        for (channel, value) in set {
            if let Value::Request(request) = value {
                self.asked.push((channel.clone(), request.id));
            }
        }
        while let Some((after, what, detail)) = self.plan.get(self.next).copied() {
            let at = self.now + Duration::milliseconds(after);
            if at > until {
                break;
            }
            self.next += 1;
            self.now = at;
            let out = self.act(what, detail);
            if !out.is_empty() {
                return Ok(Ran { now: self.now, out });
            }
        }
        self.now = self.now.max(until);
        Ok(Ran { now: self.now, out: Vec::new() })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mad_lock_gets_the_same_verdict_in_replay(
        which in any::<prop::sample::Index>(),
        plan in proptest::collection::vec((0_u64..4_000, any::<u8>(), any::<u8>()), 0..120),
    ) {
        let library = library();
        let cases = expand(&library, &Selection::default());
        let playable: Vec<_> = cases
            .iter()
            .filter_map(|case| match case.build(&library, Start::Delivered) {
                Content::Play(program) => Some((case, program)),
                _ => None,
            })
            .collect();
        let (case, program) = which.get(&playable);
        let mut lock = MadLock { plan, next: 0, now: Instant::START, asked: Vec::new() };
        let hello = Hello { model: case.model.to_string(), case: case.id.to_string(), seed: 1 };
        let vault = Vault::simulated(&program.secrets, 1, 1);
        let never = AtomicBool::new(false);
        let mut entries = Vec::new();
        let played = play(program, &hello, &mut lock, &vault, Precision::default(), &never, &mut |at, entry| {
            entries.push((at, entry.clone()));
            Ok(())
        })
        .expect("nothing is written");
        let mut engine = Engine::new(program, Precision::default());
        for (at, entry) in &entries {
            match entry {
                Entry::Command { id, achieved_ns: Some(achieved), .. } => engine.achieved(*id, *achieved),
                Entry::Signal { channel, value } => engine.signal(*at, channel, value.clone()),
                Entry::Advance { horizon_ns } => engine.advance(*at, *horizon_ns),
                Entry::Stop { verdict, reason } => engine.stop(*verdict, reason),
                _ => {}
            }
        }
        while engine.poll().is_some() {}
        prop_assert_eq!(engine.result(), Some(&played.result));
        // It never knew a code, so no claim about one can hold.
        prop_assert_ne!(played.result.verdict, Verdict::Error);
    }

    #[test]
    fn a_damaged_file_is_refused_or_read_and_never_a_panic(
        which in any::<prop::sample::Index>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6),
    ) {
        let folder = crate::common::root().join("scenarios");
        let mut files: Vec<_> = ["", "models"]
            .iter()
            .flat_map(|below| std::fs::read_dir(folder.join(below)).expect("a folder"))
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
            .collect();
        files.sort();
        let path = which.get(&files);
        let mut bytes = std::fs::read(path).expect("bytes");
        for (at, byte, kind) in damage {
            let index = at.index(bytes.len());
            match kind {
                0 => bytes[index] = byte,
                1 => drop(bytes.remove(index)),
                _ => bytes.insert(index, byte),
            }
            if bytes.is_empty() {
                break;
            }
        }
        let in_models = path.parent().is_some_and(|parent| parent.ends_with("models"));
        if let Ok(source) = Source::new("damaged.yaml", bytes) {
            // With real files beside it, so that the builder is reached.
            let (mut models, mut scenarios) = (shipped("models"), shipped(""));
            if in_models {
                models.retain(|model| model.name.contains("family-"));
                models.push(source);
            } else {
                models.retain(|model| BUILT.iter().any(|name| model.name.contains(name)));
                scenarios = vec![source];
            }
            let (library, findings) = Library::load(&models, &scenarios);
            drop(findings.render(false, 100));
            for case in expand(&library, &Selection::default()) {
                drop(case.build(&library, Start::AsFound));
            }
        }
    }
}
