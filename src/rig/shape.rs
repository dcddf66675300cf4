//! Which words stand in the fields of a rig file, for its JSON Schema.

use serde_json::json;

use crate::lock::Named;
use crate::trace::Channel;
use crate::unit::{Duration, Voltage};
use crate::yaml::shape::{Shape, identifier, like, one_of, quantity};

use super::firmware::FIRMWARES;
use super::probe::{Connect, IfProtected};

pub(super) fn fields() -> Vec<(&'static str, &'static str, Shape)> {
    use Shape::{Keys, Only, Word};
    let time = quantity::<Duration>;
    let channel = Channel::expression();
    let pattern = like(&format!("^({channel}|\\*|button\\.\\*|light\\.\\*|power\\.cell\\.\\*)$"));
    let switched = one_of(["high", "low"]);
    let biases = one_of(["pull_up", "pull_down"]);
    let words = json!({"type": "array", "items": {"type": ["string", "number", "boolean"]}, "minItems": 1});
    vec![
        ("", "rig", Word(identifier())),
        ("", "like", Word(identifier())),
        ("", "channels", Only(json!({"type": "array", "items": pattern, "minItems": 1}))),
        ("", "wiring", Keys(like(&format!("^({channel})$")), None)),
        ("", "run_limit", Word(time())),
        ("", "watchdog", Word(like("^/"))),
        (
            "LockstepSyntax",
            "command",
            Only(json!({"type": "array", "items": {"type": "string"}, "minItems": 1})),
        ),
        ("EmulatedSyntax", "firmware", Word(one_of(FIRMWARES))),
        ("LockstepSyntax", "answer_within", Word(time())),
        ("LockstepSyntax", "debounce", Word(time())),
        ("UncertaintySyntax", "stimulus", Word(time())),
        ("UncertaintySyntax", "observation", Word(time())),
        ("LockSyntax", "model", Word(identifier())),
        ("BoardSyntax", "poll", Word(time())),
        ("BoardSyntax", "released", Word(time())),
        ("BoardSyntax", "pressed", Word(time())),
        ("BoardSyntax", "without_pulse", Word(one_of(["released"]))),
        ("WireSyntax", "contact", Word(one_of(["normally_open", "normally_closed"]))),
        ("WireSyntax", "active", Word(switched.clone())),
        ("WireSyntax", "bias", Word(biases.clone())),
        ("WireSyntax", "max_on", Word(time())),
        ("WireSyntax", "debounce", Word(time())),
        ("WireSyntax", "supply", Word(quantity::<Voltage>())),
        ("WireSyntax", "rows", Only(words.clone())),
        ("WireSyntax", "columns", Only(words.clone())),
        ("WireSyntax", "layout", Only(words)),
        ("WireSyntax", "speed", Word(like("^[0-9]+(\\.[0-9]+)? (kHz|MHz)$"))),
        ("WireSyntax", "connect", Word(one_of(Connect::words()))),
        ("WireSyntax", "if_protected", Word(one_of(IfProtected::words()))),
        ("WireSyntax", "goes_with", Word(one_of(["power"]))),
        ("InputSyntax", "active", Word(switched)),
        ("InputSyntax", "bias", Word(biases)),
        ("InputSyntax", "debounce", Word(time())),
    ]
}
