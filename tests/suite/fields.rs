//! Each field of the language does something: what is written there is in the program that is played, or in what is known
//! of model and scenario.

use std::collections::BTreeSet;

use lockrig::scenario::{Library, Selection, Start, expand};
use lockrig::yaml::Source;

use crate::common::root;

/// What is known of its memory.
const MEMORY: &str = "memory:\n  chip: STM32L475VG\n  debug_port: open\n  salt: 8\n  regions: {firmware: {from: 0x8000000, to: 0x8010000}, settings: {from: 0x8010000, to: 0x8010800}}\n";

/// A lock that has everything.
const MODEL: &str = r##"model: everything
maker: Nobody
variant: Everything
source: {title: Nothing, document: None, kind: primary}
radio: z-wave
controls:
  reset: button
  other: button
  keypad: 0-9 * lock
  knob: rotary
  door: contact
  cover: removable
  memory: debug_port
  reader: both
  power: {cells: 4, nominal: 6.0 V, low: 4.8 V}
indicators:
  light.status: [red, green]
  light.pcb: [red, blue]
  beeper: {}
  voice: {}
codes: {digits: 6, shortest: 4, longest: 8}
relocks_after: 30 s
ready: {after_power: 20 s, after_short_press: 40 s}
keypad: {forgets_after: 10 s, deaf_after_wrong_code: 2 s}
defaults: {user_codes: ["123456"], master: "654321"}
lockout: {attempts: 5, for: 45 s}
memory:
  chip: STM32L475VG
  debug_port: open
  salt: 8
  regions: {firmware: {from: 0x8000000, to: 0x8010000}, settings: {from: 0x8010000, to: 0x8010800}}
baseline: button
keeps: [app_pairing]
methods:
  button:
    needs: {power: [ok, low]}
    decisive:
      hold: {from: hold reset, to: release reset, at_least: 5 s}
      second_hold: {from: hold other, to: release other, at_least: 3 s}
      gap: {from: power off, to: power on, at_most: 10 s}
    erases: [user_codes, hub_pairing]
    procedure:
      - power: off
      - wait: 3 s
      - power: on
      - hold: reset
      - wait: 5.5 s
      - release: reset
      - hold: other
      - wait: 3.5 s
      - release: other
    confirmed_by:
      - see: {light: green, indicator: status, within: 5 s}
    afterwards: [handing]
  keypad:
    decisive:
      keys: 3
    erases: unknown
    keeps: [user_codes]
    procedure:
      - type: "0 lock *"
    confirmed_by: unknown
  knob:
    decisive:
      rotation: 180 deg
      presses: 3
    erases: unknown
    procedure:
      - press: {button: reset, times: 3, within: 5 s}
      - turn: 180 deg
    confirmed_by: unknown
  app:
    needs: {ownership: [verified]}
    decisive: {}
    erases: unknown
    procedure:
      - ask: {app: factory_reset, within: 10 s}
    confirmed_by: unknown
operations:
  enter:
    procedure:
      - type: "{code} lock"
    accepted_by:
      see: {bolt: open, within: 3 s}
  lock:
    - type: lock
    - see: {bolt: thrown, within: 4 s}
  add_code:
    - ask: {hub: add_code, slot: "{slot}", code: "{code}", within: 5 s}
  add_card:
    - ask: {reader: present, credential: "{card}", within: 5 s}
  add_finger: unknown
  use_finger: unknown
  use_card:
    procedure:
      - ask: {reader: present, credential: "{card}", within: 6 s}
    accepted_by:
      see: {bolt: open, within: 3 s}
  set_master:
    - type: "{master} {code} lock"
  try_master:
    procedure:
      - type: "{code} lock"
    accepted_by:
      hear: {beeps: 1, within: 3 s}
  pair_app:
    - ask: {app: pair, role: "{role}", within: 5 s}
  pair_hub:
    - ask: {hub: pair, role: owner, within: 5 s}
  handing:
    - press: other
"##;

const SCENARIO: &str = "scenario: tried\ntitle: Tried\nclauses: []\nmethods: [button]\ngiven: {power: [ok]}\narrange:\n  - provision: {user_codes: 1, hub: paired}\nbut: {}\nact:\n  - reset\nexpect:\n  - unchanged\ntime_limit: 3 h\n";

/// Everything that follows from a model and scenarios: what is known, which cases there are, and what is played.
fn meaning(model: &str, scenarios: &[String]) -> Result<String, String> {
    let source = |name: &str, text: &str| Source::new(name, text.as_bytes().to_vec()).expect("text");
    // Without an alteration or a clause the field is left out.
    let texts = scenarios.iter().map(|text| text.replace("but: {}\n", "").replace("clauses: []\n", ""));
    let sources: Vec<_> = texts.map(|text| source("scenario.yaml", &text)).collect();
    let (library, findings) = Library::load(&[source("model.yaml", model)], &sources);
    if findings.has_errors() {
        return Err(findings.render(false, 100));
    }
    let mut said = String::new();
    for model in library.models.values() {
        said += &format!("{:?} {:?}\n", model.facts, model.baseline);
    }
    for scenario in library.scenarios.values() {
        said += &format!("{:?} {:?}\n", scenario.title, scenario.clauses);
    }
    for case in expand(&library, &Selection::default()) {
        said += &format!("{} {:?}\n", case.id, case.build(&library, Start::Delivered));
    }
    Ok(said)
}

/// Steps beside each other that differ in one field, which comes first.
const STEPS: &[(&str, &str, &str)] = &[
    ("button", "press: {button: reset}", "press: {button: other}"),
    ("for", "press: {button: reset}", "press: {button: reset, for: 700 ms}"),
    ("for", "press: {button: reset, for: 600 ms}", "press: {button: reset, for: 700 ms}"),
    ("times", "press: {button: reset}", "press: {button: reset, times: 2}"),
    ("gap", "press: {button: reset, times: 2}", "press: {button: reset, times: 2, gap: 900 ms}"),
    ("within", "press: {button: reset, times: 2}", "press: {button: reset, times: 2, within: 9 s}"),
    ("until", "press: {button: reset}", "press: {button: reset, until: {hear: {beeps: 1, within: 9 s}}}"),
    ("press", "press: reset", "press: other"),
    (
        "hold",
        "repeat: {times: 1, steps: [{hold: reset}, {release: reset}]}",
        "repeat: {times: 1, steps: [{hold: other}, {release: other}]}",
    ),
    (
        "release",
        "repeat: {times: 1, steps: [{hold: [reset, other]}, {release: [reset, other]}]}",
        "repeat: {times: 1, steps: [{hold: [reset, other]}, {release: reset}, {wait: 1 s}, {release: other}]}",
    ),
    ("together", "together: [[{press: reset}], [{press: other}]]", "together: [[{press: reset}]]"),
    ("to", "power: {to: off}", "power: {to: on}"),
    ("to", "power: {to: 3 V}", "power: {to: low}"),
    ("power", "power: off", "power: low"),
    ("cell", "power: {to: off, cell: 1}", "power: {to: off, cell: 2}"),
    ("over", "power: {to: low}", "power: {to: low, over: 9 s}"),
    ("for", "power: {to: low}", "power: {to: low, for: 9 s}"),
    ("turn", "turn: 90 deg", "turn: 91 deg"),
    ("by", "turn: {by: 90 deg}", "turn: {by: 91 deg}"),
    ("over", "turn: {by: 90 deg}", "turn: {by: 90 deg, over: 4 s}"),
    ("door", "door: open", "door: closed"),
    ("cover", "cover: off", "cover: on"),
    ("type", "type: \"12\"", "type: \"13\""),
    ("keys", "type: {keys: \"12\"}", "type: {keys: \"13\"}"),
    ("gap", "type: {keys: \"12\"}", "type: {keys: \"12\", gap: 777 ms}"),
    ("each", "type: {keys: \"12\"}", "type: {keys: \"12\", each: 777 ms}"),
    ("wait", "wait: 1 s", "wait: 2 s"),
    (
        "until",
        "wait: {until: {hear: {beeps: 1, within: 9 s}}}",
        "wait: {until: {hear: {beeps: 2, within: 9 s}}}",
    ),
    (
        "plus",
        "wait: {until: {hear: {beeps: 1, within: 9 s}}}",
        "wait: {until: {hear: {beeps: 1, within: 9 s}}, plus: 1 s}",
    ),
    ("see", "see: {bolt: open, within: 1 s}", "hear: {beeps: any, within: 1 s}"),
    ("bolt", "see: {bolt: open, within: 1 s}", "see: {bolt: thrown, within: 1 s}"),
    ("door", "see: {door: open, within: 1 s}", "see: {door: closed, within: 1 s}"),
    ("within", "see: {door: open, within: 1 s}", "see: {door: open, within: 2 s}"),
    (
        "light",
        "see: {light: red, indicator: status, within: 1 s}",
        "see: {light: green, indicator: status, within: 1 s}",
    ),
    (
        "indicator",
        "see: {light: red, indicator: status, within: 1 s}",
        "see: {light: red, indicator: pcb, within: 1 s}",
    ),
    (
        "blinks",
        "see: {light: red, indicator: status, within: 1 s}",
        "see: {light: red, indicator: status, blinks: 2, within: 1 s}",
    ),
    (
        "on",
        "see: {light: red, indicator: status, within: 1 s}",
        "see: {light: red, indicator: status, on: 100 ms ±20 %, within: 1 s}",
    ),
    (
        "on",
        "see: {light: red, indicator: status, on: 100 ms ±10 %, within: 1 s}",
        "see: {light: red, indicator: status, on: 100 ms ±20 %, within: 1 s}",
    ),
    (
        "off",
        "see: {light: red, indicator: status, within: 1 s}",
        "see: {light: red, indicator: status, off: 100 ms ±20 %, within: 1 s}",
    ),
    ("app", "ask: {app: status}", "ask: {app: pair}"),
    ("hub", "ask: {hub: status}", "ask: {hub: pair}"),
    ("cloud", "ask: {cloud: status}", "ask: {cloud: pair}"),
    ("memory", "ask: {memory: read}", "ask: {cloud: leave}"),
    ("reader", "ask: {reader: present, credential: card.1}", "ask: {cloud: unpair}"),
    (
        "credential",
        "ask: {reader: present, credential: card.2}",
        "ask: {reader: present, credential: finger.2}",
    ),
    ("role", "ask: {app: leave, role: guest}", "ask: {app: leave, role: admin}"),
    ("ownership", "ask: {app: leave, ownership: verified}", "ask: {app: leave, ownership: unverified}"),
    ("network", "ask: {app: leave, network: online}", "ask: {app: leave, network: offline}"),
    ("slot", "ask: {app: add_code, slot: 1}", "ask: {app: add_code, slot: 2}"),
    ("until", "ask: {app: add_code, until: 1 h}", "ask: {app: add_code, until: 2 h}"),
    ("schedule", "ask: {app: add_code, schedule: mornings}", "ask: {app: add_code, schedule: nights}"),
    ("parameter", "ask: {app: set_parameter, parameter: 8}", "ask: {app: set_parameter, parameter: 9}"),
    ("value", "ask: {app: set_parameter, value: 1}", "ask: {app: set_parameter, value: 0}"),
    ("card", "attempt: {card: 1, expect: refused}", "attempt: {card: 2, expect: refused}"),
    (
        "finger",
        "attempt: {card: 1, expect: refused}",
        "repeat: {times: 1, steps: [{attempt: {finger: 1, expect: refused}}]}",
    ),
    ("hear", "hear: {beeps: 1, within: 1 s}", "hear: {beeps: 2, within: 1 s}"),
    ("beeps", "hear: {beeps: 1, within: 1 s}", "hear: {beeps: any, within: 1 s}"),
    ("within", "hear: {beeps: 1, within: 1 s}", "hear: {beeps: 1, within: 2 s}"),
    (
        "lengths",
        "hear: {beeps: 2, lengths: [long, short], within: 1 s}",
        "hear: {beeps: 2, lengths: [short, long], within: 1 s}",
    ),
    ("on", "hear: {beeps: 1, within: 1 s}", "hear: {beeps: 1, on: 100 ms ±20 %, within: 1 s}"),
    ("off", "hear: {beeps: 2, within: 1 s}", "hear: {beeps: 2, off: 100 ms ±20 %, within: 1 s}"),
    ("voice", "hear: {voice: any, within: 1 s}", "hear: {voice: welcome, within: 1 s}"),
    ("no_change", "no_change: {channels: [bolt], for: 1 s}", "no_change: {channels: [bolt], for: 2 s}"),
    (
        "channels",
        "no_change: {channels: [bolt], for: 1 s}",
        "no_change: {channels: [bolt, beeper], for: 1 s}",
    ),
    ("for", "no_change: {channels: [bolt], for: 1 s}", "no_change: {channels: [bolt], for: 2 s}"),
    ("never", "never: {bolt: open, while: [{wait: 1 s}]}", "wait: 1 s"),
    ("bolt", "never: {bolt: open, while: [{wait: 1 s}]}", "never: {bolt: thrown, while: [{wait: 1 s}]}"),
    (
        "light",
        "never: {light: red, indicator: status, while: [{wait: 1 s}]}",
        "never: {light: green, indicator: status, while: [{wait: 1 s}]}",
    ),
    (
        "indicator",
        "never: {light: red, indicator: status, while: [{wait: 1 s}]}",
        "never: {light: red, indicator: pcb, while: [{wait: 1 s}]}",
    ),
    ("while", "never: {bolt: open, while: [{wait: 1 s}]}", "never: {bolt: open, while: [{wait: 2 s}]}"),
    ("notified", "notified: {channel: hub, event: reset_locally, within: 1 s}", "wait: 1 s"),
    (
        "channel",
        "notified: {channel: hub, event: reset_locally, within: 1 s}",
        "notified: {channel: app, event: reset_locally, within: 1 s}",
    ),
    (
        "event",
        "notified: {channel: hub, event: reset_locally, within: 1 s}",
        "notified: {channel: hub, event: left, within: 1 s}",
    ),
    (
        "within",
        "notified: {channel: hub, event: left, within: 1 s}",
        "notified: {channel: hub, event: left, within: 2 s}",
    ),
    ("ask", "ask: {app: status}", "ask: {hub: status}"),
    ("ask", "ask: {app: status}", "ask: {app: unpair}"),
    ("ask", "ask: {app: status}", "ask: {app: status, expect: refused}"),
    ("ask", "ask: {app: status, expect: paired}", "ask: {app: status, expect: unpaired}"),
    ("ask", "ask: {app: status}", "ask: {app: status, within: 3 s}"),
    ("ask", "ask: {app: status}", "ask: {app: status, role: guest}"),
    ("ask", "ask: {memory: read}", "ask: {memory: read, within: 3 s}"),
    ("witness", "witness: {that: the lid is on, within: 1 min}", "wait: 1 min"),
    (
        "that",
        "witness: {that: the lid is on, within: 1 min}",
        "witness: {that: the lid is off, within: 1 min}",
    ),
    (
        "within",
        "witness: {that: the lid is on, within: 1 min}",
        "witness: {that: the lid is on, within: 2 min}",
    ),
    ("repeat", "repeat: {times: 2, steps: [{wait: 1 s}]}", "wait: 1 s"),
    ("times", "repeat: {times: 2, steps: [{wait: 1 s}]}", "repeat: {times: 3, steps: [{wait: 1 s}]}"),
    ("steps", "repeat: {times: 2, steps: [{wait: 1 s}]}", "repeat: {times: 2, steps: [{wait: 2 s}]}"),
    (
        "within",
        "repeat: {times: 2, steps: [{wait: 1 s}]}",
        "repeat: {times: 2, within: 9 s, steps: [{wait: 1 s}]}",
    ),
    ("do", "do: lock", "do: handing"),
    ("operation", "do: {operation: lock}", "do: {operation: handing}"),
    ("with", "do: {operation: enter, with: {code: user.1}}", "do: {operation: enter, with: {code: wrong}}"),
    ("attempt", "attempt: {code: user.1, expect: accepted}", "wait: 1 s"),
    ("code", "attempt: {code: user.1, expect: accepted}", "attempt: {code: default, expect: accepted}"),
    ("expect", "attempt: {code: user.1, expect: accepted}", "attempt: {code: user.1, expect: refused}"),
    ("restart", "restart: {off: 3 s}", "wait: 3 s"),
    ("off", "restart: {off: 3 s}", "restart: {off: 4 s}"),
    ("cells", "restart: {off: 3 s}", "restart: {off: 3 s, cells: true}"),
    ("held", "restart: {off: 3 s}", "restart: {off: 3 s, held: 70 %}"),
    (
        "altered",
        "attempt: {code: user.1, altered: last_digit_missing, expect: refused}",
        "attempt: {code: user.1, altered: one_digit_wrong, expect: refused}",
    ),
    ("reset_but", "reset_but: {hold: 80 %}", "reset_but: {hold: 70 %}"),
    ("reset_by", "reset_by: knob", "reset_by: keypad"),
    ("lock_out_between", "lock_out_between: [wait: 1 s]", "lock_out_between: [wait: 2 s]"),
    (
        "lockout",
        "repeat: {times: 1, steps: [lock_out, {wait: {lockout: 50 %}}]}",
        "repeat: {times: 1, steps: [lock_out, {wait: {lockout: 60 %}}]}",
    ),
];

/// Texts of the scenario that differ in one field.
const OF_SCENARIO: &[(&str, &str, &str)] = &[
    ("title", "title: Tried\n", "title: Tried again\n"),
    ("clauses", "clauses: []\n", "clauses: [etsi-en-303-645/5.11-1]\n"),
    ("methods", "methods: [button]\n", "methods: [knob]\n"),
    ("given", "given: {power: [ok]}\n", "given: {power: [ok, low]}\n"),
    (
        "cover",
        "given: {power: [ok]}\n",
        "given: {power: [ok, low], network: [online, offline], role: [owner, admin]}\ncover: pairwise\n",
    ),
    (
        "exclude",
        "given: {power: [ok]}\n",
        "given: {power: [ok, low], network: [online, offline]}\nexclude: [{power: low, network: offline}]\n",
    ),
    (
        "arrange",
        "  - provision: {user_codes: 1, hub: paired}\n",
        "  - provision: {user_codes: 2, hub: paired}\n",
    ),
    ("provision", "hub: paired}\n", "hub: paired, app: paired}\n"),
    ("provision", "hub: paired}\n", "hub: paired, master: set}\n"),
    ("cards", "hub: paired}\n", "hub: paired, cards: 2}\n"),
    ("fingers", "hub: paired}\n", "hub: paired, fingers: 0}\n"),
    ("prove", "hub: paired}\n", "hub: paired}\n  - prove: provisioned\n"),
    ("act", "act:\n  - reset\n", "act:\n  - reset\n  - reset\n"),
    ("expect", "  - unchanged\n", "  - all_or_nothing\n"),
    ("expect", "  - unchanged\n", "  - nothing_left\n"),
    ("erased", "  - unchanged\n", "  - erased: all\n"),
    ("prove", "hub: paired}\n", "hub: paired}\n  - prove: in_memory\n"),
    ("expect", "  - unchanged\n", "  - erased_from_memory\n"),
    ("expect", "  - unchanged\n", "  - all_or_nothing_in_memory\n"),
    ("expect", "  - unchanged\n", "  - firmware_unchanged\n"),
    ("erased", "  - unchanged\n", "  - erased: user_codes\n"),
    ("time_limit", "time_limit: 3 h\n", "time_limit: 2 h\n"),
    ("scenario", "scenario: tried\n", "scenario: tried-again\n"),
    ("but", "but: {}\n", "but: {hold: 80 %}\n"),
    ("hold", "but: {}\n", "but: {hold: 70 %}\n"),
    ("second_hold", "but: {}\n", "but: {second_hold: 80 %}\n"),
    ("gap", "but: {}\n", "but: {gap: 150 %}\n"),
    ("interrupted_for", "but: {}\n", "but: {interrupted_for: 300 ms}\n"),
    ("bounces", "but: {}\n", "but: {bounces: 3}\n"),
    ("presses", "methods: [button]\n", "methods: [knob]\nbut: {presses: -1}\n"),
    ("wrong_key", "methods: [button]\n", "methods: [keypad]\nbut: {wrong_key: every}\n"),
    ("missing_keys", "methods: [button]\n", "methods: [keypad]\nbut: {missing_keys: 1}\n"),
    ("missing_buttons", "methods: [button]\n", "methods: [keypad]\nbut: {missing_buttons: 1}\n"),
    ("pause", "methods: [button]\n", "methods: [keypad]\nbut: {pause: 60 s}\n"),
    ("dropout", "methods: [button]\n", "methods: [keypad]\nbut: {dropout: 2 s}\n"),
    (
        "proof",
        "methods: [button]\ngiven: {power: [ok]}\narrange:\n",
        "methods: [keypad]\nbut: {proof: used}\narrange:\n  - reset\n",
    ),
    ("rotation", "methods: [button]\n", "methods: [knob]\nbut: {rotation: 75 %}\n"),
    ("bolt", "but: {}\n", "but: {bolt: jammed}\n"),
    ("without", "given: {power: [ok]}\n", "but: {without: power}\n"),
    ("cut_power_at", "but: {}\n", "but: {cut_power_at: 50 %}\n"),
    ("cut_to", "but: {}\n", "but: {cut_power_at: 50 %, cut_to: 40 %}\n"),
    ("cut_from", "but: {}\n", "but: {cut_power_at: 50 %, cut_from: confirmation}\n"),
];

/// Texts of the model that differ in one field.
const OF_MODEL: &[(&str, &str, &str)] = &[
    ("model", "model: everything\n", "model: all-of-it\n"),
    ("maker", "maker: Nobody\n", "maker: Somebody\n"),
    ("variant", "variant: Everything\n", "variant: Nothing\n"),
    ("title", "{title: Nothing,", "{title: Something,"),
    ("document", "document: None,", "document: One,"),
    ("kind", "kind: primary}", "kind: secondary}"),
    ("conflicts", "kind: primary}", "kind: primary, conflicts: [another says so]}"),
    ("source", "kind: primary}", "kind: unsourced}"),
    ("radio", "radio: z-wave\n", "radio: zigbee\n"),
    ("controls", "  other: button\n", "  other: button\n  third: button\n"),
    ("controls", "  keypad: 0-9 * lock\n", "  keypad: 0-9 * lock A\n"),
    ("controls", "  door: contact\n", ""),
    ("controls", "  cover: removable\n", ""),
    ("memory", MEMORY, ""),
    ("cells", "{cells: 4,", "{cells: 3,"),
    ("nominal", "nominal: 6.0 V,", "nominal: 6.1 V,"),
    ("low", "low: 4.8 V}", "low: 4.9 V}"),
    ("indicators", "  light.pcb: [red, blue]\n", "  light.pcb: [red]\n"),
    ("indicators", "  voice: {}\n", ""),
    ("indicators", "light.status: [red, green]\n", "light.status: [red, green, amber]\n"),
    ("digits", "{digits: 6,", "{digits: 7,"),
    ("codes", "codes: {digits: 6,", "codes: {digits: 5,"),
    ("shortest", "shortest: 4", "shortest: 5"),
    ("longest", "longest: 8", "longest: 7"),
    ("slots", "longest: 8}", "longest: 8, slots: 30}"),
    ("masking", "longest: 8}", "longest: 8, masking: both}"),
    ("relocks_after", "relocks_after: 30 s\n", "relocks_after: 31 s\n"),
    ("ready", "ready: {after_power: 20 s, after_short_press: 40 s}\n", ""),
    ("after_power", "after_power: 20 s", "after_power: 21 s"),
    ("after_short_press", "after_short_press: 40 s", "after_short_press: 41 s"),
    ("controls", "  reader: both\n", ""),
    ("keeps", "    keeps: [user_codes]\n", ""),
    ("keypad", "keypad: {forgets_after: 10 s, deaf_after_wrong_code: 2 s}\n", ""),
    ("forgets_after", "forgets_after: 10 s", "forgets_after: 11 s"),
    ("deaf_after_wrong_code", "deaf_after_wrong_code: 2 s", "deaf_after_wrong_code: 3 s"),
    (
        "defaults",
        "defaults: {user_codes: [\"123456\"], master: \"654321\"}",
        "defaults: {user_codes: none, master: none}",
    ),
    ("user_codes", "user_codes: [\"123456\"]", "user_codes: [\"123457\"]"),
    ("master", "master: \"654321\"", "master: \"654322\""),
    ("lockout", "lockout: {attempts: 5, for: 45 s}", "lockout: unknown"),
    ("attempts", "attempts: 5", "attempts: 6"),
    ("for", "for: 45 s}", "for: 46 s}"),
    ("within", "for: 45 s}", "for: 45 s, within: 10 s}"),
    ("memory", "settings: {from: 0x8010000, to: 0x8010800}", "ids: {from: 0x8010000, to: 0x8010800}"),
    ("chip", "chip: STM32L475VG", "chip: STM32L476RG"),
    ("debug_port", "debug_port: open", "debug_port: closed"),
    ("salt", "  salt: 8\n", ""),
    ("salt", "  salt: 8\n", "  salt: 16\n"),
    ("regions", "settings: {from: 0x8010000, to: 0x8010800}", "settings: {from: 0x8010400, to: 0x8010800}"),
    ("from", "{from: 0x8000000,", "{from: 0x8000100,"),
    ("to", "to: 0x8010800}", "to: 0x8010C00}"),
    ("baseline", "baseline: button\n", "baseline: knob\n"),
    ("keeps", "keeps: [app_pairing]\n", ""),
    ("opens_for_any_code", "keeps: [app_pairing]\n", "keeps: [app_pairing]\nopens_for_any_code: true\n"),
    (
        "methods",
        "    confirmed_by: unknown\n  knob:\n",
        "    confirmed_by: unknown\n  hub: unsupported\n  knob:\n",
    ),
    ("starts", "    needs: {power: [ok, low]}\n", "    needs: {power: [ok, low]}\n    starts: unlocked\n"),
    ("needs", "needs: {power: [ok, low]}", "needs: {power: [ok]}"),
    ("decisive", "      presses: 3\n", ""),
    ("hold", "      hold: {from: hold reset, to: release reset, at_least: 5 s}\n", ""),
    ("second_hold", "      second_hold: {from: hold other, to: release other, at_least: 3 s}\n", ""),
    ("gap", "      gap: {from: power off, to: power on, at_most: 10 s}\n", ""),
    ("at_least", "at_least: 5 s", "at_least: 4 s"),
    ("at_least", "at_least: 3 s", "at_least: 2 s"),
    ("tolerance", "at_least: 5 s}", "at_least: 5 s, tolerance: 2 %}"),
    ("at_most", "at_most: 10 s", "at_most: 11 s"),
    ("from", "{from: hold other, to: release other,", "{from: wait 5.5 s, to: release other,"),
    ("to", "{from: hold reset, to: release reset,", "{from: hold reset, to: hold other,"),
    ("keys", "    decisive:\n      keys: 3\n", "    decisive: {}\n"),
    ("rotation", "      rotation: 180 deg\n", ""),
    ("presses", "times: 3, within: 5 s}\n", "times: 3, within: 6 s}\n"),
    ("procedure", "      - wait: 5.5 s\n", "      - wait: 5.6 s\n"),
    (
        "confirmed_by",
        "light: green, indicator: status, within: 5 s",
        "light: red, indicator: status, within: 5 s",
    ),
    ("afterwards", "    afterwards: [handing]\n", ""),
    ("operations", "  handing:\n    - press: other\n", "  handing:\n    - press: reset\n"),
    ("procedure", "      - type: \"{code} lock\"\n", "      - type: \"{code} *\"\n"),
    ("accepted_by", "      see: {bolt: open, within: 3 s}\n", "      see: {bolt: open, within: 4 s}\n"),
];

/// Fields that say nothing of a single lock or case by themselves.
const ELSEWHERE: &[&str] = &[
    // Two files of which one supplies what the other leaves out are in the tests of the library.
    "like",
    "family",
    // What the source says; the claims look for all of the owner's data anyway.
    "erases",
    // Names what the procedure may use; a name that is unknown is refused.
    "parameters",
];

/// The scenarios that come with lockrig.
fn shipped() -> Vec<(String, String)> {
    let files = std::fs::read_dir(root().join("scenarios")).expect("scenarios").filter_map(Result::ok);
    let mut texts: Vec<(String, String)> = files
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "yaml"))
        .map(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(file.path()).expect("text"))
        })
        .collect();
    texts.sort();
    texts
}

#[test]
fn each_field_of_a_step_is_in_the_program() {
    let with = |step: &str| meaning(MODEL, &[SCENARIO.replace("act:\n", &format!("act:\n  - {step}\n"))]);
    let mut wrong = Vec::new();
    for (field, one, other) in STEPS {
        match (with(one), with(other)) {
            (Ok(first), Ok(second)) if first != second => {}
            (Ok(_), Ok(_)) => wrong.push(format!("`{field}` changes nothing: {one} and {other}")),
            (Err(said), _) | (_, Err(said)) => wrong.push(format!("{one}, {other}: {said}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_field_of_a_scenario_changes_what_is_known_or_played() {
    differ(SCENARIO, OF_SCENARIO, |text| meaning(MODEL, &[text.to_owned()]));
}

#[test]
fn each_field_of_a_model_changes_what_is_known_or_played() {
    let scenarios: Vec<String> = shipped().into_iter().map(|(_, text)| text).collect();
    differ(MODEL, OF_MODEL, |text| meaning(text, &scenarios));
}

/// Each changed text means something else than the text as it is, and than any other.
fn differ(base: &str, changes: &[(&str, &str, &str)], meaning: impl Fn(&str) -> Result<String, String>) {
    let mut wrong = Vec::new();
    let mut seen: Vec<(String, String)> =
        vec![("the text as it is".into(), meaning(base).expect("no error"))];
    for (field, from, to) in changes {
        assert!(base.contains(from), "{from}");
        let what = format!("{field}: {}", to.trim());
        match meaning(&base.replacen(from, to, 1)) {
            Err(said) => wrong.push(format!("`{what}`: {said}")),
            Ok(found) => {
                if let Some((other, _)) = seen.iter().find(|(_, known)| *known == found) {
                    wrong.push(format!("`{what}` means the same as `{other}`"));
                }
                seen.push((what, found));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The schemas name no field that is missing here.
#[test]
fn each_field_of_the_language_is_changed_here() {
    let changed: BTreeSet<&str> =
        [STEPS, OF_SCENARIO, OF_MODEL].into_iter().flatten().map(|(field, ..)| *field).collect();
    let mut missing = BTreeSet::new();
    for kind in ["model", "scenario"] {
        let path = root().join(format!("docs/schemas/{kind}.json"));
        let schema = std::fs::read_to_string(path).expect("a schema");
        let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
        let mut fields = BTreeSet::new();
        properties(&schema, &mut fields);
        missing.extend(
            fields
                .into_iter()
                .filter(|field| !changed.contains(field.as_str()) && !ELSEWHERE.contains(&field.as_str())),
        );
    }
    assert!(missing.is_empty(), "no test changes these fields: {missing:?}");
}

fn properties(value: &serde_json::Value, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                if name == "properties"
                    && let serde_json::Value::Object(properties) = value
                {
                    found.extend(properties.keys().cloned());
                }
                properties(value, found);
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| properties(value, found)),
        _ => {}
    }
}
