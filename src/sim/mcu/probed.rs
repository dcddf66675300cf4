//! Tests of the debug port, transfer by transfer: what a probe gets, and what it does to the core.

use super::dap::{Refusal, Transfer};
use super::machine::Machine;
use crate::sim::PortFault;

/// A stack, a start, and a loop that counts: `MOVS r0, #0`, `ADDS r0, #1`, `B` to that.
const COUNTS: [u32; 18] = {
    let mut words = [0; 18];
    (words[0], words[1], words[16], words[17]) = (0x2000_1000, 0x41, 0x3001_2000, 0xe7fd);
    words
};
const ADDS: u32 = 0x42;
const BRANCH: u32 = 0x44;
/// CTRL/STAT: requests and acknowledgements, and the error.
const POWER_UP: u32 = 0x5000_0000;
const IS_UP: u32 = 0xf000_0000;
const STICKY_ERROR: u32 = 0x20;
const CLEAR: u32 = 0x1e;
/// Debug registers of the core.
const DHCSR: u32 = 0xe000_edf0;
const DCRSR: u32 = 0xe000_edf4;
const DCRDR: u32 = 0xe000_edf8;
const DEMCR: u32 = 0xe000_edfc;
const DFSR: u32 = 0xe000_ed30;
const AIRCR: u32 = 0xe000_ed0c;
const BP_CTRL: u32 = 0xe000_2000;
const BP_COMP0: u32 = 0xe000_2008;
const HALT: u32 = 0xa05f_0003;
const STEP: u32 = 0xa05f_000d;
const GO: u32 = 0xa05f_0001;
const S_HALT: u32 = 1 << 17;
const S_SLEEP: u32 = 1 << 18;
const S_LOCKUP: u32 = 1 << 19;
const S_RESET: u32 = 1 << 25;
const PC: u32 = 15;

/// A chip that a probe is at.
struct Probe {
    machine: Machine,
    now: u64,
}

impl Probe {
    /// A chip with code, on which everything but the power of the debug domain is there.
    fn on(code: &[u32], fault: PortFault) -> Self {
        let flash: Vec<u8> = code.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut machine = Machine::new(&flash, 1);
        machine.ail(fault);
        machine.power(true, 0);
        Self { machine, now: 0 }
    }

    /// The same with that power, word by word and counting up.
    fn up(code: &[u32]) -> Self {
        let mut probe = Self::on(code, PortFault::None);
        probe.power_up();
        probe
    }

    fn power_up(&mut self) {
        self.port(4, Some(POWER_UP)).expect("a write");
        assert_eq!(self.port(4, None), Ok(IS_UP));
        self.select(0);
        self.access(0, Some(0x2300_0012)).expect("a write");
    }

    fn pass(&mut self, cycles: u64) {
        self.now += cycles;
        while self.machine.run(self.now).is_some() {
            self.machine.take_edges();
            self.machine.take_sent();
        }
    }

    fn transfer(&mut self, access_port: bool, address: u8, write: Option<u32>) -> Result<u32, Refusal> {
        self.now = self.now.max(self.machine.port_is_free());
        self.pass(184);
        self.machine.transfer(Transfer { access_port, address, write })
    }

    fn port(&mut self, address: u8, write: Option<u32>) -> Result<u32, Refusal> {
        self.transfer(false, address, write)
    }

    fn access(&mut self, address: u8, write: Option<u32>) -> Result<u32, Refusal> {
        self.transfer(true, address, write)
    }

    fn select(&mut self, bank: u32) {
        self.port(8, Some(bank)).expect("a write");
    }

    /// What a read of the access port finds: the next transfer hands it out.
    fn found(&mut self, address: u8) -> Result<u32, Refusal> {
        self.access(address, None)?;
        self.port(12, None)
    }

    fn read(&mut self, at: u32) -> Result<u32, Refusal> {
        self.access(4, Some(at))?;
        self.found(12)
    }

    fn write(&mut self, at: u32, value: u32) -> Result<(), Refusal> {
        self.access(4, Some(at))?;
        self.access(12, Some(value))?;
        // Whether it failed is known by the next one.
        self.port(12, None).map(|_| ())
    }

    fn word(&mut self, at: u32) -> u32 {
        self.read(at).expect("a word")
    }

    fn set(&mut self, at: u32, value: u32) {
        self.write(at, value).expect("a write");
    }

    fn register(&mut self, number: u32) -> u32 {
        self.set(DCRSR, number);
        self.word(DCRDR)
    }

    fn is(&mut self, bits: u32) -> bool {
        self.word(DHCSR) & bits == bits
    }
}

#[test]
fn a_probe_finds_out_what_it_is_at() {
    let mut probe = Probe::on(&COUNTS, PortFault::None);
    assert_eq!(probe.port(0, None), Ok(0x0bb1_1477));
    assert_eq!(probe.access(0, None), Err(Refusal::Fault), "the debug domain has no power");
    assert_eq!(probe.port(4, None), Ok(STICKY_ERROR));
    assert_eq!(probe.port(12, None), Err(Refusal::Fault));
    assert_eq!(probe.port(0, Some(CLEAR)), Ok(0));
    probe.power_up();
    probe.select(0xf0);
    assert_eq!(probe.found(12), Ok(0x0477_0021));
    assert_eq!(probe.found(8), Ok(0xf000_0003));
    probe.select(0x0100_00f0);
    assert_eq!(probe.found(12), Ok(0), "there is one access port");
    probe.select(0);
    // Nordic's, and what it leads to: three components of the core.
    let maker = [0xf000_0fe0, 0xf000_0fe4, 0xf000_0fe8, 0xf000_0fd0].map(|at| probe.word(at));
    assert_eq!(maker, [0x01, 0x40, 0x0c, 0x02]);
    let table = [0, 4, 8, 12].map(|at| probe.word(0xf000_0000 + at));
    assert_eq!(table, [0xf000_e003, 0xf000_1003, 0xf000_2003, 0]);
    assert_eq!(probe.word(0xe000_ed00), 0x410c_c200);
    assert_eq!(probe.word(0x1000_005c), 0xffff_0072);
    assert_eq!([probe.word(0x1000_0010), probe.word(0x1000_0014)], [1024, 256]);
    assert_eq!(probe.word(0x1000_1004), u32::MAX);
}

#[test]
fn memory_is_read_in_a_row_and_by_bytes_in_their_lanes() {
    let mut probe = Probe::up(&COUNTS);
    probe.access(4, Some(0x40)).expect("an address");
    probe.access(12, None).expect("the one before");
    assert_eq!(probe.access(12, None), Ok(0x3001_2000));
    assert_eq!(probe.port(12, None), Ok(0x0000_e7fd));
    assert_eq!(probe.found(4), Ok(0x48));
    probe.set(0x2000_0100, 0x4433_2211);
    probe.access(0, Some(0x2300_0010)).expect("byte by byte");
    probe.access(4, Some(0x2000_0101)).expect("an address");
    assert_eq!(probe.found(12).map(|lanes| lanes >> 8 & 0xff), Ok(0x22));
    probe.access(12, Some(0x0077_0000)).expect("a byte");
    probe.access(0, Some(0x2300_0012)).expect("word by word");
    assert_eq!(probe.word(0x2000_0100), 0x4477_2211);
    // It counts up within 1 KiB only.
    probe.access(4, Some(0x2000_03fc)).expect("an address");
    probe.access(12, None).expect("the one before");
    assert_eq!(probe.found(4), Ok(0x2000_0000));
}

#[test]
fn an_access_that_fails_is_known_by_the_next_one() {
    let mut probe = Probe::up(&COUNTS);
    probe.access(4, Some(0x0004_0000)).expect("an address");
    assert!(probe.access(12, None).is_ok());
    assert_eq!(probe.port(12, None), Err(Refusal::Fault));
    assert_eq!(probe.access(4, Some(0)), Err(Refusal::Fault));
    assert_eq!(probe.port(4, None), Ok(IS_UP | STICKY_ERROR));
    assert_eq!(probe.port(0, Some(0)), Ok(0));
    assert_eq!(probe.port(4, None), Ok(IS_UP | STICKY_ERROR), "only its own bit clears it");
    assert_eq!(probe.port(0, Some(CLEAR)), Ok(0));
    assert_eq!(probe.word(0), COUNTS[0]);
    // The flash can't be written as long as its controller does not let anybody.
    assert_eq!(probe.write(0x1000, 0), Err(Refusal::Fault));
}

#[test]
fn a_core_is_halted_stepped_and_let_go() {
    let mut probe = Probe::up(&COUNTS);
    assert!(!probe.is(S_HALT));
    probe.set(DHCSR, HALT);
    assert!(probe.is(S_HALT));
    assert_eq!(probe.word(DFSR), 1);
    let (count, here) = (probe.register(0), probe.register(PC));
    probe.pass(10_000);
    assert_eq!((probe.register(0), probe.register(PC)), (count, here));
    probe.set(DCRDR, 100);
    probe.set(DCRSR, 1 << 16);
    probe.set(DCRDR, ADDS);
    probe.set(DCRSR, 1 << 16 | PC);
    for (r0, pc) in [(101, BRANCH), (101, ADDS), (102, BRANCH)] {
        probe.set(DHCSR, STEP);
        assert!(probe.is(S_HALT));
        assert_eq!((probe.register(0), probe.register(PC)), (r0, pc));
    }
    probe.set(DHCSR, GO);
    assert!(!probe.is(S_HALT));
    probe.set(DHCSR, HALT);
    assert!(probe.register(0) > 110);
    // Without a debugger it runs.
    probe.set(DHCSR, 0xa05f_0000);
    assert!(!probe.is(S_HALT));
    probe.set(DHCSR, 0xa05f_0002);
    assert!(!probe.is(S_HALT));
}

#[test]
fn a_core_halts_before_the_instruction_at_a_breakpoint() {
    let mut probe = Probe::up(&COUNTS);
    assert_eq!(probe.word(BP_CTRL), 4 << 4);
    probe.set(DHCSR, HALT);
    // The upper half of a word, and the unit is off at first.
    probe.set(BP_COMP0 + 4, 2 << 30 | (ADDS & !3) | 1);
    probe.set(DHCSR, GO);
    assert!(!probe.is(S_HALT));
    probe.set(BP_CTRL, 3);
    assert!(probe.is(S_HALT));
    assert_eq!(probe.register(PC), ADDS);
    assert_eq!(probe.word(DFSR), 3);
    probe.set(DFSR, 3);
    let count = probe.register(0);
    probe.set(DHCSR, GO);
    assert!(probe.is(S_HALT));
    assert_eq!((probe.register(0), probe.register(PC), probe.word(DFSR)), (count + 1, ADDS, 2));
    // The lower half of the next one.
    probe.set(BP_COMP0 + 4, 1 << 30 | BRANCH | 1);
    probe.set(DHCSR, GO);
    assert!(probe.is(S_HALT));
    assert_eq!(probe.register(PC), BRANCH);
    probe.set(BP_COMP0 + 4, 0);
    probe.set(DHCSR, GO);
    assert!(!probe.is(S_HALT));
}

#[test]
fn an_instruction_that_is_a_breakpoint_halts_for_a_debugger_only() {
    let mut code = COUNTS;
    // BKPT, in place of the branch; no code for the fault that it is else, so the core locks up.
    code[17] = 0xbeab;
    let mut probe = Probe::up(&code);
    probe.pass(1_000);
    assert!(!probe.is(S_HALT), "it is reset again and again");
    assert_eq!(probe.word(0x4000_0400), 1 << 3);
    probe.set(DEMCR, 1);
    probe.set(DHCSR, GO);
    probe.set(AIRCR, 0x05fa_0004);
    assert!(probe.is(S_HALT | S_RESET));
    assert_eq!(probe.register(PC), 0x40, "a reset is caught");
    assert!(!probe.is(S_RESET), "whoever asked knows it");
    assert_eq!(probe.word(DFSR) & 8, 8);
    probe.set(DEMCR, 0);
    probe.set(DFSR, 0x1f);
    probe.set(DHCSR, GO);
    assert!(probe.is(S_HALT));
    assert_eq!((probe.register(PC), probe.word(DFSR)), (BRANCH, 2));
    // UDF: whoever debugs looks at a core that locked up, or at the fault itself.
    code[17] = 0xde00;
    let mut probe = Probe::up(&code);
    probe.set(DEMCR, 1);
    probe.set(DHCSR, GO);
    probe.set(AIRCR, 0x05fa_0004);
    probe.set(DEMCR, 0);
    probe.set(DHCSR, GO);
    probe.pass(1_000);
    assert!(probe.is(S_LOCKUP));
    probe.set(DHCSR, HALT);
    assert!(probe.is(S_HALT) && !probe.is(S_LOCKUP));
}

#[test]
fn a_sleeping_core_wakes_to_be_halted_and_goes_on_behind_its_sleep() {
    let mut code = COUNTS;
    // WFI, in place of the addition.
    code[16] = 0xbf30_2000;
    let mut probe = Probe::up(&code);
    assert!(probe.is(S_SLEEP));
    probe.set(DHCSR, HALT);
    assert!(probe.is(S_HALT) && !probe.is(S_SLEEP));
    assert_eq!(probe.register(PC), BRANCH);
    probe.set(DHCSR, GO);
    assert!(probe.is(S_SLEEP));
}

#[test]
fn a_halted_core_is_not_bitten_by_its_watchdog() {
    let mut probe = Probe::up(&COUNTS);
    probe.set(DHCSR, HALT);
    probe.set(0x4001_0504, 32_768);
    probe.set(0x4001_0000, 1);
    probe.pass(16_000_000 * 10);
    assert!(probe.is(S_HALT));
    assert_eq!(probe.word(0x4000_0400), 0);
    probe.set(DHCSR, GO);
    probe.pass(16_000_000 * 2);
    assert_eq!(probe.word(0x4000_0400), 1 << 1);
}

#[test]
fn what_a_probe_erases_and_writes_takes_its_time() {
    let mut probe = Probe::up(&COUNTS);
    probe.set(DHCSR, HALT);
    let begun = probe.now;
    probe.set(0x4001_e504, 2);
    probe.set(0x4001_e50c, 1);
    assert_eq!(probe.word(0x40), u32::MAX);
    assert!(probe.now - begun > 22_300 * 16, "{}", probe.now - begun);
    probe.set(0x4001_e504, 1);
    for (at, word) in (0..).step_by(4).zip(COUNTS) {
        probe.set(at, word);
    }
    probe.set(0x4001_e504, 0);
    assert_eq!(probe.word(0x4001_e400), 1);
    let read: Vec<u32> = (0..COUNTS.len() as u32).map(|at| probe.word(4 * at)).collect();
    assert_eq!(read, COUNTS);
    probe.set(AIRCR, 0x05fa_0004);
    assert!(!probe.is(S_HALT), "nothing catches the reset");
    probe.set(DHCSR, HALT);
    assert!(probe.register(0) > 0);
}

#[test]
fn a_protected_chip_is_not_read_until_everything_is_erased() {
    let mut probe = Probe::on(&COUNTS, PortFault::Protected);
    probe.power_up();
    probe.set(DHCSR, HALT);
    for at in [0, 0x40, 0x1000_005c, 0x1000_1004, 0x2000_0000, 0x4000_0400] {
        assert_eq!(probe.read(at), Err(Refusal::Fault), "{at:#x}");
        assert_eq!(probe.port(0, Some(CLEAR)), Ok(0));
    }
    probe.set(0x4001_e504, 2);
    probe.set(0x4001_e50c, 1);
    assert_eq!(probe.read(0), Err(Refusal::Fault), "it takes effect with a reset");
    assert_eq!(probe.port(0, Some(CLEAR)), Ok(0));
    probe.set(AIRCR, 0x05fa_0004);
    assert_eq!(probe.word(0), u32::MAX);
    // By its own settings, too, which stay without power.
    let mut probe = Probe::up(&COUNTS);
    probe.set(0x4001_e504, 1);
    probe.set(0x1000_1004, 0xffff_00ff);
    assert_eq!(probe.word(0), COUNTS[0]);
    let now = probe.now + 1;
    probe.machine.power(false, now);
    probe.machine.power(true, now + 16_000_000);
    probe.now = now + 16_000_000;
    probe.power_up();
    assert_eq!(probe.read(0), Err(Refusal::Fault));
}

#[test]
fn a_reset_line_keeps_the_core_at_its_beginning() {
    let mut probe = Probe::up(&COUNTS);
    probe.machine.hold_reset(true);
    probe.set(DEMCR, 1);
    probe.set(DHCSR, GO);
    probe.pass(100_000);
    probe.machine.hold_reset(false);
    assert!(probe.is(S_HALT | S_RESET));
    assert_eq!((probe.register(PC), probe.word(0x4000_0400)), (0x40, 1));
    // Nobody is there to catch it, and it runs.
    probe.set(DHCSR, 0xa05f_0000);
    probe.machine.hold_reset(true);
    probe.machine.hold_reset(false);
    assert!(!probe.is(S_HALT));
}

#[test]
fn without_power_nobody_answers_and_what_was_set_is_gone() {
    let mut probe = Probe::up(&COUNTS);
    probe.set(DHCSR, HALT);
    let now = probe.now + 1;
    probe.machine.power(false, now);
    assert_eq!(probe.port(0, None), Err(Refusal::Silence));
    let now = probe.now + 1;
    probe.machine.power(true, now);
    assert_eq!(probe.port(4, None), Ok(0));
    probe.power_up();
    assert!(!probe.is(S_HALT));
}

#[test]
fn each_fault_shows_where_it_is() {
    let mut probe = Probe::on(&COUNTS, PortFault::NoPowerUp);
    probe.port(4, Some(POWER_UP)).expect("a write");
    assert_eq!(probe.port(4, None), Ok(POWER_UP));
    assert_eq!(probe.access(0, None), Err(Refusal::Fault));

    let mut probe = Probe::on(&COUNTS, PortFault::NoAccessPort);
    probe.power_up();
    probe.select(0xf0);
    assert_eq!(probe.found(12), Ok(0));

    let mut probe = Probe::on(&COUNTS, PortFault::WrongIdentity);
    probe.power_up();
    assert_eq!(probe.word(0x1000_005c), 0xffff_0085);

    let mut probe = Probe::on(&COUNTS, PortFault::FaultAnswers);
    probe.power_up();
    let mut refused = Vec::new();
    for access in 2..=1_600 {
        if probe.access(4, Some(0)).is_err() {
            refused.push(access);
            probe.port(0, Some(CLEAR)).expect("a write");
        }
    }
    assert_eq!(refused, [500, 1_000, 1_500]);
}
