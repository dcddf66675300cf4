//! A lock in virtual time: supply, contacts, an agenda of things to come, and its memory.

mod erase;
mod remains;
mod sequences;
mod supply;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::rig::{Fault, Hello, LockstepDevice, Ran, Ready, maker_proof};
use crate::trace::{Channel, Keystroke, Response, Value};
use crate::unit::{Duration, Instant, Voltage};

use super::defect::Defect;
use super::design::{Design, PLAIN, ms};
use super::designs::design;
use super::flaw::Flaw;
use super::keypad::Keypad;
use super::memory::{Memory, Scratch};
use super::mutation::{Rule, Rules};
use super::noise::Noise;
use super::recognizer::{Act, Recognizer};
use super::variation::Variation;

/// A contact counts once it has been still for so long.
const DEBOUNCE: Duration = ms(20);
/// A motor needs so long to move the bolt.
const MOTOR: Duration = ms(700);
/// A slow one needs so long to throw it.
const SLOW_MOTOR: Duration = ms(2_500);
/// A careless lock believes in a release only after so long.
const SLOW_RELEASE: Duration = ms(100);

/// Something that will happen.
#[derive(Clone, Debug)]
pub(super) enum Task {
    Show(Channel, Value),
    Debounced {
        button: &'static str,
        down: bool,
        generation: u64,
    },
    Boot {
        off: Duration,
        tapped: Option<Duration>,
    },
    Erase {
        step: usize,
        reset: usize,
    },
    Reset(usize),
    Bolt(bool),
    /// It runs again after it restarted by itself.
    Restarted,
    /// Codes that were erased are written back.
    CodesReturn,
    /// The bolt opens by itself.
    OpenForAMoment,
    /// A light that is dimmed is switched.
    Dim {
        channel: Channel,
        lit: Value,
        on: bool,
        generation: u64,
    },
}

/// A simulated lock of any model.
pub struct SimulatedLock {
    with_noise: bool,
    pub(super) defect: Option<Defect>,
    pub(super) rules: Rules,
    pub(super) variation: Option<Variation>,
    pub(super) deaf_until: Instant,
    /// Counts what switched lights that are dimmed.
    pub(super) dimmed: u64,
    pub(super) design: &'static Design,
    pub(super) memory: Memory,
    pub(super) scratch: Scratch,
    pub(super) noise: Noise,
    pub(super) now: Instant,
    agenda: BTreeMap<(Instant, u64), (u64, Task)>,
    next_task: u64,
    /// Counts power losses: what was planned before one does not happen.
    pub(super) epoch: u64,
    pub(super) out: Vec<(Channel, Value)>,
    pub(super) volts: Voltage,
    pub(super) cells: BTreeSet<u8>,
    /// The cell that was taken out last, and when.
    cell_out: Option<(u8, Instant)>,
    /// Small steps by which the supply rose without a larger one.
    rise_steps: u8,
    cover_closed: bool,
    down: BTreeSet<&'static str>,
    generations: BTreeMap<&'static str, u64>,
    /// When each button was touched last.
    edges: BTreeMap<&'static str, Instant>,
    held_keys: Vec<Keystroke>,
    pub(super) lit: BTreeSet<Channel>,
    pub(super) powered: bool,
    /// Since when there is no power, and when a button was touched without it.
    pub(super) dark_since: Instant,
    pub(super) tapped_in_the_dark: Option<Instant>,
    pub(super) running: bool,
    pub(super) bolt_thrown: bool,
    /// The strike is blocked: no motor moves the bolt.
    is_jammed: bool,
    motor_until: Instant,
    /// Somebody touched it while the motor ran, and no reset came of it yet.
    touched_while_moving: bool,
    pub(super) recognizers: Vec<Recognizer>,
    /// Sequences as they stood when power was lost.
    suspended: Vec<Recognizer>,
    pub(super) handing: Recognizer,
    pub(super) keypad: Keypad,
    pub(super) locked_until: Option<Instant>,
    pub(super) proof: String,
    pub(super) proof_mode: Option<usize>,
}

impl SimulatedLock {
    /// A lock without a case; `noise` adds seeded bounce, jitter and flicker.
    pub fn new(noise: bool, flaw: Option<Flaw>) -> Self {
        let (defect, mutant) = match flaw {
            Some(Flaw::Defect(defect)) => (Some(defect), None),
            Some(Flaw::Mutant(mutant)) => (None, Some(mutant)),
            None => (None, None),
        };
        Self {
            with_noise: noise,
            defect,
            rules: Rules::of(mutant),
            variation: None,
            deaf_until: Instant::START,
            dimmed: 0,
            design: &PLAIN,
            memory: Memory::factory(),
            scratch: Scratch::default(),
            noise: Noise::new(0, false),
            now: Instant::START,
            agenda: BTreeMap::new(),
            next_task: 0,
            epoch: 0,
            out: Vec::new(),
            volts: Voltage::from_millionths(6_000_000),
            cells: BTreeSet::new(),
            cell_out: None,
            rise_steps: 0,
            cover_closed: false,
            down: BTreeSet::new(),
            generations: BTreeMap::new(),
            edges: BTreeMap::new(),
            held_keys: Vec::new(),
            lit: BTreeSet::new(),
            powered: true,
            dark_since: Instant::START,
            tapped_in_the_dark: None,
            running: true,
            bolt_thrown: true,
            is_jammed: false,
            motor_until: Instant::START,
            touched_while_moving: false,
            recognizers: Vec::new(),
            suspended: Vec::new(),
            handing: Recognizer::default(),
            keypad: Keypad::default(),
            locked_until: None,
            proof: String::new(),
            proof_mode: None,
        }
    }

    /// The same lock, which differs from the textbook in one way and is sound all the same.
    #[must_use]
    pub fn varied(self, variation: Option<Variation>) -> Self {
        Self { variation, ..self }
    }

    /// How often a changed rule led to something else than the sound one, in all cases so far. A time or a number
    /// counts whenever it is looked at.
    pub fn acted(&self) -> u64 {
        self.rules.acted()
    }

    pub(super) fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    pub(super) fn plan(&mut self, delay: Duration, task: Task) {
        self.next_task += 1;
        let delay = self.by_own_clock(delay);
        self.agenda.insert((self.now + delay, self.next_task), (self.epoch, task));
    }

    pub(super) fn answer(&mut self, channel: &Channel, delay: Duration, response: Response) {
        let delay = self.noise.jitter(delay);
        self.plan(delay, Task::Show(channel.clone(), Value::Response(response)));
    }

    pub(super) fn show_raw(&mut self, channel: Channel, value: Value) {
        self.out.push((channel, value));
    }

    pub(super) fn put(&mut self, channel: Channel, value: Value) {
        let is_lit = matches!(value, Value::Light(Some(_)) | Value::Switch(true));
        if matches!(channel, Channel::Light(_) | Channel::Beeper) {
            if is_lit {
                self.lit.insert(channel.clone());
            } else {
                self.lit.remove(&channel);
            }
        }
        self.dim(&channel, &value);
        self.out.push((channel, value));
    }

    fn apply(&mut self, channel: &Channel, value: &Value) {
        self.touched_while_moving |= self.now < self.motor_until;
        match (channel, value) {
            (Channel::Button(name), Value::Switch(down)) => self.button(name, *down),
            (Channel::Power, Value::Voltage(volts)) => self.supply(*volts),
            (Channel::PowerCell(number), Value::Switch(inserted)) => self.cell(*number, *inserted),
            (Channel::Keypad, Value::Keys(keys)) => self.keys(keys),
            (Channel::Knob, Value::Angle(angle)) => self.act(Act::Turned(*angle)),
            (Channel::Cover, Value::Switch(closed)) => self.cover_closed = *closed,
            (Channel::Door, Value::Switch(false)) => self.act(Act::DoorOpened),
            (Channel::Strike, Value::Switch(blocked)) => self.is_jammed = *blocked,
            (Channel::App | Channel::Hub | Channel::Cloud | Channel::Memory, Value::Request(request)) => {
                self.request(channel, request);
            }
            _ => {}
        }
    }

    fn button(&mut self, name: &str, down: bool) {
        let Some(button) = self.design.buttons.iter().find(|known| **known == name).copied() else { return };
        let is_covered = self.design.covered && self.cover_closed;
        if down && self.rules.decides(Rule::CoverStops, is_covered) {
            return;
        }
        let edge = self.edges.insert(button, self.now);
        let has_bounced = edge.is_some_and(|edge| self.now.since(edge) < DEBOUNCE);
        if has_bounced && self.has(Defect::BounceIsNoPress) {
            self.generations.entry(button).and_modify(|generation| *generation += 1);
            return;
        }
        // Each bounce restarts the debounce; only the last one matters.
        let bounce = self.noise.bounces().last().copied().unwrap_or_default();
        let generation = self.generations.entry(button).or_insert(0);
        *generation += 1;
        let task = Task::Debounced { button, down, generation: *generation };
        let settled = if !down && self.has(Defect::ShortGapCounts) {
            SLOW_RELEASE
        } else {
            self.rules.lasts(Rule::Debounce, DEBOUNCE)
        };
        self.plan(bounce.saturating_add(settled), task);
    }

    fn keys(&mut self, keys: &[Keystroke]) {
        let pressed: Vec<Arc<str>> = keys
            .iter()
            .filter(|key| !self.held_keys.contains(key))
            .filter_map(|key| if let Keystroke::Key(label) = key { Some(Arc::clone(label)) } else { None })
            .collect();
        self.held_keys = keys.to_vec();
        if self.running && !pressed.is_empty() {
            self.click();
        }
        if self.running && self.now >= self.deaf_until {
            pressed.iter().for_each(|label| self.key(label));
        }
    }

    /// The bolt goes out and in once, and the hand is known.
    pub(super) fn teach_hand(&mut self) {
        if !self.rules.does(Rule::TeachHand) {
            return;
        }
        self.memory.handed = true;
        self.plan(MOTOR, Task::Bolt(false));
        self.plan(MOTOR.times(3), Task::Bolt(true));
    }

    pub(super) fn open_for_a_moment(&mut self) {
        self.plan(ms(200), Task::Bolt(false));
        self.plan(ms(1_500), Task::Bolt(true));
    }

    pub(super) fn move_bolt(&mut self, thrown: bool) {
        let is_slow = thrown && self.has(Defect::LockoutRace);
        let motor = self.motor(if is_slow { SLOW_MOTOR } else { MOTOR });
        let delay = self.noise.jitter(motor);
        self.motor_until = self.now + delay;
        self.plan(delay, Task::Bolt(thrown));
    }

    fn perform(&mut self, task: Task) {
        match task {
            Task::Show(channel, value) => self.put(channel, value),
            Task::Debounced { button, down, generation } => {
                let current = self.generations.get(button) == Some(&generation);
                let changed =
                    current && if down { self.down.insert(button) } else { self.down.remove(button) };
                if changed {
                    if down {
                        self.entered_before(button);
                    }
                    if down && !self.powered {
                        self.tapped_in_the_dark = Some(self.now);
                    }
                    self.act(if down { Act::Down(button) } else { Act::Up(button) });
                    if down {
                        self.note_press();
                    }
                }
            }
            Task::Boot { off, tapped } => self.boot(off, tapped),
            Task::Erase { step, reset } => self.erase(step, reset),
            Task::Reset(index) => self.reset(index),
            Task::Bolt(thrown) => {
                if self.has(Defect::LockoutRace) {
                    self.memory.wrong_codes = 0;
                }
                if self.bolt_thrown != thrown && !self.is_jammed {
                    self.bolt_thrown = thrown;
                    self.put(Channel::Bolt, Value::Switch(thrown));
                    self.bounce_bolt(thrown);
                }
            }
            Task::Restarted => self.running = self.powered && !self.memory.dead,
            Task::CodesReturn => self.bring_back(),
            Task::OpenForAMoment => self.open_for_a_moment(),
            Task::Dim { channel, lit, on, generation } => self.switch_dimmed(channel, lit, on, generation),
        }
    }
}

impl LockstepDevice for SimulatedLock {
    fn start(&mut self, hello: &Hello) -> Result<Ready, Fault> {
        let design = design(&hello.model)
            .ok_or_else(|| Fault(format!("the simulated rig has no lock `{}`", hello.model)))?;
        *self = Self {
            design,
            noise: Noise::new(hello.seed, self.with_noise),
            cells: (1..=design.cells).collect(),
            recognizers: vec![Recognizer::default(); design.resets.len()],
            proof: maker_proof(hello.seed),
            defect: self.defect,
            // What a mutant did in earlier cases still counts.
            rules: std::mem::take(&mut self.rules),
            ..Self::new(self.with_noise, None).varied(self.variation)
        };
        let firmware = Some("1.0.0-sim".to_owned());
        Ok(Ready { firmware, serial: Some(format!("SIM-{}", hello.model)), out: Vec::new() })
    }

    fn run(&mut self, until: Instant, set: &[(Channel, Value)]) -> Result<Ran, Fault> {
        set.iter().for_each(|(channel, value)| self.apply(channel, value));
        loop {
            if !self.out.is_empty() {
                return Ok(Ran { now: self.now, out: std::mem::take(&mut self.out) });
            }
            let Some(next) = self.next_event().filter(|next| *next <= until) else {
                self.now = self.now.max(until);
                return Ok(Ran { now: self.now, out: Vec::new() });
            };
            self.now = self.now.max(next);
            while let Some(entry) = self.agenda.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (epoch, task) = entry.remove();
                // A contact is mechanical: it settles with or without power.
                if epoch == self.epoch || matches!(task, Task::Debounced { .. }) {
                    self.perform(task);
                }
            }
            self.tick();
        }
    }
}
