//! What the lock does: decides upon lines and the reset button, and shows nothing before it is in flash.

use crate::battery::{self, Battery};
use crate::board::{Inputs, Outputs};
use crate::button::Button;
use crate::clock::{Time, since};
use crate::console::Console;
use crate::entry::{Entry, Order, Request};
use crate::motor::{Drive, Motor};
use crate::secret::Secret;
use crate::settings::{Settings, Slot};
use crate::signals::{self, Signal, Signals};
use crate::storage::{Progress, Storage};

const WRONG_CODES: u32 = 5;
const LOCKOUT_MS: u32 = 60_000;

pub struct Lock {
    storage: Storage,
    stage: Stage,
    entry: Entry,
    /// Pressed while a change was written: that takes less time than the next needs to come.
    held_key: Option<u8>,
    button: Button,
    motor: Motor,
    signals: Signals,
    locked_out_since: Option<Time>,
    /// Beeps for a low battery are due once the motor stands.
    has_to_warn: bool,
}

/// What it is busy with.
#[derive(Clone, Copy)]
enum Stage {
    Ready,
    /// A change is written, and an answer is shown then.
    Saving(Option<Answer>),
    /// Only the variant `confirm-early`: the erase comes after this.
    Confirming,
    Wiping,
}

#[derive(Clone, Copy)]
enum Answer {
    Opened(usize),
    Closed,
    Wrong,
    Stored(usize),
    Removed(usize),
    MasterSet,
}

impl Lock {
    pub fn at_boot() -> Self {
        let storage = Storage::at_boot();
        let stage = if storage.has_to_wipe() { Stage::Wiping } else { Stage::Ready };
        // How long it had lasted before the power cut nobody knows: so it begins anew.
        let locked_out_since = storage.settings().is_locked_out.then_some(0);
        Self {
            storage,
            stage,
            entry: Entry::new(),
            held_key: None,
            button: Button::new(),
            motor: Motor::new(),
            signals: Signals::new(),
            locked_out_since,
            has_to_warn: false,
        }
    }

    pub fn tick(&mut self, now: Time, inputs: &Inputs, key: Option<u8>, console: &mut Console) -> Outputs {
        self.go_on(now, console);
        self.entry.tick(now);
        if self.button.tick(now, inputs.button_is_down) && self.is_ready() {
            self.button.spend();
            self.begin_reset(now, console);
        }
        if let Some(key) = self.next_key(key)
            && let Some(request) = self.entry.press(now, key)
        {
            self.decide(now, request, console);
        }
        let motor = self.motor.tick(now, inputs.bolt_is_open, inputs.bolt_is_thrown);
        if self.has_to_warn && motor == Drive::Stands {
            self.has_to_warn = !self.signals.warn(now);
        }
        let signals::Levels { green, red, beeper } = self.signals.tick(now);
        Outputs { motor, green, red, beeper }
    }

    /// Tells how it stands; how many codes, but never one of them.
    pub fn report(&self, console: &mut Console) {
        let settings = self.storage.settings();
        let master = if settings.has_own_master() { "set" } else { "default" };
        let locked = if self.locked_out_since.is_some() { "yes" } else { "no" };
        console
            .text("codes ")
            .number(settings.codes())
            .text(" master ")
            .text(master)
            .text(" locked ")
            .text(locked)
            .end();
    }

    fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Ready)
    }

    fn next_key(&mut self, pressed: Option<u8>) -> Option<u8> {
        let key = pressed.or(self.held_key.take());
        match self.stage {
            Stage::Ready => key,
            Stage::Saving(_) => {
                self.held_key = key;
                None
            }
            // A line that a reset interrupts is forgotten.
            Stage::Confirming | Stage::Wiping => None,
        }
    }

    /// With what has begun at an earlier tick.
    fn go_on(&mut self, now: Time, console: &mut Console) {
        match (self.storage.step(), self.stage) {
            (Progress::Saved, Stage::Saving(answer)) => {
                self.stage = Stage::Ready;
                if let Some(answer) = answer {
                    self.show(now, answer, console);
                }
            }
            (Progress::Wiped, _) => {
                self.stage = Stage::Ready;
                self.locked_out_since = None;
                if !cfg!(feature = "confirm-early") {
                    self.confirm_reset(now, console);
                }
            }
            (_, Stage::Confirming) if self.signals.are_over() => self.wipe(),
            (_, Stage::Ready) if self.locked_out_since.is_some_and(|then| since(now, then) >= LOCKOUT_MS) => {
                self.locked_out_since = None;
                let settings = Settings { wrong: 0, is_locked_out: false, ..self.storage.settings().clone() };
                self.keep_count(now, settings, None, console);
            }
            _ => {}
        }
    }

    fn decide(&mut self, now: Time, request: Request, console: &mut Console) {
        if self.locked_out_since.is_some() {
            self.signal(now, signals::LOCKED_OUT);
            console.text("locked out").end();
            return;
        }
        let settings = self.storage.settings();
        match request {
            Request::Close => self.show(now, Answer::Closed, console),
            Request::Open(code) => match code.and_then(|code| settings.slot_of(&code)) {
                Some(slot) => self.accept(now, Answer::Opened(slot), console),
                None => self.reject(now, console),
            },
            Request::Program { master, order } => {
                let is_allowed = master.is_some_and(|code| settings.is_master(&code));
                match order {
                    _ if !is_allowed => self.reject(now, console),
                    Some(Order::Reset) => self.begin_reset(now, console),
                    Some(order) => self.obey(order),
                    // The code was good, but what it asked for is nonsense.
                    None => self.accept(now, Answer::Wrong, console),
                }
            }
        }
    }

    /// A good code sets the count back.
    fn accept(&mut self, now: Time, answer: Answer, console: &mut Console) {
        let settings = self.storage.settings();
        if settings.wrong == 0 {
            self.show(now, answer, console);
        } else {
            let settings = Settings { wrong: 0, ..settings.clone() };
            self.keep_count(now, settings, Some(answer), console);
        }
    }

    /// A wrong one is counted, and in flash before anybody can tell that it was wrong.
    fn reject(&mut self, now: Time, console: &mut Console) {
        let mut settings = self.storage.settings().clone();
        settings.wrong = settings.wrong.saturating_add(1);
        settings.is_locked_out = settings.wrong >= WRONG_CODES;
        self.keep_count(now, settings, Some(Answer::Wrong), console);
    }

    fn keep_count(&mut self, now: Time, settings: Settings, answer: Option<Answer>, console: &mut Console) {
        if cfg!(feature = "lockout-in-ram") {
            // Spares the flash.
            self.storage.keep_in_ram(settings);
            if let Some(answer) = answer {
                self.show(now, answer, console);
            }
        } else {
            self.storage.save(settings);
            self.stage = Stage::Saving(answer);
        }
    }

    fn obey(&mut self, order: Order) {
        let mut settings = Settings { wrong: 0, ..self.storage.settings().clone() };
        let answer = match order {
            Order::Store { slot, code } => {
                if let Some(place) = settings.slot_mut(slot) {
                    *place = Slot { is_used: true, secret: Secret::of(&code) };
                }
                Answer::Stored(slot)
            }
            Order::Remove { slot } => {
                if let Some(place) = settings.slot_mut(slot) {
                    *place = Slot::EMPTY;
                }
                Answer::Removed(slot)
            }
            Order::SetMaster(code) => {
                settings.master = Secret::of(&code);
                Answer::MasterSet
            }
            Order::Reset => return,
        };
        self.storage.save(settings);
        self.stage = Stage::Saving(Some(answer));
    }

    fn show(&mut self, now: Time, answer: Answer, console: &mut Console) {
        match answer {
            Answer::Opened(slot) => {
                let battery = battery::measure();
                if self.moves_bolt(now, Drive::Opens, battery, console) {
                    console.text("opened by slot ").number(slot).end();
                    if battery == Battery::Low {
                        self.has_to_warn = true;
                        console.text("low battery").end();
                    }
                }
            }
            Answer::Closed => {
                self.moves_bolt(now, Drive::Closes, battery::measure(), console);
            }
            Answer::Wrong => {
                self.signal(now, signals::WRONG);
                console.text("wrong code").end();
                if self.storage.settings().is_locked_out {
                    self.locked_out_since = Some(now);
                    console.text("locked out").end();
                }
            }
            Answer::Stored(slot) => {
                self.signal(now, signals::DONE);
                console.text("stored slot ").number(slot).end();
            }
            Answer::Removed(slot) => {
                self.signal(now, signals::DONE);
                console.text("removed slot ").number(slot).end();
            }
            Answer::MasterSet => {
                self.signal(now, signals::DONE);
                console.text("master set").end();
            }
        }
    }

    /// Not with an empty battery: the bolt might stop half way.
    fn moves_bolt(&mut self, now: Time, drive: Drive, battery: Battery, console: &mut Console) -> bool {
        let moves = battery != Battery::Empty;
        if moves {
            self.signal(now, signals::MOVED);
            self.motor.begin(now, drive);
        } else {
            self.signal(now, signals::EMPTY_BATTERY);
            console.text("low battery").end();
        }
        moves
    }

    /// Shows an answer in place of the last.
    fn signal(&mut self, now: Time, signal: Signal) {
        self.has_to_warn = false;
        self.signals.show(now, signal);
    }

    fn begin_reset(&mut self, now: Time, console: &mut Console) {
        console.text("reset begun").end();
        self.entry.forget();
        if cfg!(feature = "confirm-early") {
            // An erase stalls the core, and the beeps would stutter.
            self.confirm_reset(now, console);
            self.stage = Stage::Confirming;
        } else {
            self.wipe();
        }
    }

    fn wipe(&mut self) {
        self.storage.wipe();
        self.stage = Stage::Wiping;
    }

    fn confirm_reset(&mut self, now: Time, console: &mut Console) {
        self.signal(now, signals::RESET_DONE);
        console.text("reset done").end();
    }
}
