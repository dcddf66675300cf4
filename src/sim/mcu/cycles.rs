//! Tests of the core: cycles of each kind of instruction against the manual's table, and what an exception does.

use super::core::{Core, Rest};
use super::cpu::{Bus, Cpu, LR, PC, SP, Trap};
use super::decode::{Op, Size, decode};

/// Where code lies, and data that registers point to.
const CODE: u32 = 0x100;
const DATA: u32 = 0x800;
const STACK: u32 = 0xc00;

/// A memory without wait states, from address 0 on.
struct Memory(Vec<u8>);

impl Memory {
    /// Each word is an address in the code, and stands for Thumb.
    fn new() -> Self {
        Self((CODE + 1).to_le_bytes().repeat(0x800))
    }

    fn load(&mut self, at: u32, halves: &[u16]) {
        let bytes: Vec<u8> = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
        self.0[at as usize..at as usize + bytes.len()].copy_from_slice(&bytes);
    }

    fn word(&mut self, at: u32, value: u32) {
        self.load(at, &[value as u16, (value >> 16) as u16]);
    }
}

impl Bus for Memory {
    fn fetch(&mut self, address: u32) -> Op {
        let half = |at: u32| self.0[at as usize..].first_chunk().map_or(0, |two| u16::from_le_bytes(*two));
        decode(half(address), half(address + 2))
    }

    fn read(&mut self, address: u32, size: Size, _: u64) -> Option<u32> {
        let bytes = self.0.get(address as usize..)?.get(..size.bytes() as usize)?;
        Some(bytes.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte)))
    }

    fn write(&mut self, address: u32, size: Size, value: u32, _: u64) -> Option<u64> {
        let bytes = self.0.get_mut(address as usize..)?.get_mut(..size.bytes() as usize)?;
        bytes.copy_from_slice(&value.to_le_bytes()[..size.bytes() as usize]);
        Some(0)
    }

    fn calls(&self) -> bool {
        false
    }
}

/// Cortex-M0 Technical Reference Manual (DDI 0432C), table 3-1, in its order. N counts the program counter, too.
const TABLE: &[(&str, &[u16], u64)] = &[
    ("MOVS r0, #1", &[0x2001], 1),
    ("MOVS r0, r1", &[0x0008], 1),
    ("MOV r8, r0", &[0x4680], 1),
    ("MOV pc, r6", &[0x46b7], 3),
    ("ADDS r0, r1, #1", &[0x1c48], 1),
    ("ADDS r0, r1, r2", &[0x1888], 1),
    ("ADD r0, r8", &[0x4440], 1),
    ("ADD pc, r0", &[0x4487], 3),
    ("ADDS r0, #1", &[0x3001], 1),
    ("ADCS r0, r1", &[0x4148], 1),
    ("ADD sp, #8", &[0xb002], 1),
    ("ADD r0, sp, #4", &[0xa801], 1),
    ("ADR r0, #4", &[0xa001], 1),
    ("SUBS r0, r1, r2", &[0x1a88], 1),
    ("SUBS r0, r1, #1", &[0x1e48], 1),
    ("SUBS r0, #1", &[0x3801], 1),
    ("SBCS r0, r1", &[0x4188], 1),
    ("SUB sp, #8", &[0xb082], 1),
    ("RSBS r0, r1", &[0x4248], 1),
    ("MULS r0, r1", &[0x4348], 1),
    ("CMP r0, r1", &[0x4288], 1),
    ("CMN r0, r1", &[0x42c8], 1),
    ("CMP r0, #1", &[0x2801], 1),
    ("ANDS r0, r1", &[0x4008], 1),
    ("EORS r0, r1", &[0x4048], 1),
    ("ORRS r0, r1", &[0x4308], 1),
    ("BICS r0, r1", &[0x4388], 1),
    ("MVNS r0, r1", &[0x43c8], 1),
    ("TST r0, r1", &[0x4208], 1),
    ("LSLS r0, r1, #1", &[0x0048], 1),
    ("LSLS r0, r1", &[0x4088], 1),
    ("LSRS r0, r1, #1", &[0x0848], 1),
    ("LSRS r0, r1", &[0x40c8], 1),
    ("ASRS r0, r1, #1", &[0x1048], 1),
    ("ASRS r0, r1", &[0x4108], 1),
    ("RORS r0, r1", &[0x41c8], 1),
    ("LDR r0, [r1]", &[0x6808], 2),
    ("LDRH r0, [r1]", &[0x8808], 2),
    ("LDRB r0, [r1]", &[0x7808], 2),
    ("LDR r0, [r1, r2]", &[0x5888], 2),
    ("LDRH r0, [r1, r2]", &[0x5a88], 2),
    ("LDRSH r0, [r1, r2]", &[0x5e88], 2),
    ("LDRB r0, [r1, r2]", &[0x5c88], 2),
    ("LDRSB r0, [r1, r2]", &[0x5688], 2),
    ("LDR r0, [pc, #4]", &[0x4801], 2),
    ("LDR r0, [sp, #4]", &[0x9801], 2),
    ("LDM r1!, {r0, r2, r3}", &[0xc90d], 1 + 3),
    ("LDM r1, {r0, r1}", &[0xc903], 1 + 2),
    ("STR r0, [r1]", &[0x6008], 2),
    ("STRH r0, [r1]", &[0x8008], 2),
    ("STRB r0, [r1]", &[0x7008], 2),
    ("STR r0, [r1, r2]", &[0x5088], 2),
    ("STRH r0, [r1, r2]", &[0x5288], 2),
    ("STRB r0, [r1, r2]", &[0x5488], 2),
    ("STR r0, [sp, #4]", &[0x9001], 2),
    ("STM r1!, {r0, r2, r3}", &[0xc10d], 1 + 3),
    ("PUSH {r0-r3}", &[0xb40f], 1 + 4),
    ("PUSH {r4, lr}", &[0xb510], 1 + 2),
    ("POP {r0-r3}", &[0xbc0f], 1 + 4),
    ("POP {r4, pc}", &[0xbd10], 4 + 2),
    ("POP {pc}", &[0xbd00], 4 + 1),
    ("BEQ, taken", &[0xd000], 3),
    ("BNE, not taken", &[0xd100], 1),
    ("B", &[0xe000], 3),
    ("BL", &[0xf000, 0xf800], 4),
    ("BX r6", &[0x4730], 3),
    ("BLX r6", &[0x47b0], 3),
    ("SXTH r0, r1", &[0xb208], 1),
    ("SXTB r0, r1", &[0xb248], 1),
    ("UXTH r0, r1", &[0xb288], 1),
    ("UXTB r0, r1", &[0xb2c8], 1),
    ("REV r0, r1", &[0xba08], 1),
    ("REV16 r0, r1", &[0xba48], 1),
    ("REVSH r0, r1", &[0xbac8], 1),
    ("CPSID i", &[0xb672], 1),
    ("CPSIE i", &[0xb662], 1),
    ("MRS r0, PRIMASK", &[0xf3ef, 0x8010], 4),
    ("MSR PRIMASK, r0", &[0xf380, 0x8810], 4),
    ("SEV", &[0xbf40], 1),
    ("WFE", &[0xbf20], 2),
    ("WFI", &[0xbf30], 2),
    ("YIELD", &[0xbf10], 1),
    ("NOP", &[0xbf00], 1),
    ("ISB", &[0xf3bf, 0x8f6f], 4),
    ("DMB", &[0xf3bf, 0x8f5f], 4),
    ("DSB", &[0xf3bf, 0x8f4f], 4),
];

/// A core before the code, whose registers point to data, but for r6, which points to code.
fn cpu() -> Cpu {
    let mut cpu = Cpu { z: true, ..Cpu::default() };
    cpu.r[..13].fill(DATA);
    (cpu.r[6], cpu.r[SP], cpu.r[LR], cpu.r[PC]) = (CODE + 1, STACK, CODE + 1, CODE);
    cpu
}

#[test]
fn each_kind_of_instruction_takes_the_cycles_of_the_manual() {
    for (what, code, cycles) in TABLE {
        let (mut cpu, mut memory) = (cpu(), Memory::new());
        memory.load(CODE, code);
        let done = cpu.step(&mut memory);
        let is_fault = matches!(done, Err(Trap::Fault | Trap::NotThumb | Trap::Call | Trap::Breakpoint));
        assert!(!is_fault, "{what}: {done:?}");
        assert_eq!(cpu.cycles, *cycles, "{what}");
    }
}

#[test]
fn results_and_flags_are_those_of_the_manual() {
    let after = |code: u16, r0: u32, r1: u32, carry: bool| {
        let (mut cpu, mut memory) = (Cpu { c: carry, ..cpu() }, Memory::new());
        (cpu.r[0], cpu.r[1]) = (r0, r1);
        memory.load(CODE, &[code]);
        assert_eq!(cpu.step(&mut memory), Ok(()));
        (cpu.r[0], [cpu.n, cpu.z, cpu.c, cpu.v])
    };
    // ADCS, SBCS, LSRS by 32 and by 33, ASRS by 40, RORS by 32, MULS, which leaves carry and overflow alone.
    assert_eq!(after(0x4148, 0x7fff_ffff, 0, true), (0x8000_0000, [true, false, false, true]));
    assert_eq!(after(0x4188, 5, 5, false), (u32::MAX, [true, false, false, false]));
    assert_eq!(after(0x40c8, 0x8000_0000, 32, false), (0, [false, true, true, false]));
    assert_eq!(after(0x40c8, 0x8000_0000, 33, true), (0, [false, true, false, false]));
    assert_eq!(after(0x4108, 0x8000_0000, 40, false), (u32::MAX, [true, false, true, false]));
    assert_eq!(after(0x41c8, 0x8000_0001, 32, false), (0x8000_0001, [true, false, true, false]));
    assert_eq!(after(0x4348, 0x1_0000, 0x1_0000, true), (0, [false, true, true, false]));
}

/// A core that enables line 0 and sleeps; its handler is `BX lr`.
fn sleeper() -> (Core, Memory) {
    let mut memory = Memory::new();
    for (at, word) in [(0, STACK), (4, CODE + 1), (4 * 16, DATA + 1), (CODE + 0x20, 0xe000_e100)] {
        memory.word(at, word);
    }
    // LDR r0, =ISER; MOVS r1, #1; STR r1, [r0]; WFI; B to the WFI.
    memory.load(CODE, &[0x4807, 0x2101, 0x6001, 0xbf30, 0xe7fd]);
    memory.load(DATA, &[0x4770]);
    let mut core = Core::default();
    core.reset(&mut memory);
    core.run(&mut memory, 100);
    (core, memory)
}

#[test]
fn an_interrupt_ends_the_sleep_and_its_handler_comes_back() {
    let (mut core, mut memory) = sleeper();
    assert_eq!((core.rest, core.cpu.r[PC]), (Rest::SleepsForInterrupt, CODE + 8));
    core.nvic.set_lines(1);
    core.wake();
    let began = core.cpu.cycles;
    core.run(&mut memory, began + 1);
    assert_eq!((core.cpu.exception, core.cpu.r[SP]), (16, STACK - 32));
    // The latency, and the first instruction of the handler still to come.
    assert_eq!(core.cpu.cycles, began + 16);
    core.nvic.set_lines(0);
    core.run(&mut memory, began + 17);
    assert_eq!((core.cpu.exception, core.cpu.r[SP], core.cpu.r[PC]), (0, STACK, CODE + 8));
}

#[test]
fn a_line_that_stays_high_calls_its_handler_again_and_not_within_itself() {
    let (mut core, mut memory) = sleeper();
    core.nvic.set_lines(1);
    core.wake();
    let began = core.cpu.cycles;
    core.run(&mut memory, began + 1);
    core.nvic.set_lines(1);
    core.run(&mut memory, began + 17);
    assert_eq!(core.cpu.exception, 0, "it came back");
    let again = core.cpu.cycles;
    core.run(&mut memory, again + 1);
    assert_eq!(core.cpu.exception, 16, "and is called again");
}

#[test]
fn a_masked_interrupt_ends_the_sleep_and_is_not_taken() {
    let (mut core, mut memory) = sleeper();
    core.cpu.primask = true;
    core.nvic.set_lines(1);
    core.wake();
    assert_eq!(core.rest, Rest::Runs);
    let now = core.cpu.cycles;
    core.run(&mut memory, now + 1);
    assert_eq!(core.cpu.exception, 0);
}

#[test]
fn a_fault_is_handled_and_one_within_it_locks_up() {
    let (mut core, mut memory) = sleeper();
    memory.word(4 * 3, DATA + 1);
    // UDF.
    memory.load(CODE + 8, &[0xde00]);
    core.rest = Rest::Runs;
    let now = core.cpu.cycles;
    core.run(&mut memory, now + 1);
    assert_eq!((core.cpu.exception, memory.read(STACK - 8, Size::Word, 0)), (3, Some(CODE + 8)));
    memory.load(DATA, &[0xde00]);
    let now = core.cpu.cycles;
    core.run(&mut memory, now + 1);
    assert_eq!(core.rest, Rest::LockedUp);
}
