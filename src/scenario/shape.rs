//! The JSON Schemas of model and scenario files: which words stand in their fields.

use schemars::{Schema, schema_for};
use serde_json::{Value as Json, json};

use crate::lock::{Asset, DebugPort, Level, Masking, Method, Named, Near, Radio, SourceKind};
use crate::trace::Channel;
use crate::unit::{Angle, Duration, Ratio, Voltage};
use crate::yaml::shape::{
    Shape, count, identifier, like, one_of, pattern, quantity, quantity_or, refine, require, tolerance,
    untangle,
};

use super::alter::CutFrom;
use super::ast::Cover;
use super::clauses;
use super::lower::{OPERATIONS, REQUEST_FIELDS};
use super::syntax::{ModelSyntax, ScenarioSyntax};

type Fields = Vec<(&'static str, &'static str, Shape)>;

/// The JSON Schema of model files.
///
/// # Errors
/// Names a field that is none: a fault of lockrig's own.
pub fn model_schema() -> Result<Schema, String> {
    let mut schema = schema_for!(ModelSyntax);
    untangle(&mut schema, "StepSyntax");
    let always = json!({"anyOf": [{"required": ["model"]}, {"required": ["family"]}]});
    let rest = ["maker", "variant", "source", "controls"];
    // A family may leave out whatever its members say themselves.
    require(&mut schema, always, &[]);
    schema.insert("if".into(), json!({"required": ["model"], "not": {"required": ["like"]}}));
    schema.insert("then".into(), json!({"required": rest}));
    refine(schema, &[steps(), model()].concat())
}

/// The JSON Schema of scenario files.
///
/// # Errors
/// As of models.
pub fn scenario_schema() -> Result<Schema, String> {
    let mut schema = schema_for!(ScenarioSyntax);
    untangle(&mut schema, "StepSyntax");
    require(&mut schema, json!({"required": ["scenario"]}), &["title", "methods", "act", "expect"]);
    refine(schema, &[steps(), scenario()].concat())
}

fn words<T: Named>(more: &[&'static str]) -> Json {
    one_of(T::words().chain(more.iter().copied()))
}

/// A word, or several in a list.
fn some(word: &Json) -> Json {
    json!({"anyOf": [word, {"type": "array", "items": word, "minItems": 1}]})
}

/// By factor, its levels.
fn levels(more: &[&'static str]) -> Json {
    let of = |factor: &&str| {
        let known = Level::words_of(factor).into_iter().chain(more.iter().copied());
        ((*factor).to_owned(), some(&one_of(known)))
    };
    let properties: serde_json::Map<String, Json> = Level::FACTORS.iter().map(of).collect();
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

fn assets() -> Json {
    json!({"type": "array", "items": words::<Asset>(&[])})
}

/// A code by its name in a scenario, or as a manual prints it; in a model a parameter in braces.
fn code() -> Json {
    let by_name =
        "(user|extra|slot)\\.([1-9]|[1-4][0-9]|50)|wrong|default|master|zeros|ones|empty|[0-9]{3,12}";
    json!({"anyOf": [like(&format!("^({by_name}|\\{{[a-z_]+\\}})$")), {"type": "integer"}]})
}

fn steps() -> Fields {
    use Shape::{Keys, Only, Word};
    let time = quantity::<Duration>;
    let channel =
        like(&format!("^({}|\\*|button\\.\\*|light\\.\\*|power\\.cell\\.\\*)$", Channel::expression()));
    let words_of_supply = ["on", "off", "none", "low"];
    let supply = json!({"anyOf": [quantity_or::<Voltage>(&words_of_supply), quantity::<Ratio>()]});
    let switch = |words: [&'static str; 2]| {
        // A reader of YAML 1.1 takes `on` and `off` for truth.
        json!({"anyOf": [one_of(words), {"type": "boolean"}]})
    };
    let tried = count(1, 50);
    let operations: Vec<&str> = OPERATIONS.iter().map(|(name, _)| *name).collect();
    let parameters: Vec<&str> = OPERATIONS.iter().flat_map(|(_, list)| list.iter().copied()).collect();
    let provisions = json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "user_codes": json!({"anyOf": [one_of(["across_slots"]), count(0, 50)]}),
            "cards": count(0, 50),
            "fingers": count(0, 50),
            "app": one_of(["paired", "unpaired"]),
            "hub": one_of(["paired", "unpaired"]),
            "master": one_of(["set", "unset"]),
        },
    });
    let requests = one_of(super::lower::REQUESTS.iter().copied());
    let times = json!({"type": "integer", "minimum": 1, "maximum": 1000});
    let targets = ["app", "hub", "cloud", "memory", "reader"].map(|target| json!({"required": [target]}));
    let ask = json!({
        "type": "object", "additionalProperties": false,
        "properties": REQUEST_FIELDS.iter().map(|field| ((*field).to_owned(), match *field {
            "app" | "hub" | "cloud" => requests.clone(),
            "reader" => one_of(["present"]),
            "expect" => one_of(["ok", "refused", "any", "paired", "unpaired"]),
            "within" => quantity::<Duration>(),
            _ => json!({"type": ["string", "number", "boolean"]}),
        })).collect::<serde_json::Map<_, _>>(),
        "oneOf": targets,
    });
    vec![
        ("StepSyntax", "wait", Word(quantity_or::<Duration>(&["lockout"]))),
        ("StepSyntax", "turn", Word(quantity::<Angle>())),
        ("StepSyntax", "power", Word(json!({"anyOf": [supply.clone(), {"type": "boolean"}]}))),
        ("StepSyntax", "door", Word(one_of(["open", "closed"]))),
        ("StepSyntax", "cover", Word(switch(["on", "off"]))),
        ("StepSyntax", "prove", Word(one_of(["provisioned", "in_memory"]))),
        ("StepSyntax", "provision", Only(provisions)),
        ("StepSyntax", "reset_by", Word(words::<Method>(&[]))),
        ("StepSyntax", "ask", Only(ask)),
        ("StepSyntax", "do", Word(one_of(operations.iter().copied()))),
        ("StepSyntax", "erased", Word(like("^(all|[a-z_]+(\\s*,\\s*[a-z_]+)*)$"))),
        ("DoSyntax", "operation", Word(one_of(operations))),
        ("DoSyntax", "with", Keys(one_of(parameters), None)),
        ("AttemptSyntax", "code", Word(code())),
        ("AttemptSyntax", "altered", Word(words::<Near>(&[]))),
        ("AttemptSyntax", "card", Word(tried.clone())),
        ("AttemptSyntax", "finger", Word(tried)),
        ("AttemptSyntax", "expect", Word(one_of(["accepted", "refused"]))),
        ("HearSyntax", "beeps", Word(json!({"anyOf": [one_of(["any"]), count(1, 1000)]}))),
        (
            "HearSyntax",
            "lengths",
            Only(json!({"type": "array", "items": one_of(["long", "short"]), "minItems": 1})),
        ),
        ("HearSyntax", "on", Word(tolerance::<Duration>())),
        ("HearSyntax", "off", Word(tolerance::<Duration>())),
        ("HearSyntax", "within", Word(time())),
        ("SeeSyntax", "blinks", Only(times.clone())),
        ("SeeSyntax", "on", Word(tolerance::<Duration>())),
        ("SeeSyntax", "off", Word(tolerance::<Duration>())),
        ("SeeSyntax", "bolt", Word(one_of(["open", "thrown"]))),
        ("SeeSyntax", "door", Word(one_of(["open", "closed"]))),
        ("SeeSyntax", "within", Word(time())),
        ("NeverSyntax", "bolt", Word(one_of(["open", "thrown"]))),
        (
            "NeverSyntax",
            "while",
            Only(json!({"type": "array", "items": {"$ref": "#/$defs/StepSyntax"}, "minItems": 1})),
        ),
        ("NoChangeSyntax", "channels", Only(json!({"type": "array", "items": channel, "minItems": 1}))),
        ("NoChangeSyntax", "for", Word(time())),
        ("NotifiedSyntax", "channel", Word(one_of(["app", "hub", "cloud"]))),
        ("NotifiedSyntax", "within", Word(time())),
        ("PowerStepSyntax", "to", Word(json!({"anyOf": [supply, {"type": "boolean"}]}))),
        ("PowerStepSyntax", "cell", Only(json!({"type": "integer", "minimum": 1, "maximum": 12}))),
        ("PowerStepSyntax", "for", Word(time())),
        ("PowerStepSyntax", "over", Word(time())),
        ("PressSyntax", "for", Word(time())),
        ("PressSyntax", "gap", Word(time())),
        ("PressSyntax", "within", Word(time())),
        ("PressSyntax", "times", Only(times.clone())),
        ("RepeatSyntax", "within", Word(time())),
        ("RepeatSyntax", "times", Only(times)),
        ("RestartSyntax", "off", Word(time())),
        ("RestartSyntax", "held", Word(quantity::<Ratio>())),
        ("TurnSyntax", "by", Word(quantity::<Angle>())),
        ("TurnSyntax", "over", Word(time())),
        ("TypeSyntax", "gap", Word(time())),
        ("TypeSyntax", "each", Word(time())),
        ("WaitSyntax", "plus", Word(time())),
        ("WaitSyntax", "lockout", Word(quantity::<Ratio>())),
        ("WitnessSyntax", "within", Word(time())),
    ]
}

fn model() -> Fields {
    use Shape::{Keys, Only, Word};
    let stated = || quantity_or::<Duration>(&["none", "unknown"]);
    let default = json!({"anyOf": [like("^([0-9]{4,10}|none|unknown)$"), {"type": "integer"}]});
    let operations = one_of(OPERATIONS.iter().map(|(name, _)| *name));
    let asset = one_of(Asset::words());
    // YAML reads `0x3F000` as a number.
    let number = json!({"type": "integer", "minimum": 0, "maximum": u32::MAX});
    let address = json!({"anyOf": [like("^(0x[0-9a-fA-F]{1,8}|[0-9]{1,10})$"), number]});
    vec![
        ("", "model", Word(identifier())),
        ("", "radio", Word(words::<Radio>(&[]))),
        ("", "baseline", Word(words::<Method>(&[]))),
        ("", "keeps", Only(assets())),
        ("", "relocks_after", Word(stated())),
        ("", "lockout", Word(one_of(["unknown", "unsupported"]))),
        ("", "methods", Keys(words::<Method>(&[]), Some(one_of(["unknown", "unsupported"])))),
        ("", "operations", Keys(operations, Some(one_of(["unknown", "unsupported"])))),
        ("", "indicators", Keys(like("^(beeper|voice|light\\.[a-z0-9_-]{1,40})$"), None)),
        ("", "controls", Keys(like("^[a-z0-9_-]{1,40}$"), None)),
        ("SourceSyntax", "kind", Word(words::<SourceKind>(&[]))),
        ("PowerSyntax", "cells", Only(json!({"type": "integer", "minimum": 0, "maximum": 12}))),
        ("PowerSyntax", "nominal", Word(quantity::<Voltage>())),
        ("PowerSyntax", "low", Word(quantity_or::<Voltage>(&["unknown"]))),
        ("PadSyntax", "forgets_after", Word(stated())),
        ("PadSyntax", "deaf_after_wrong_code", Word(stated())),
        ("ReadySyntax", "after_power", Word(stated())),
        ("ReadySyntax", "after_short_press", Word(stated())),
        ("CodesSyntax", "masking", Word(words::<Masking>(&[]))),
        ("CodesSyntax", "digits", Only(json!({"type": "integer", "minimum": 4, "maximum": 10}))),
        ("DefaultsSyntax", "user_codes", Word(default.clone())),
        ("DefaultsSyntax", "master", Word(default)),
        ("LockoutSyntax", "attempts", Only(json!({"type": "integer", "minimum": 1, "maximum": 255}))),
        ("LockoutSyntax", "for", Word(quantity::<Duration>())),
        ("LockoutSyntax", "within", Word(quantity::<Duration>())),
        ("MemorySyntax", "debug_port", Word(words::<DebugPort>(&[]))),
        ("MemorySyntax", "salt", Only(json!({"type": "integer", "minimum": 1, "maximum": 64}))),
        ("MemorySyntax", "regions", Keys(identifier(), None)),
        ("RegionSyntax", "from", Word(address.clone())),
        ("RegionSyntax", "to", Word(address)),
        ("MethodSyntax", "starts", Word(one_of(["locked", "unlocked"]))),
        ("MethodSyntax", "needs", Only(levels(&["any"]))),
        ("MethodSyntax", "keeps", Only(assets())),
        (
            "MethodSyntax",
            "erases",
            Only(json!({"anyOf": [one_of(["unknown"]), {"type": "array", "items": asset, "minItems": 1}]})),
        ),
        ("IntervalSyntax", "at_least", Word(quantity::<Duration>())),
        ("IntervalSyntax", "at_most", Word(quantity::<Duration>())),
        ("IntervalSyntax", "tolerance", Word(quantity::<Ratio>())),
        ("DecisiveSyntax", "rotation", Word(quantity::<Angle>())),
        (
            "MethodSyntax",
            "confirmed_by",
            Only(json!({"anyOf": [one_of(["unknown", "unsupported"]),
                {"type": "array", "items": {"$ref": "#/$defs/StepSyntax"}, "minItems": 1}]})),
        ),
    ]
}

fn scenario() -> Fields {
    use Shape::{Only, Word};
    let share = || quantity::<Ratio>();
    let held = || quantity_or::<Ratio>(&["just_under"]);
    let sweep = json!({"type": "string", "pattern":
        format!("^({}|sweep [^.].*\\.\\..+ by .+)$", pattern::<Ratio>())});
    vec![
        ("", "scenario", Word(identifier())),
        ("", "like", Word(identifier())),
        (
            "",
            "clauses",
            Only(json!({"type": "array", "items": one_of(clauses::ALL.iter().map(|clause| clause.id))})),
        ),
        (
            "",
            "methods",
            Only(json!({"anyOf": [words::<Method>(&["all", "baseline"]),
                {"type": "array", "items": words::<Method>(&[]), "minItems": 1}]})),
        ),
        ("", "given", Only(levels(&[]))),
        ("", "cover", Word(words::<Cover>(&[]))),
        ("", "exclude", Only(json!({"type": "array", "items": levels(&[]), "minItems": 1}))),
        ("", "time_limit", Word(quantity::<Duration>())),
        ("ButSyntax", "hold", Word(held())),
        ("ButSyntax", "second_hold", Word(held())),
        ("ButSyntax", "interrupted_for", Word(quantity::<Duration>())),
        ("ButSyntax", "bounces", Only(json!({"type": "integer", "minimum": 1, "maximum": 100}))),
        ("ButSyntax", "gap", Word(share())),
        (
            "ButSyntax",
            "presses",
            Only(json!({"type": "integer", "minimum": -1000, "maximum": 1000, "not": {"const": 0}})),
        ),
        ("ButSyntax", "wrong_key", Word(json!({"anyOf": [one_of(["every"]), count(1, 1000)]}))),
        ("ButSyntax", "missing_keys", Only(json!({"type": "integer", "minimum": 1}))),
        ("ButSyntax", "missing_buttons", Only(json!({"type": "integer", "minimum": 1}))),
        ("ButSyntax", "pause", Word(quantity::<Duration>())),
        ("ButSyntax", "dropout", Word(quantity::<Duration>())),
        ("ButSyntax", "proof", Word(one_of(["used"]))),
        ("ButSyntax", "rotation", Word(share())),
        ("ButSyntax", "bolt", Word(one_of(["jammed", "moving"]))),
        ("ButSyntax", "without", Word(one_of(Level::FACTORS.iter().copied()))),
        ("ButSyntax", "cut_power_at", Word(sweep)),
        ("ButSyntax", "cut_to", Word(share())),
        ("ButSyntax", "cut_from", Word(words::<CutFrom>(&[]))),
    ]
}
