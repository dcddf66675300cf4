//! The connection to a chip, in the thread that owns it. It is made when something is asked of it, and let go once
//! something went wrong: after a refused access the answers of a socket may be out of step.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use probe_rs::architecture::arm::ArmError;
use probe_rs::architecture::arm::dp::DpAddress;
use probe_rs::architecture::arm::sequences::DefaultArmSequence;
use probe_rs::flashing::{self, DownloadOptions, FlashProgress, ProgressEvent, ProgressOperation};
use probe_rs::probe::glasgow::GlasgowFactory;
use probe_rs::probe::{DebugProbeError, Probe as Opened, ProbeCreationError, ProbeFactory as _};
use probe_rs::{Core, Error, MemoryInterface as _, Permissions, Session};

use super::chip::Chip;
use super::fault::{self, Doing, ProbeError};
use super::firmware::Firmware;
use super::identity::{self, Another, Identity, Protection};
use super::listing;
use super::tether::{Cable, Tether};
use super::text::Ear;
use super::{Heard, Progress, Setup, Stage};
use crate::rig::Selector;
use crate::rig::{Connect, IfProtected};

/// So much is read at once: whoever waits sees it go on.
const AT_ONCE: usize = 4096;
/// Nothing larger is read.
const MAX_READ: u32 = 64 << 20;
/// A core halts at once, or does not at all.
const HALTED_WITHIN: Duration = Duration::from_millis(500);

/// Where a Cortex-M has why it halted; what is written as one is forgotten.
const HALT_CAUSES: u64 = 0xe000_ed30;
const EVERY_CAUSE: u32 = 0x1f;

/// What can be cut from outside: the socket that is in use, if one is.
pub(super) type Knife = Arc<Mutex<Option<Arc<Cable>>>>;

/// Tells whoever asked how it goes.
pub(super) struct Teller {
    /// Says something to whoever asked.
    pub(super) say: Box<dyn Fn(Heard)>,
    /// Nobody wants it any more.
    pub(super) unwanted: Arc<AtomicBool>,
}

impl Teller {
    pub(super) fn is_unwanted(&self) -> bool {
        self.unwanted.load(Ordering::Relaxed)
    }
}

/// A chip, and how to reach it.
pub(super) struct Link {
    setup: Setup,
    chip: Chip,
    knife: Knife,
    held: Option<Held>,
    /// What was heard of the firmware, while it is listened to.
    pub(super) ear: Option<Ear>,
}

/// A connection. The session ends before the socket that it uses.
struct Held {
    session: Session,
    facts: Facts,
    _tether: Option<Tether>,
}

/// What the chip said of itself.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// Which it is.
    pub(super) identity: Identity,
    /// Whether it may be read.
    pub(super) protection: Protection,
}

impl Link {
    pub(super) fn new(setup: Setup, chip: Chip, knife: Knife) -> Self {
        Self { setup, chip, knife, held: None, ear: None }
    }

    /// The chip that it is about.
    pub(super) fn chip(&self) -> &Chip {
        &self.chip
    }

    /// Connects, if it is not connected.
    pub(super) fn facts(&mut self) -> Result<Facts, ProbeError> {
        self.held().map(|held| held.facts.clone())
    }

    /// Lets the chip go, and leaves it running.
    pub(super) fn close(&mut self) {
        (self.held, self.ear) = (None, None);
        *self.knife.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Lets it go without another word to it.
    pub(super) fn abandon(&mut self, why: &str) {
        if let Some(cable) = self.cable() {
            cable.cut(why);
        }
        self.close();
    }

    fn cable(&self) -> Option<Arc<Cable>> {
        self.knife.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn held(&mut self) -> Result<&mut Held, ProbeError> {
        let held = match self.held.take() {
            Some(held) => held,
            None => self.connect()?,
        };
        Ok(self.held.insert(held))
    }

    pub(super) fn session(&mut self) -> Result<&mut Session, ProbeError> {
        self.held().map(|held| &mut held.session)
    }

    /// Does something with the first core. An error ends the connection.
    pub(super) fn with_core<T>(
        &mut self,
        doing: Doing,
        act: impl FnOnce(&mut Core<'_>) -> Result<T, Error>,
    ) -> Result<T, ProbeError> {
        let outcome = self.session()?.core(0).and_then(|mut core| act(&mut core));
        outcome.map_err(|error| self.failed(doing, &error))
    }

    /// What an error means; the connection is let go.
    pub(super) fn failed(&mut self, doing: Doing, error: &(dyn std::error::Error + 'static)) -> ProbeError {
        let lost = self.cable().and_then(|cable| cable.why().map(str::to_owned));
        let known = match lost {
            Some(why) => ProbeError::Lost { doing, why },
            None => fault::classify(doing, error),
        };
        tracing::debug!(error = %fault::words(error), "the probe failed");
        // Its driver would take an answer that is left over for one to what it asks when it says goodbye.
        self.abandon("the connection is out of step");
        known
    }

    fn connect(&mut self) -> Result<Held, ProbeError> {
        let mut held = match self.attach(self.setup.port.connect) {
            Err(error) if self.setup.port.connect == Connect::UnderReset => self.attach_and_reset(error)?,
            attached => attached?,
        };
        match look(&mut held.session, &self.chip) {
            Ok(facts) => held.facts = facts?,
            Err(error) => {
                let known = self.failed(Doing::Connecting, &error);
                drop(held);
                let facts = unseen(known, &self.chip)?;
                held = self.attach(self.setup.port.connect)?;
                held.facts = facts;
            }
        }
        Ok(held)
    }

    /// What is tried after a chip could not be attached to under reset.
    fn attach_and_reset(&mut self, error: ProbeError) -> Result<Held, ProbeError> {
        // probe-rs leaves the chip in reset then.
        if let Ok((mut probe, tether)) = self.open() {
            let _ = probe.target_reset_deassert();
            drop(probe);
            drop(tether);
        }
        if !may_be_its_reset(&error) {
            return Err(error);
        }
        tracing::debug!(%error, "not under reset; attaching, then resetting");
        let mut held = self.attach(Connect::Attach)?;
        let halted = held.session.core(0).and_then(|mut core| core.reset_and_halt(HALTED_WITHIN));
        match halted {
            Ok(_) => Ok(held),
            Err(error) => Err(self.failed(Doing::Connecting, &error)),
        }
    }

    /// Opens the probe, and attaches to the chip under its name.
    fn attach(&mut self, how: Connect) -> Result<Held, ProbeError> {
        let (mut probe, tether) = self.open()?;
        if let Some(khz) = self.setup.port.speed {
            match probe.set_speed(khz.get()) {
                // A probe that knows one speed only.
                Ok(_) | Err(DebugProbeError::CommandNotSupportedByProbe { .. }) => {}
                Err(error) => return Err(self.failed(Doing::Connecting, &error)),
            }
        }
        let permissions = match self.setup.port.if_protected {
            IfProtected::Leave => Permissions::new(),
            IfProtected::Erase => Permissions::new().allow_erase_all(),
        };
        let target = self.chip.target().clone();
        let attached = match how {
            Connect::Attach => probe.attach_with_registry(target, permissions, Chip::registry()),
            Connect::UnderReset => {
                probe.attach_under_reset_with_registry(target, permissions, Chip::registry())
            }
        };
        let facts = Facts { identity: Identity::NotChecked(String::new()), protection: Protection::Unknown };
        match attached {
            Ok(session) => Ok(Held { session, facts, _tether: tether }),
            Err(error) => {
                let known = self.failed(Doing::Connecting, &error);
                drop(tether);
                Err(match known {
                    // It may be the debug port that does not follow, or the core behind it.
                    ProbeError::Unresponsive { .. } if how == Connect::Attach => {
                        self.diagnosed().unwrap_or(known)
                    }
                    known => known,
                })
            }
        }
    }

    fn open(&mut self) -> Result<(Opened, Option<Tether>), ProbeError> {
        let Some(Selector::Socket(address)) = &self.setup.port.selector else {
            let info = listing::choose(self.setup.port.selector.as_ref())?;
            let probe = listing::called(&info).to_string();
            return info.open().map(|opened| (opened, None)).map_err(|error| not_opened(probe, &error));
        };
        let tether = Tether::new(address)?;
        let cable = tether.cable();
        *self.knife.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&cable));
        match GlasgowFactory.open(&listing::told(&tether.selector())) {
            Ok(probe) => Ok((Opened::from_specific_probe(probe), Some(tether))),
            Err(error) => {
                let why = cable.why().map_or_else(|| fault::words(&error), str::to_owned);
                cable.cut(&why);
                Err(ProbeError::NotAProbe { probe: address.to_string(), why })
            }
        }
    }

    /// How far a connection comes, step by step.
    fn diagnosed(&mut self) -> Option<ProbeError> {
        let (mut probe, tether) = self.open().ok()?;
        probe.attach_to_unspecified().ok()?;
        let port = probe.try_into_arm_debug_interface(DefaultArmSequence::create());
        let mut port = port.map_err(|(_, error)| error).ok()?;
        let found = match port.select_debug_port(DpAddress::Default) {
            Err(ArmError::Timeout) => Some(ProbeError::NoPowerUp),
            Err(error) => Some(self.failed(Doing::Connecting, &error)),
            Ok(()) => match port.access_ports(DpAddress::Default) {
                Ok(ports) if ports.is_empty() => Some(ProbeError::NoAccessPort),
                _ => None,
            },
        };
        drop(port);
        drop(tether);
        found.filter(|found| !matches!(found, ProbeError::Unresponsive { .. }))
    }

    /// Reads bytes. Words are read, whatever is asked for: not every memory can be read by bytes.
    pub(super) fn read(&mut self, from: u32, length: u32, teller: &Teller) -> Result<Vec<u8>, ProbeError> {
        let doing = Doing::Reading;
        let end = u64::from(from) + u64::from(length);
        if length > MAX_READ || end > 1 << 32 {
            return Err(ProbeError::Failed { doing, why: "so much is not read at once".into() });
        }
        let facts = self.facts()?;
        let is_flash = |range: &Range<u64>| u64::from(from) < range.end && range.start < end;
        if let Protection::Closed(how) = facts.protection
            && self.chip.flash().iter().any(is_flash)
        {
            return Err(ProbeError::Protected { how });
        }
        let (first, skipped) = (u64::from(from) & !3, (from & 3) as usize);
        let words = usize::try_from((end.next_multiple_of(4) - first) / 4).unwrap_or_default();
        let (mut bytes, mut buffer) = (Vec::with_capacity(words * 4), [0_u32; AT_ONCE / 4]);
        while bytes.len() < words * 4 {
            if teller.is_unwanted() {
                return Err(ProbeError::Interrupted { doing });
            }
            let at = first + bytes.len() as u64;
            let count = (words - bytes.len() / 4).min(buffer.len());
            let part = buffer.get_mut(..count).unwrap_or_default();
            // A core that has stopped is found again by whoever listens next.
            self.overhear(teller)?;
            self.with_core(doing, |core| core.read_32(at, part))
                .map_err(|error| located(error, at, count))?;
            bytes.extend(part.iter().flat_map(|word| word.to_le_bytes()));
            let done = (bytes.len() as u64).saturating_sub(skipped as u64).min(length.into());
            (teller.say)(Heard::Progress(Progress { stage: Stage::Read, done, total: Some(length.into()) }));
        }
        bytes.drain(..skipped);
        bytes.truncate(length as usize);
        Ok(bytes)
    }

    /// Whether the flash can be seen: where the firmware begins, no lock that works has nothing.
    pub(super) fn observe(&mut self, teller: &Teller) -> Result<(), ProbeError> {
        let Some(at) = self.chip.boot().and_then(|boot| u32::try_from(boot).ok()) else { return Ok(()) };
        let begin = self.read(at, 16, teller)?;
        match begin.iter().all(|byte| *byte == 0xff) || begin.iter().all(|byte| *byte == 0) {
            true => Err(ProbeError::Blank { at }),
            false => Ok(()),
        }
    }

    /// Writes a firmware, and compares what is read back.
    pub(super) fn flash(&mut self, firmware: &Firmware, teller: &Teller) -> Result<(), ProbeError> {
        firmware.check(&self.chip)?;
        self.ear = None;
        if let Protection::Closed(how) = self.facts()?.protection {
            return Err(ProbeError::Protected { how });
        }
        let session = self.session()?;
        let mut loader = session.target().flash_loader();
        let added =
            firmware.parts().iter().try_for_each(|part| loader.add_data(part.start.into(), &part.bytes));
        let mut tally = Tally::default();
        let mut options = DownloadOptions::default();
        options.verify = true;
        options.progress = FlashProgress::new(move |event| tally.hear(&event, teller));
        let done = added.and_then(|()| loader.commit(session, options));
        done.map_err(|error| self.failed(Doing::Flashing, &error))
    }

    /// Erases all flash.
    pub(super) fn erase(&mut self, teller: &Teller) -> Result<(), ProbeError> {
        let mut tally = Tally::default();
        let session = self.session()?;
        let mut progress = FlashProgress::new(move |event| tally.hear(&event, teller));
        let done = flashing::erase_all(session, &mut progress, false);
        drop(progress);
        done.map_err(|error| self.failed(Doing::Erasing, &error))
    }

    /// Resets the chip, and lets it run or holds it at its first instruction.
    pub(super) fn reset(&mut self, halt: bool) -> Result<(), ProbeError> {
        self.ear = None;
        self.with_core(Doing::Resetting, |core| match halt {
            true => core.reset_and_halt(HALTED_WITHIN).map(drop),
            false => core.reset(),
        })
    }

    /// Halts the core.
    pub(super) fn halt(&mut self) -> Result<(), ProbeError> {
        self.with_core(Doing::Halting, |core| core.halt(HALTED_WITHIN).map(drop))
    }

    /// Lets the core run.
    pub(super) fn run(&mut self) -> Result<(), ProbeError> {
        self.with_core(Doing::Running, |core| match core.core_halted()? {
            true => core.run(),
            false => Ok(()),
        })
    }
}

/// Whether an error may come from the reset line alone, which not every bench has wired.
fn may_be_its_reset(error: &ProbeError) -> bool {
    matches!(
        error,
        ProbeError::Unresponsive { .. }
            | ProbeError::NoTarget { .. }
            | ProbeError::Failed { .. }
            | ProbeError::NoPowerUp
    )
}

/// What a chip says of itself; the inner error is another chip.
fn look(session: &mut Session, chip: &Chip) -> Result<Result<Facts, ProbeError>, Error> {
    let mut core = session.core(0)?;
    if core.core_type().is_cortex_m() {
        // What halted it under an earlier debugger: probe-rs takes an old breakpoint for a call of the firmware's, and
        // looks at an instruction that a chip whose flash was half written does not have.
        core.write_word_32(HALT_CAUSES, EVERY_CAUSE)?;
    }
    let identity = match identity::identify(&mut core, chip)? {
        Ok(identity) => identity,
        Err(Another(found)) => {
            return Ok(Err(ProbeError::WrongChip { named: chip.name().to_owned(), found }));
        }
    };
    let protection = identity::protection(&mut core, chip)?;
    Ok(Ok(Facts { identity, protection }))
}

/// What is known of a chip that refused to say anything of itself.
fn unseen(error: ProbeError, chip: &Chip) -> Result<Facts, ProbeError> {
    match error {
        // Whatever can be read of an STM32 can be read there, and of a Nordic that is open.
        ProbeError::Fault { .. } if chip.name().starts_with("STM32") => Err(ProbeError::WrongChip {
            named: chip.name().to_owned(),
            found: "where an STM32 has its part number, it refuses to be read".into(),
        }),
        ProbeError::Fault { .. } if chip.name().starts_with("nRF51") => Ok(Facts {
            identity: Identity::NotChecked("the chip refuses to say what it is".into()),
            protection: Protection::Closed("it refuses to say what it is".into()),
        }),
        ProbeError::Fault { .. } => Ok(Facts {
            identity: Identity::NotChecked("the chip refuses to say what it is".into()),
            protection: Protection::Unknown,
        }),
        error => Err(error),
    }
}

/// A refused access, with where it was.
fn located(error: ProbeError, at: u64, words: usize) -> ProbeError {
    match error {
        ProbeError::Fault { doing, .. } => {
            let (start, end) = (at, at + words as u64 * 4);
            let range = u32::try_from(start).ok().zip(Some(u32::try_from(end).unwrap_or(u32::MAX)));
            ProbeError::Fault { doing, at: range.map(|(start, end)| start..end) }
        }
        error => error,
    }
}

fn not_opened(probe: String, error: &DebugProbeError) -> ProbeError {
    let busy = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ResourceBusy;
    match error {
        DebugProbeError::Usb(error)
        | DebugProbeError::ProbeCouldNotBeCreated(ProbeCreationError::Usb(error))
            if busy(error) =>
        {
            ProbeError::InUse { probe }
        }
        DebugProbeError::ProbeCouldNotBeCreated(
            ProbeCreationError::NotFound | ProbeCreationError::CouldNotOpen,
        ) => {
            // It was there a moment ago, and may be opened: somebody else has it.
            ProbeError::InUse { probe }
        }
        error => fault::classify(Doing::Connecting, error),
    }
}

/// Adds up what was done of a stage.
#[derive(Default)]
struct Tally {
    totals: [Option<u64>; Stage::COUNT],
    done: [u64; Stage::COUNT],
}

impl Tally {
    fn hear(&mut self, event: &ProgressEvent, teller: &Teller) {
        let stage = |operation: &ProgressOperation| match operation {
            // What is kept is read before it is erased.
            ProgressOperation::Fill => Stage::Read,
            ProgressOperation::Erase => Stage::Erase,
            ProgressOperation::Program => Stage::Write,
            ProgressOperation::Verify => Stage::Verify,
        };
        let say = |stage: Stage, done: u64, total: Option<u64>| {
            (teller.say)(Heard::Progress(Progress { stage, done, total }));
        };
        match event {
            ProgressEvent::AddProgressBar { operation, total } => {
                let stage = stage(operation);
                if let (Some(known), Some(total)) = (self.totals.get_mut(stage as usize), total) {
                    *known = Some(known.unwrap_or_default() + total);
                }
            }
            ProgressEvent::Started(operation) => {
                let stage = stage(operation);
                say(stage, self.done(stage), self.total(stage));
            }
            ProgressEvent::Progress { operation, size, .. } => {
                let stage = stage(operation);
                if let Some(done) = self.done.get_mut(stage as usize) {
                    *done += size;
                }
                say(stage, self.done(stage), self.total(stage));
            }
            ProgressEvent::Finished(operation) => {
                let stage = stage(operation);
                let done = self.total(stage).unwrap_or(self.done(stage));
                say(stage, done, self.total(stage));
            }
            ProgressEvent::FlashLayoutReady { .. }
            | ProgressEvent::Failed(_)
            | ProgressEvent::DiagnosticMessage { .. } => (teller.say)(Heard::Nothing),
        }
    }

    fn done(&self, stage: Stage) -> u64 {
        self.done.get(stage as usize).copied().unwrap_or_default()
    }

    fn total(&self, stage: Stage) -> Option<u64> {
        self.totals.get(stage as usize).copied().flatten()
    }
}
