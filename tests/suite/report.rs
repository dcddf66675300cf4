//! The report: one file that loads nothing, runs nothing but its own script, and believes no lock.

use std::fs;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::common::{certified, code, empty_folder, lockrig, root, runs, text};
use crate::peers::rig;

/// What stands between two marks.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let begin = page.find(from).expect(from) + from.len();
    let length = page[begin..].find(to).expect(to);
    &page[begin..begin + length]
}

fn page(run: &Path) -> String {
    fs::read_to_string(run.join("report.html")).expect("a report")
}

/// The details of each case that has some, as a browser unpacks them: those of neighbours together.
fn details(page: &str) -> Vec<Vec<String>> {
    let packed = between(page, "<script type=\"text/plain\" id=\"details\">", "</script>");
    let unpack = |line: &str| {
        let bytes = STANDARD.decode(line).expect("base64");
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gzip");
        serde_json::from_str(&text).expect("a list of texts")
    };
    packed.lines().map(unpack).collect()
}

/// Id, number of the verdict, and line and number of the details.
type Row = (String, usize, Option<(usize, usize)>);

/// Each case of a page.
fn cases(page: &str) -> Vec<Row> {
    let text = between(page, "<script type=\"application/json\" id=\"cases\">", "</script>");
    let json: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let number = |value: &serde_json::Value| value.as_u64().and_then(|n| usize::try_from(n).ok());
    let case = |row: &serde_json::Value| {
        let at = number(&row[4][0]).zip(number(&row[4][1]));
        (row[0].as_str().expect("an id").to_owned(), number(&row[1]).expect("a verdict"), at)
    };
    json["cases"].as_array().expect("cases").iter().map(case).collect()
}

#[test]
fn every_played_case_has_its_timeline_and_its_steps() {
    let folder = empty_folder();
    let page = page(&certified(folder.path(), "kwikset-powerbolt-2", &["--defect", "extra-beep"]));
    let (cases, details) = (cases(&page), details(&page));
    assert!(page.contains("<svg class=\"timeline\""), "what failed is drawn without scripts, too");
    assert!(cases.len() > 40, "{}", cases.len());
    let not_applicable = 5;
    for (id, verdict, at) in &cases {
        assert_eq!(*verdict == not_applicable, at.is_none(), "{id}");
        let Some(detail) = at.map(|(line, number)| &details[line][number]) else { continue };
        for part in
            ["<svg class=\"timeline\"", "class=\"lane\"", " steps</summary>", "<th scope=\"col\">Part</th>"]
        {
            assert!(detail.contains(part), "{id} has no {part}: {detail}");
        }
    }
    let (_, _, at) = cases.iter().find(|(id, ..)| id.starts_with("reset-is-confirmed~")).expect("a case");
    let (line, number) = at.expect("details");
    let failed = &details[line][number];
    for part in ["sound pulsed more than 3 times", "class=\"band fail\"", "Decisive part: confirmed", "5 s"] {
        assert!(failed.contains(part), "{part}: {failed}");
    }
}

#[test]
fn its_policy_permits_its_own_style_and_script_and_nothing_else() {
    let folder = empty_folder();
    let page = page(&certified(folder.path(), "yale-linus", &[]));
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let style = hash(between(&page, "<style>", "</style>"));
    let script = hash(between(&page, "<script>", "</script>"));
    assert!(policy.contains(&format!("style-src {style};")), "{policy}");
    assert!(policy.contains(&format!("script-src {script};")), "{policy}");
    for text in details(&page).iter().flatten().chain([&page]) {
        for loaded in
            [" style=\"", " src=", "url(", "@import", "http://", "https://", " onclick=", " onload="]
        {
            assert!(!text.contains(loaded), "{loaded}");
        }
    }
}

#[test]
fn a_lock_that_says_markup_says_it_and_nothing_more() {
    let folder = empty_folder();
    let rig = rig(folder.path(), "says-markup");
    let arguments = ["run", "reset-is-confirmed", "--rig", &rig, "--model", "kwikset-powerbolt-2"];
    assert_eq!(code(folder.path(), &arguments), 0);
    let page = page(&runs(folder.path()).remove(0));
    let details: Vec<String> = details(&page).into_iter().flatten().collect();
    assert!(details.iter().any(|text| text.contains("&lt;script&gt;alert(1)&lt;/script&gt;")), "{details:?}");
    for text in details.iter().chain([&page]) {
        assert!(!text.contains("<img") && !text.contains("<script>alert"), "{text}");
        let hidden = ['\u{1b}', '\u{202e}', '\u{2066}', '\0'];
        assert!(!text.contains(hidden), "a mark that hides something is still there");
    }
}

#[test]
fn its_script_is_a_script() {
    let script = root().join("src/report/page.js");
    let node = std::process::Command::new("node").arg("--check").arg(script).status();
    // Where there is no Node.js, a browser has to tell.
    assert!(node.map_or(true, |status| status.success()), "page.js can't be parsed");
}

/// A hold that is as long as the threshold of the lock, which is not the same each time.
const FLAKY: &str = "scenario: flaky\ntitle: Flaky\nmethods: [button]\narrange:\n  - provision: {user_codes: 2}\n\
    but: {hold: 100.92 %}\nact:\n  - reset\nexpect:\n  - unchanged\n";

#[test]
fn a_case_that_passes_now_and_then_is_called_flaky() {
    let folder = empty_folder();
    fs::write(folder.path().join("flaky.yaml"), FLAKY).expect("written");
    let run = |scenario: &str, more: &[&str]| {
        let arguments =
            ["run", scenario, "--model", "kwikset-smartcode-914", "--method", "button", "--repeat", "30"];
        lockrig(folder.path(), &[&arguments[..], more].concat())
    };
    let output = run("flaky.yaml", &[]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("flaky: flaky~kwikset-smartcode-914~button: "), "{}", text(&output));
    let report = runs(folder.path()).pop().expect("a run").join("report.html");
    let page = fs::read_to_string(report).expect("a report");
    assert!(page.contains("<h2>Repeated cases</h2>") && page.contains("<strong>flaky</strong>"));
    let output = run("flaky.yaml", &["--json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let one = &json["repeated"][0];
    let number = |name: &str| one[name].as_f64().expect("a number");
    let share = number("passed") / number("told");
    assert!(one["flaky"] == true && number("told") == 30.0, "{one}");
    assert!(number("from") < share && share < number("to"), "{one}");
    let prove = |scenario: &str, what: &str, code: i32| {
        let arguments =
            ["run", scenario, "--model", "kwikset-smartcode-914", "--method", "button", "--prove", what];
        let output = lockrig(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(code), "{}", text(&output));
        text(&output)
    };
    let said = prove("short-hold-erases-nothing", "reliability=95% confidence=0.95", 0);
    let wanted =
        "proved for 1 case: a reliability of at least 95 % with a confidence of 95 % (59 passes each";
    assert!(said.contains(wanted), "{said}");
    let said = prove("flaky.yaml", "reliability=0.9,confidence=0.9", 1);
    assert!(said.contains("not proved: flaky~kwikset-smartcode-914~button"), "{said}");
    for (what, why) in [
        ("reliability=1 confidence=0.95", "no number of passes proves a reliability of 1"),
        ("reliability=0.99", "both a reliability and a confidence"),
        ("reliability=0.9999999 confidence=0.95", "more than 100000 passes"),
        ("trust=0.9 confidence=0.9", "neither reliability nor confidence"),
        ("reliability=high confidence=0.9", "`high` is no number"),
    ] {
        let said = prove("flaky.yaml", what, 2);
        assert!(said.contains(why), "{said}");
    }
    let output = run("short-hold-erases-nothing", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let said = "1 case passed every time: 30 of 30 pass (95 %: 88.4 % to 100.0 %)";
    assert!(text(&output).contains(said), "{}", text(&output));
}
