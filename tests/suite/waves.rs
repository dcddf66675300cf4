//! Waveforms, read back.

use std::collections::{BTreeMap, HashMap};

use lockrig::engine::{CaseResult, Cause};
use lockrig::evidence::{Catalogue, Entry, JournalReader, RunFolder, RunInfo, traces};
use lockrig::trace::{Channel, Edge, Request, Response, Timeline, Value, vcd as waves};
use lockrig::unit::{Duration, Instant};
use lockrig::verdict::Verdict;
use vcd::{Command, Parser, ScopeItem};

use crate::common::{certified, empty_folder, sha256};

/// Nanoseconds of a file's unit, and the string values of each variable with their time in units.
fn strings(edges: &[(u64, Channel, Value)]) -> (u64, BTreeMap<String, Vec<(u64, String)>>) {
    let mut timeline = Timeline::default();
    for (nanoseconds, channel, value) in edges {
        let at = Instant::START + Duration::nanoseconds(*nanoseconds);
        timeline.push(channel, Edge { at, value: value.clone() });
    }
    let mut bytes = Vec::new();
    waves::write(&timeline, "a case", Instant::START, &mut bytes).expect("written");
    let mut parser = Parser::new(&*bytes);
    let header = parser.parse_header().expect("a header");
    let (number, unit) = header.timescale.expect("a timescale");
    let seconds = f64::from(number) / unit.divisor() as f64;
    let mut names = BTreeMap::new();
    for item in &header.items {
        let ScopeItem::Scope(scope) = item else { continue };
        for item in &scope.items {
            let ScopeItem::Var(variable) = item else { continue };
            let begins = variable.code.to_string().chars().next().expect("a code");
            assert!(!"01xXzZbBrR#".contains(begins), "{}", variable.code);
            names.insert(variable.code, variable.reference.clone());
        }
    }
    let (mut now, mut found) = (0, BTreeMap::<String, Vec<(u64, String)>>::new());
    for command in parser {
        match command.expect("a command") {
            Command::Timestamp(at) => now = at,
            Command::ChangeString(code, text) => {
                found.entry(names[&code].clone()).or_default().push((now, text));
            }
            _ => {}
        }
    }
    ((seconds * 1e9).round() as u64, found)
}

fn text(words: &str) -> Value {
    Value::Text(words.into())
}

#[test]
fn time_is_as_coarse_as_it_can_be() {
    let unit = |times: &[u64]| {
        let edges: Vec<_> = times.iter().map(|at| (*at, Channel::Console, text("a"))).collect();
        strings(&edges).0
    };
    assert_eq!(unit(&[0, 2_000_000, 500_000_000]), 1_000_000);
    assert_eq!(unit(&[0, 2_100_000]), 100_000);
    assert_eq!(unit(&[3, 2_000_000]), 1);
    assert_eq!(unit(&[40_000_000_000]), 1_000_000_000);
}

#[test]
fn words_are_whole_and_one_line_and_say_where_they_were_cut() {
    let long = "x".repeat(1_000);
    let edges =
        [(1_000, Channel::Console, text("two words\nand a \\ é")), (2_000, Channel::Console, text(&long))];
    let (_, found) = strings(&edges);
    let console = &found["console"];
    assert_eq!(console[0], (1, "two\\x20words\\x0Aand\\x20a\\x20\\\\\\x20\\xC3\\xA9".to_owned()));
    assert!(console[1].1.ends_with("xxx...") && console[1].1.len() < 500, "{}", console[1].1);
}

/// What has no width is lost in libsigrok: the last change lasts until the case ended, or a unit of time.
#[test]
fn the_last_change_has_a_width() {
    let last = |at: u64, end: u64| {
        let mut timeline = Timeline::default();
        let (at, end) =
            (Instant::START + Duration::milliseconds(at), Instant::START + Duration::nanoseconds(end));
        timeline.push(&Channel::Bolt, Edge { at, value: Value::Switch(true) });
        let mut bytes = Vec::new();
        waves::write(&timeline, "a case", end, &mut bytes).expect("written");
        String::from_utf8(bytes).expect("text").lines().last().expect("a line").to_owned()
    };
    assert_eq!(last(7, 9_000_001), "#10");
    assert_eq!(last(7, 9_000_000), "#9");
    assert_eq!(last(7, 7_000_000), "#8");
    assert_eq!(last(7, 0), "#8");
}

/// An answer and the request after it are told apart, even at the same instant.
#[test]
fn what_is_asked_and_what_is_answered_are_variables_of_their_own() {
    let request = Value::Request(Request { id: 1, op: "status".into(), arguments: Vec::new() });
    let response = Value::Response(Response { id: 1, ok: true, ..Response::default() });
    let edges = [
        (1_000_000, Channel::Hub, request.clone()),
        (2_000_000, Channel::Hub, response),
        (2_000_000, Channel::Hub, request),
        (3_000_000, Channel::Hub, Value::Notify("reset_locally".into())),
    ];
    let (_, found) = strings(&edges);
    let times = |name: &str| found[name].iter().map(|(at, _)| *at).collect::<Vec<_>>();
    assert_eq!(times("hub.request"), [1, 2]);
    assert_eq!(times("hub.answer"), [2]);
    assert_eq!(found["hub.notice"], [(3, "reset_locally".to_owned())]);
}

/// On a bench a command is done later than it was given, or never: a waveform shows when it was done.
#[test]
fn a_benchs_commands_stand_where_they_were_achieved() {
    let parent = empty_folder();
    let info = RunInfo { provenance: "hardware".into(), seed: 1, planned: 1, ..RunInfo::default() };
    let mut folder =
        RunFolder::create(parent.path(), "run", info, &Catalogue::default(), &BTreeMap::new()).expect("made");
    let at = |milliseconds| Instant::START + Duration::milliseconds(milliseconds);
    let button = Channel::Button("reset".into());
    let command =
        |id, on| Entry::Command { id, channel: button.clone(), value: Value::Switch(on), achieved_ns: None };
    for (time, entry) in [
        (0, Entry::Begin { seed: 1 }),
        (0, command(1, true)),
        (0, command(2, false)),
        (3, Entry::Achieved { id: 1 }),
        (14, Entry::Achieved { id: 2 }),
        (14, command(3, true)),
    ] {
        folder.record("a~b~button~r1", at(time), &entry).expect("recorded");
    }
    let result = CaseResult::unplayed(Verdict::Pass, Cause::Lockrig, "");
    folder.end_case("a~b~button~r1", at(20), result).expect("recorded");
    folder.commit().expect("durable");
    let mut found = Vec::new();
    let mut keep = |_: &str, trace: Timeline, _: Instant| {
        found.extend(trace.channels().flat_map(|(_, edges)| edges.iter().map(|edge| edge.at)));
        Ok(())
    };
    traces(folder.path(), &|_| true, &mut keep).expect("traces");
    assert_eq!(found, [at(3), at(14)]);
}

/// A case's id becomes a file name: one that leads elsewhere is none.
#[test]
fn a_case_that_is_no_id_is_refused() {
    let folder = empty_folder();
    let path = folder.path().join("journal.jsonl");
    let read = |case: &str| {
        let line = format!("{{\"case\":{},\"seed\":1}}\n", serde_json::json!(case));
        let chain = sha256(line.as_bytes());
        std::fs::write(&path, format!("{line}{{\"chain\":\"{chain}\"}}\n")).expect("written");
        JournalReader::open(&path).expect("a journal").next_entry()
    };
    assert!(matches!(read("power-cut~yale-linus~app~power=ok~cut=0.5~r1"), Ok(Some(_))));
    for wrong in ["../x", "/tmp/x", "a/b", "..", ".x", "a b", "a\nb", "", &"x".repeat(300)] {
        let error = read(wrong).expect_err(wrong);
        assert!(error.to_string().contains("is not a case id"), "{error}");
    }
}

/// Whatever stands in a journal, it is read in bounded memory.
#[test]
fn a_case_without_end_is_refused() {
    let folder = empty_folder();
    let path = folder.path().join("journal.jsonl");
    let mut lines = b"{\"case\":\"a~b~button~r1\",\"seed\":1}\n".to_vec();
    for _ in 0..100_001 {
        lines.extend_from_slice(b"{\"part\":\"p\",\"verdict\":\"pass\"}\n");
    }
    lines.extend_from_slice(format!("{{\"chain\":\"{}\"}}\n", sha256(&lines)).as_bytes());
    std::fs::write(&path, lines).expect("written");
    let mut reader = JournalReader::open(&path).expect("a journal");
    let error = loop {
        match reader.next_entry() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended"),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("more parts than any case"), "{error}");
}

/// What another library makes of a waveform: of each variable the times of its changes, in nanoseconds, and the values.
fn read_by_wellen(path: &std::path::Path) -> BTreeMap<String, Vec<(u64, String)>> {
    let mut waves = wellen::simple::read(path).expect("a waveform");
    let unit = waves.hierarchy().timescale().expect("a timescale");
    let exponent = u32::try_from(unit.unit.to_exponent().expect("a unit") + 9).expect("no finer than 1 ns");
    let nanoseconds = u64::from(unit.factor) * 10_u64.pow(exponent);
    let hierarchy = waves.hierarchy();
    let names: Vec<_> = hierarchy
        .items()
        .filter_map(|item| match item {
            wellen::ItemRef::Scope(scope) => Some(&hierarchy[scope]),
            wellen::ItemRef::Var(_) => None,
        })
        .flat_map(|scope| scope.vars(hierarchy))
        .map(|var| (hierarchy[var].name(hierarchy).to_owned(), hierarchy[var].signal_ref()))
        .collect();
    waves.load_signals(&names.iter().map(|(_, signal)| *signal).collect::<Vec<_>>());
    let times = waves.time_table();
    let changes = |signal| {
        let signal = waves.get_signal(signal).expect("a signal");
        let at = |index: u32| times[usize::try_from(index).expect("a time")] * nanoseconds;
        signal.iter_changes().map(|(index, value)| (at(index), value.to_string())).collect()
    };
    names.into_iter().map(|(name, signal)| (name, changes(signal))).collect()
}

#[test]
fn another_library_finds_the_same_changes() {
    let folder = empty_folder();
    let run = certified(folder.path(), "kwikset-smartcode-914", &[]);
    let (mut cases, mut compared, mut words) = (0, 0, 0);
    let mut compare = |case: &str, trace: Timeline, end: Instant| {
        cases += 1;
        let path = folder.path().join("case.vcd");
        let file = std::fs::File::create(&path).expect("a file");
        waves::write(&trace, case, end, file).expect("written");
        let found = read_by_wellen(&path);
        for (channel, edges) in trace.channels() {
            let name = channel.to_string();
            let parts = found.iter().filter(|(found, _)| {
                let rest = found.strip_prefix(&name);
                rest.is_some_and(|rest| matches!(rest, "" | ".request" | ".answer" | ".notice"))
            });
            let mut times: Vec<u64> =
                parts.clone().flat_map(|(_, list)| list.iter().map(|(at, _)| *at)).collect();
            times.sort_unstable();
            // What is said a second time is no change there.
            let mut before = HashMap::new();
            let changes = edges.iter().filter(|edge| {
                before.insert(std::mem::discriminant(&edge.value), &edge.value) != Some(&edge.value)
            });
            let expected: Vec<u64> = changes.map(|edge| edge.at.as_nanoseconds()).collect();
            assert_eq!(times, expected, "{case}: {name}");
            compared += times.len();
            words += parts.flat_map(|(_, list)| list).filter(|(_, value)| value.contains("\"op\"")).count();
        }
        Ok(())
    };
    traces(&run, &|_| true, &mut compare).expect("traces");
    assert!(
        cases > 50 && compared > 1_000 && words > 100,
        "{cases} cases, {compared} changes, {words} requests"
    );
}
