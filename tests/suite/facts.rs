//! Facts that real locks need: each says of a sound lock what would else be its failure, and hides no fault.

use std::fs;
use std::path::Path;

use crate::common::{copy_tree, empty_folder, lockrig, root, text};

/// A lock with a habit or a fault, and a model file that is edited to say so.
struct Trial {
    folder: tempfile::TempDir,
    model: String,
}

impl Trial {
    fn of(habits: &[&str]) -> Self {
        let folder = empty_folder();
        copy_tree(&root().join("tests/newcomer"), folder.path());
        let rig = folder.path().join("rigs/own-rig.yaml");
        let text = fs::read_to_string(&rig).expect("a rig");
        let words = habits.iter().fold("lock.py".to_owned(), |all, word| format!("{all}, {word}"));
        assert!(text.contains("lock.py]"), "{text}");
        let text = text.replace("lock.py]", &format!("{words}]")).replace("strike,", "strike, knob,");
        fs::write(rig, text).expect("written");
        let model =
            fs::read_to_string(folder.path().join("scenarios/models/own-lock.yaml")).expect("a model");
        Self { folder, model }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn says(mut self, from: &str, to: &str) -> Self {
        assert!(self.model.contains(from), "the model has no {from}");
        self.model = self.model.replacen(from, to, 1);
        fs::write(self.path().join("scenarios/models/own-lock.yaml"), &self.model).expect("written");
        self
    }

    fn play(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = lockrig(self.path(), &[arguments, &["--rig", "own-rig", "--quiet"]].concat());
        (output.status.code(), text(&output))
    }

    /// Plays every claim and checks the exit code.
    fn certify(&self, wanted: i32) -> String {
        let (status, said) = self.play(&["certify"]);
        assert_eq!(status, Some(wanted), "{said}");
        said
    }

    /// Plays a scenario of one's own.
    fn claim(&self, scenario: &str, wanted: i32) -> String {
        fs::write(self.path().join("own.yaml"), scenario).expect("written");
        let (status, said) = self.play(&["run", "own.yaml"]);
        assert_eq!(status, Some(wanted), "{said}");
        said
    }
}

const LOCKOUT: &str = "lockout: {attempts: 5, for: 60 s}\n";

/// The model with a line more beside its other facts.
fn with_fact(trial: Trial, line: &str) -> Trial {
    trial.says(LOCKOUT, &format!("{LOCKOUT}{line}\n"))
}

#[test]
fn a_lock_of_ones_own_passes_and_its_faults_are_found() {
    Trial::of(&[]).certify(0);
    assert!(Trial::of(&["keeps-codes"]).certify(1).contains("still reports"));
    let said = Trial::of(&["keeps-cards"]).certify(1);
    assert!(said.contains("card.1 was accepted"), "{said}");
}

#[test]
fn a_card_that_is_refused_proves_nothing_while_no_card_is_read() {
    let said = Trial::of(&["reader-is-dead"]).certify(1);
    assert!(said.contains("prove provisioned: card.1 was not accepted"), "{said}");
    let claim = "scenario: cards\ntitle: Cards\nmethods: button\narrange: [{provision: {cards: 2, app: paired}}]\n\
                 act: [reset]\nexpect: [{attempt: {card: 2, expect: refused}}]\n";
    let said = Trial::of(&["reader-is-dead"]).claim(claim, 3);
    assert!(said.contains("known-good card.3 was not accepted"), "{said}");
    Trial::of(&[]).claim(claim, 0);
    Trial::of(&["keeps-cards"]).claim(claim, 1);
    // A card that was never learned is no slip that passes.
    let said = Trial::of(&["keeps-cards"]).claim(&claim.replace("card: 2", "card: 4"), 3);
    assert!(said.contains("card.4 was not provisioned"), "{said}");
}

#[test]
fn what_a_scenario_learns_itself_is_no_control() {
    let own = "scenario: own\ntitle: A card of its own\nmethods: button\narrange:\n  \
               - provision: {user_codes: 1, cards: 1, app: paired}\n  \
               - do: {operation: add_card, with: {card: card.2, slot: \"9\"}}\nact: [reset]\nexpect:\n  \
               - attempt: {card: 2, expect: refused}\n";
    Trial::of(&[]).claim(own, 0);
    Trial::of(&["keeps-cards"]).claim(own, 1);
    // Nothing was stored that this could be about: no excuse of the model's.
    let slip = "scenario: slip\ntitle: Cards\nmethods: button\narrange: [{provision: {app: paired}}]\nact: [reset]\n\
                expect: [erased: cards]\n";
    let said = Trial::of(&[]).claim(slip, 3);
    assert!(said.contains("inconclusive"), "{said}");
}

#[test]
fn a_card_that_comes_back_once_another_is_learned_is_found() {
    let said = Trial::of(&["hides-cards"]).certify(1);
    assert!(said.contains("cards erased") && said.contains("all or nothing"), "{said}");
}

#[test]
fn what_nobody_knows_of_cards_is_left_out_aloud() {
    let unknown = |operation: &str| {
        let trial = Trial::of(&["keeps-cards"]);
        let start = trial.model.find(&format!("  {operation}:\n")).expect("an operation");
        let own = &trial.model[start..];
        let end = own[1..]
            .match_indices("\n  ")
            .find(|(at, _)| !own[at + 4..].starts_with([' ', '-']))
            .expect("an end")
            .0;
        let own = own[..end + 2].to_owned();
        trial.says(&own, &format!("  {operation}: unknown\n"))
    };
    for operation in ["add_card", "use_card"] {
        let trial = unknown(operation);
        let output = lockrig(trial.path(), &["show", "reset-erases-everything~own-lock~button~power=ok~r1"]);
        let said = text(&output);
        assert!(said.contains("left out: cards: the source does not specify operation"), "{said}");
    }
}

#[test]
fn a_reset_of_the_cards_alone_is_tried_with_the_bindings_that_it_keeps() {
    let cards = |habits: &[&str]| {
        let trial = Trial::of(&[habits, &["network-reset-takes-cards"]].concat());
        trial
            .says("    erases: [hub_pairing]\n", "    erases: [hub_pairing, cards]\n")
            .says("    keeps: [user_codes, cards, app_pairing]\n", "    keeps: [user_codes, app_pairing]\n")
    };
    cards(&[]).certify(0);
    cards(&["hides-cards"]).certify(1);
}

#[test]
fn a_lock_that_starts_slowly_passes_once_its_model_says_so() {
    let said = Trial::of(&["boots-50"]).certify(1);
    assert!(said.contains("unchanged"), "{said}");
    with_fact(Trial::of(&["boots-50"]), "ready: {after_power: 50 s}").certify(0);
    with_fact(Trial::of(&["boots-50", "keeps-codes"]), "ready: {after_power: 50 s}").certify(1);
    Trial::of(&["reboots-90"]).certify(1);
    with_fact(Trial::of(&["reboots-90"]), "ready: {after_short_press: 90 s}").certify(0);
    with_fact(Trial::of(&["reboots-90", "keeps-cards"]), "ready: {after_short_press: 90 s}").certify(1);
}

#[test]
fn a_lock_that_locks_itself_needs_no_key_for_it() {
    let itself = |habits: &[&str]| {
        let own = "  lock:\n    - type: \"#\"\n    - see: {bolt: thrown, within: 4 s}\n";
        with_fact(Trial::of(habits).says(own, "  lock: unsupported\n"), "relocks_after: 30 s")
    };
    itself(&["relocks-30"]).certify(0);
    itself(&["relocks-30", "keeps-codes"]).certify(1);
    // An operation that only waits for it says the same.
    let own = "    - type: \"#\"\n    - see: {bolt: thrown, within: 4 s}\n";
    Trial::of(&["relocks-30"]).says(own, "    - see: {bolt: thrown, within: 40 s}\n").certify(0);
}

#[test]
fn a_keypad_that_never_forgets_is_emptied_by_its_own_key() {
    // The shipped claims leave half a sequence behind, and the next code has to be heard all the same.
    Trial::of(&[]).certify(0);
    let forgetful = Trial::of(&["forgets-30"]).says("{forgets_after: none}", "{forgets_after: 30 s}");
    forgetful.certify(0);
    let said = Trial::of(&[]).says("{forgets_after: none}", "{forgets_after: 30 s}").certify(1);
    assert!(said.contains("timed-out-code-erases-nothing"), "{said}");
}

#[test]
fn two_resets_of_one_lock_keep_different_things() {
    let keeps = "    keeps: [user_codes, cards, app_pairing]\n";
    let said = Trial::of(&[]).says(keeps, "").certify(1);
    assert!(said.contains("app binding erased: app is still paired"), "{said}");
    let both = Trial::of(&[]).says("    erases: [hub_pairing]\n", "    erases: [hub_pairing, cards]\n");
    let said = text(&lockrig(both.path(), &["check"]));
    assert!(said.contains("`cards` survives a reset, according to `keeps`"), "{said}");
}

#[test]
fn presses_with_a_handle_held_are_a_procedure() {
    let pressed = |habits: &[&str]| {
        let procedure = "    procedure:\n      - hold: reset\n      - wait: 11 s\n      - release: reset\n";
        let presses = "    procedure:\n      - hold: handle\n      - press: {button: reset, times: 5, within: 5 s}\n      \
                       - wait: 1 s\n      - release: handle\n";
        let trial = Trial::of(&[habits, &["counts-presses"]].concat());
        let trial = trial.says("  reset: button\n", "  reset: button\n  handle: button\n");
        let hold = "      hold: {from: hold reset, to: release reset, at_least: 10 s}\n";
        trial.says(procedure, presses).says(hold, "      presses: 5\n")
    };
    pressed(&[]).certify(0);
    pressed(&["keeps-cards"]).certify(1);
}

#[test]
fn a_bolt_is_opened_by_hand_before_a_reset() {
    let by_hand = |habits: &[&str]| {
        let trial = Trial::of(habits)
            .says("    needs: {power: ok}\n", "    starts: unlocked\n    needs: {power: ok}\n");
        let trial = trial.says("  reader: card\n", "  reader: card\n  knob: thumb_latch\n");
        trial.says("  clear:\n", "  unlock:\n    - turn: 90 deg\n  clear:\n")
    };
    by_hand(&[]).certify(0);
    by_hand(&["keeps-codes"]).certify(1);
    // No code is there that could open it.
    let claim = "scenario: own\ntitle: By hand\nmethods: button\narrange: [{provision: {app: paired}}]\nact: [reset]\n\
                 expect: [confirmed, erased: app_pairing]\n";
    by_hand(&[]).claim(claim, 0);
}

#[test]
fn modes_and_schedules_are_set_used_and_gone() {
    let vacation = "scenario: vacation\ntitle: A reset ends vacation mode\nmethods: button\narrange:\n  \
                    - provision: {user_codes: 1, app: paired, hub: paired}\n  - prove: provisioned\n  \
                    - ask: {hub: set_parameter, parameter: \"8\", value: \"1\", role: owner, within: 15 s}\n  \
                    - attempt: {code: user.1, expect: refused}\nact: [reset]\nexpect: [recommission]\n";
    Trial::of(&[]).claim(vacation, 0);
    Trial::of(&["keeps-vacation"]).claim(vacation, 1);
    let schedule = "scenario: schedule\ntitle: A code whose time is over opens nothing\nmethods: baseline\narrange:\n  \
                    - provision: {user_codes: 1, app: paired}\n  - prove: provisioned\nact:\n  \
                    - ask: {app: add_code, slot: \"5\", code: extra.1, until: \"1 h\", within: 15 s}\n  \
                    - attempt: {code: extra.1, expect: accepted}\n  - wait: 2 h\nexpect:\n  \
                    - attempt: {code: extra.1, expect: refused}\n  - attempt: {code: user.1, expect: accepted}\n";
    Trial::of(&[]).claim(schedule, 0);
    Trial::of(&["keeps-expired"]).claim(schedule, 1);
    let length = "scenario: length\ntitle: A change of the length of codes is no reset\nmethods: baseline\narrange:\n  \
                  - provision: {user_codes: 1, app: paired}\nact:\n  \
                  - do: {operation: set_code_length, with: {digits: \"6\"}}\nexpect: [unchanged]\n";
    Trial::of(&[]).claim(length, 3);
    Trial::of(&[])
        .says("  clear:\n", "  set_code_length:\n    - type: \"8 {digits} *\"\n  clear:\n")
        .claim(length, 0);
}

#[test]
fn a_request_that_names_a_code_sends_that_code() {
    let again = "scenario: again\ntitle: After a reset an old code can be stored again\nmethods: button\narrange:\n  \
                 - provision: {user_codes: 1, app: paired}\nact:\n  - reset\n  - wait: 20 s\n  \
                 - ask: {app: pair, role: owner, within: 15 s}\n  \
                 - ask: {app: add_code, slot: \"1\", code: user.1, role: owner, within: 15 s}\nexpect:\n  \
                 - attempt: {code: user.1, expect: accepted}\n";
    Trial::of(&[]).claim(again, 0);
}

/// The master code is set in the app, and shows itself by a light once it is typed with a nought behind it.
fn with_master(habits: &[&str]) -> Trial {
    Trial::of(habits)
        .says(
            "  set_master: unsupported\n",
            "  set_master:\n    - ask: {app: set_master, code: \"{code}\", role: owner, within: 15 s}\n  \
             try_master:\n    procedure:\n      - type: \"{code} 0 #\"\n    \
             accepted_by: {see: {light: green, within: 2 s}}\n",
        )
        .says(
            "    keeps: [user_codes, cards, app_pairing]\n",
            "    keeps: [user_codes, cards, app_pairing, master_code]\n",
        )
}

#[test]
fn the_master_code_of_the_owner_before_does_nothing_for_the_next_one() {
    let (status, said) = with_master(&[]).play(&["run", "next-owner-is-alone"]);
    assert_eq!(status, Some(0), "{said}");
    let (status, said) = with_master(&["keeps-old-masters"]).play(&["run", "next-owner-is-alone"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("master codes from before refused: master code master was accepted"), "{said}");
}

#[test]
fn half_a_sequence_that_outlasts_a_dropout_of_the_supply_is_found() {
    let claim = ["run", "dropout-within-a-sequence-erases-nothing"];
    let (status, said) = Trial::of(&[]).play(&claim);
    assert_eq!(status, Some(0), "{said}");
    let (status, said) = Trial::of(&["keeps-typed"]).play(&claim);
    assert_eq!(status, Some(1), "{said}");
}

#[test]
fn wrong_codes_that_take_longer_than_they_count_claim_nothing() {
    let says = |within: &str| {
        let trial = Trial::of(&[]);
        let lockout = format!("lockout: {{attempts: 5, for: 60 s, within: {within}}}\n");
        let (_, said) =
            trial.says(LOCKOUT, &lockout).play(&["run", "lockout-counts-across-pauses", "--dry-run"]);
        said
    };
    assert!(says("20 s").contains("the lock counts wrong codes for 20 s only, and these take longer"));
    let said = says("5 min");
    assert!(said.contains("1 of 1 cases would be played"), "{said}");
}

#[test]
fn a_lock_is_reset_by_another_of_its_methods() {
    let claim = |method: &str| {
        format!(
            "scenario: otherwise\ntitle: Reset by another method\nmethods: button\n\
             arrange: [{{provision: {{user_codes: 1, app: paired, hub: paired}}}}, {{prove: provisioned}}]\n\
             act: [{{reset_by: {method}}}, {{wait: 20 s}}]\nexpect: [erased: all]\n"
        )
    };
    Trial::of(&[]).claim(&claim("app"), 0);
    Trial::of(&["keeps-codes"]).claim(&claim("app"), 1);
    for (method, why) in [
        ("keypad", "a reset by keypad does not leave what one by button leaves"),
        ("hub", "the model has no reset by hub"),
    ] {
        let trial = Trial::of(&[]);
        fs::write(trial.path().join("own.yaml"), claim(method)).expect("written");
        let (_, said) = trial.play(&["run", "own.yaml", "--dry-run"]);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn digits_that_mask_a_code_are_no_other_code() {
    let claim = "scenario: masked\ntitle: Masked\nmethods: button\n\
                 arrange: [{provision: {user_codes: 1, app: paired}}, {prove: provisioned}]\nact: [{wait: 1 s}]\n\
                 expect: [{attempt: {code: user.1, altered: extra_digit_before, expect: refused}}]\n";
    Trial::of(&[]).claim(claim, 0);
    let said = Trial::of(&["ignores-digits-before"]).claim(claim, 1);
    assert!(said.contains("user.1 with an extra digit before it was accepted"), "{said}");
    let masks = |trial: Trial| trial.says("longest: 8}", "longest: 8, masking: before}");
    let trial = masks(Trial::of(&["ignores-digits-before"]));
    let (status, said) = trial.play(&["run", "near-codes-are-refused"]);
    assert_eq!(status, Some(0), "{said}");
    // Behind it they are as wrong as ever.
    let after = claim.replace("extra_digit_before", "extra_digit_after");
    masks(Trial::of(&[])).claim(&after, 0);
}
