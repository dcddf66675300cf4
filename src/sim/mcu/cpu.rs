//! A Cortex-M0: registers, flags, and what each instruction does in how many cycles.
//!
//! Sources: ARMv6-M Architecture Reference Manual (DDI 0419), chapter A6; cycles: Cortex-M0 Technical Reference Manual
//! (DDI 0432C), table 3-1, with the single-cycle multiplier and without wait states. Own code, because the one kept
//! library (armagnac 0.3) counts each instruction as one cycle.

use super::decode::{Op, Size};

/// What a core is connected to.
pub(super) trait Bus {
    /// The instruction at an address, decoded.
    fn fetch(&mut self, address: u32) -> Op;

    /// What is read at an aligned address; nothing, if nothing answers there. `now` is in cycles.
    fn read(&mut self, address: u32, size: Size, now: u64) -> Option<u32>;

    /// Writes at an aligned address, and hands out for how many cycles the core stands still.
    fn write(&mut self, address: u32, size: Size, value: u32, now: u64) -> Option<u64>;

    /// An interrupt may have become pending, or something was put out: the core looks up before its next instruction.
    fn calls(&self) -> bool;
}

/// What a core alone can't deal with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trap {
    /// A hard fault of the instruction itself: there is none such, or no such memory, or its address is not aligned.
    Fault,
    /// A hard fault at the place that was branched to: the lowest bit of its address asks for another instruction set.
    NotThumb,
    /// `SVC`.
    Call,
    /// `BKPT`.
    Breakpoint,
    /// A branch to a magic address: the end of an exception.
    Return(u32),
    /// `WFI`.
    WaitForInterrupt,
    /// `WFE`.
    WaitForEvent,
    /// `SEV`.
    SendEvent,
    /// What may interrupt has changed.
    Masked,
}

/// Registers of a core, and its clock.
#[derive(Clone, Debug, Default)]
pub(super) struct Cpu {
    /// r0 to r12, the stack pointer in use, the link register, and the address of the next instruction.
    pub r: [u32; 16],
    /// The stack pointer that is not in use.
    pub other_sp: u32,
    /// The flag of a negative result.
    pub n: bool,
    /// The flag of a result of nought.
    pub z: bool,
    /// The flag of a carry, or of no borrow.
    pub c: bool,
    /// The flag of a signed overflow.
    pub v: bool,
    /// The number of the exception that is handled, or nought.
    pub exception: u8,
    /// Interrupts are masked.
    pub primask: bool,
    /// The process stack is in use, outside handlers.
    pub process_stack: bool,
    /// Cycles of 62.5 ns since the case began.
    pub cycles: u64,
}

/// The stack pointer.
pub(super) const SP: usize = 13;
/// The link register.
pub(super) const LR: usize = 14;
/// The program counter.
pub(super) const PC: usize = 15;

/// Of an address that ends an exception, these bits are set.
const MAGIC: u32 = 0xf000_0000;

impl Cpu {
    /// A register.
    fn low(&self, register: u8) -> u32 {
        self.r[usize::from(register & 15)]
    }

    /// Sets a register.
    fn set(&mut self, register: u8, value: u32) {
        self.r[usize::from(register & 15)] = value;
    }

    /// Sets the flags of a result, and hands it out.
    fn nz(&mut self, value: u32) -> u32 {
        (self.n, self.z) = (value >> 31 == 1, value == 0);
        value
    }

    /// A sum with all its flags; a difference is one with the complement.
    fn sum(&mut self, a: u32, b: u32, carry: bool) -> u32 {
        let (first, over) = a.overflowing_add(b);
        let (sum, more) = first.overflowing_add(u32::from(carry));
        self.c = over || more;
        self.v = (a ^ sum) & (b ^ sum) & 0x8000_0000 != 0;
        self.nz(sum)
    }

    fn shift_left(&mut self, value: u32, by: u32) -> u32 {
        let shifted = match by {
            0 => value,
            1..=31 => {
                self.c = value >> (32 - by) & 1 == 1;
                value << by
            }
            _ => {
                self.c = by == 32 && value & 1 == 1;
                0
            }
        };
        self.nz(shifted)
    }

    fn shift_right(&mut self, value: u32, by: u32) -> u32 {
        let shifted = match by {
            0 => value,
            1..=31 => {
                self.c = value >> (by - 1) & 1 == 1;
                value >> by
            }
            _ => {
                self.c = by == 32 && value >> 31 == 1;
                0
            }
        };
        self.nz(shifted)
    }

    fn shift_signed(&mut self, value: u32, by: u32) -> u32 {
        let signed = value as i32;
        let shifted = match by {
            0 => value,
            1..=31 => {
                self.c = signed >> (by - 1) & 1 == 1;
                (signed >> by) as u32
            }
            _ => {
                self.c = value >> 31 == 1;
                (signed >> 31) as u32
            }
        };
        self.nz(shifted)
    }

    fn rotate(&mut self, value: u32, by: u32) -> u32 {
        let rotated = value.rotate_right(by & 31);
        if by != 0 {
            self.c = rotated >> 31 == 1;
        }
        self.nz(rotated)
    }

    /// Whether a condition holds, by its number in a branch.
    fn holds(&self, condition: u8) -> bool {
        let is = match condition >> 1 {
            0 => self.z,
            1 => self.c,
            2 => self.n,
            3 => self.v,
            4 => self.c && !self.z,
            5 => self.n == self.v,
            6 => !self.z && self.n == self.v,
            _ => true,
        };
        is != (condition & 1 == 1)
    }

    /// The flags, the exception and the Thumb bit, as an exception saves them.
    pub(super) fn status(&self) -> u32 {
        self.flags() | 1 << 24 | u32::from(self.exception)
    }

    fn flags(&self) -> u32 {
        u32::from(self.n) << 31 | u32::from(self.z) << 30 | u32::from(self.c) << 29 | u32::from(self.v) << 28
    }

    /// Sets the flags as they were saved.
    pub(super) fn set_flags(&mut self, status: u32) {
        (self.n, self.z) = (status >> 31 == 1, status >> 30 & 1 == 1);
        (self.c, self.v) = (status >> 29 & 1 == 1, status >> 28 & 1 == 1);
    }

    /// Branches to an address whose lowest bit says that it is Thumb, the only instruction set of this core.
    fn branch(&mut self, address: u32) -> Result<(), Trap> {
        self.r[PC] = address & !1;
        if address & 1 == 1 { Ok(()) } else { Err(Trap::NotThumb) }
    }

    /// The same, where a magic address ends the exception that is handled.
    fn branch_or_return(&mut self, address: u32) -> Result<(), Trap> {
        if self.exception != 0 && address & MAGIC == MAGIC {
            return Err(Trap::Return(address));
        }
        self.branch(address)
    }

    fn read<B: Bus>(&self, bus: &mut B, address: u32, size: Size) -> Result<u32, Trap> {
        if address & (size.bytes() - 1) != 0 {
            return Err(Trap::Fault);
        }
        bus.read(address, size, self.cycles).ok_or(Trap::Fault)
    }

    fn write<B: Bus>(&mut self, bus: &mut B, address: u32, size: Size, value: u32) -> Result<(), Trap> {
        if address & (size.bytes() - 1) != 0 {
            return Err(Trap::Fault);
        }
        self.cycles += bus.write(address, size, value, self.cycles).ok_or(Trap::Fault)?;
        Ok(())
    }

    /// Does one instruction. What it traps into is the caller's to deal with; the address of the next instruction is
    /// the one behind it then, but for a fault of its own, where it is that of the instruction itself.
    ///
    /// # Errors
    /// It needs more than a core alone.
    #[inline(always)]
    pub(super) fn step<B: Bus>(&mut self, bus: &mut B) -> Result<(), Trap> {
        let here = self.r[PC];
        let op = bus.fetch(here);
        self.cycles += 1;
        self.r[PC] = here.wrapping_add(2);
        let done = self.execute(bus, op, here);
        if done == Err(Trap::Fault) {
            self.r[PC] = here;
        }
        done
    }

    /// What an instruction does beyond its first cycle.
    #[inline(always)]
    fn execute<B: Bus>(&mut self, bus: &mut B, op: Op, here: u32) -> Result<(), Trap> {
        match op {
            Op::Fresh | Op::Undefined => return Err(Trap::Fault),
            Op::LslImm { d, m, by } => {
                let value = self.shift_left(self.low(m), by.into());
                self.set(d, value);
            }
            Op::LsrImm { d, m, by } => {
                let value = self.shift_right(self.low(m), by.into());
                self.set(d, value);
            }
            Op::AsrImm { d, m, by } => {
                let value = self.shift_signed(self.low(m), by.into());
                self.set(d, value);
            }
            Op::AddReg { d, n, m } => {
                let value = self.sum(self.low(n), self.low(m), false);
                self.set(d, value);
            }
            Op::SubReg { d, n, m } => {
                let value = self.sum(self.low(n), !self.low(m), true);
                self.set(d, value);
            }
            Op::AddImm { d, n, imm } => {
                let value = self.sum(self.low(n), imm.into(), false);
                self.set(d, value);
            }
            Op::SubImm { d, n, imm } => {
                let value = self.sum(self.low(n), !u32::from(imm), true);
                self.set(d, value);
            }
            Op::MovImm { d, imm } => {
                let value = self.nz(imm.into());
                self.set(d, value);
            }
            Op::CmpImm { n, imm } => {
                self.sum(self.low(n), !u32::from(imm), true);
            }
            Op::And { d, m } => {
                let value = self.nz(self.low(d) & self.low(m));
                self.set(d, value);
            }
            Op::Eor { d, m } => {
                let value = self.nz(self.low(d) ^ self.low(m));
                self.set(d, value);
            }
            Op::Lsl { d, m } => {
                let value = self.shift_left(self.low(d), self.low(m) & 0xff);
                self.set(d, value);
            }
            Op::Lsr { d, m } => {
                let value = self.shift_right(self.low(d), self.low(m) & 0xff);
                self.set(d, value);
            }
            Op::Asr { d, m } => {
                let value = self.shift_signed(self.low(d), self.low(m) & 0xff);
                self.set(d, value);
            }
            Op::Ror { d, m } => {
                let value = self.rotate(self.low(d), self.low(m) & 0xff);
                self.set(d, value);
            }
            Op::Adc { d, m } => {
                let value = self.sum(self.low(d), self.low(m), self.c);
                self.set(d, value);
            }
            Op::Sbc { d, m } => {
                let value = self.sum(self.low(d), !self.low(m), self.c);
                self.set(d, value);
            }
            Op::Tst { n, m } => {
                self.nz(self.low(n) & self.low(m));
            }
            Op::Rsb { d, n } => {
                let value = self.sum(!self.low(n), 0, true);
                self.set(d, value);
            }
            Op::Cmp { n, m } => {
                self.sum(self.operand(n, here), !self.operand(m, here), true);
            }
            Op::Cmn { n, m } => {
                self.sum(self.low(n), self.low(m), false);
            }
            Op::Orr { d, m } => {
                let value = self.nz(self.low(d) | self.low(m));
                self.set(d, value);
            }
            Op::Mul { d, m } => {
                let value = self.nz(self.low(d).wrapping_mul(self.low(m)));
                self.set(d, value);
            }
            Op::Bic { d, m } => {
                let value = self.nz(self.low(d) & !self.low(m));
                self.set(d, value);
            }
            Op::Mvn { d, m } => {
                let value = self.nz(!self.low(m));
                self.set(d, value);
            }
            Op::Add { d, m } => {
                let value = self.operand(d, here).wrapping_add(self.operand(m, here));
                self.moved(d, value);
            }
            Op::Mov { d, m } => {
                let value = self.operand(m, here);
                self.moved(d, value);
            }
            Op::Bx { m } => {
                self.cycles += 2;
                return self.branch_or_return(self.operand(m, here));
            }
            Op::Blx { m } => {
                self.cycles += 2;
                let to = self.operand(m, here);
                self.r[LR] = here.wrapping_add(2) | 1;
                return self.branch(to);
            }
            Op::LdrLiteral { t, imm } => {
                let address = (here.wrapping_add(4) & !3).wrapping_add(imm.into());
                let value = self.read(bus, address, Size::Word)?;
                self.cycles += 1;
                self.set(t, value);
            }
            Op::StoreReg { size, t, n, m } => {
                let address = self.low(n).wrapping_add(self.low(m));
                self.write(bus, address, size, self.low(t))?;
                self.cycles += 1;
            }
            Op::LoadReg { size, signed, t, n, m } => {
                let address = self.low(n).wrapping_add(self.low(m));
                let value = self.read(bus, address, size)?;
                self.cycles += 1;
                let value = match (signed, size) {
                    (true, Size::Byte) => value as i8 as u32,
                    (true, Size::Half) => value as i16 as u32,
                    (true, Size::Word) | (false, _) => value,
                };
                self.set(t, value);
            }
            Op::StoreImm { size, t, n, imm } => {
                let address = self.low(n).wrapping_add(imm.into());
                self.write(bus, address, size, self.low(t))?;
                self.cycles += 1;
            }
            Op::LoadImm { size, t, n, imm } => {
                let address = self.low(n).wrapping_add(imm.into());
                let value = self.read(bus, address, size)?;
                self.cycles += 1;
                self.set(t, value);
            }
            Op::Adr { d, imm } => self.set(d, (here.wrapping_add(4) & !3).wrapping_add(imm.into())),
            Op::AddSp { d, imm } => self.set(d, self.r[SP].wrapping_add(imm.into())),
            Op::MoveSp { by } => self.r[SP] = self.r[SP].wrapping_add_signed(by.into()),
            Op::Sxth { d, m } => self.set(d, self.low(m) as i16 as u32),
            Op::Sxtb { d, m } => self.set(d, self.low(m) as i8 as u32),
            Op::Uxth { d, m } => self.set(d, self.low(m) & 0xffff),
            Op::Uxtb { d, m } => self.set(d, self.low(m) & 0xff),
            Op::Push { list } => self.push(bus, list)?,
            Op::Pop { list } => {
                let address = self.load_list(bus, self.r[SP], list & 0xff)?;
                if list >> 8 & 1 == 1 {
                    let to = self.read(bus, address, Size::Word)?;
                    // 4 + N, where the program counter is one of the N.
                    self.cycles += 4;
                    self.r[SP] = address.wrapping_add(4);
                    return self.branch_or_return(to);
                }
                self.r[SP] = address;
            }
            Op::Cps { disable } => {
                self.primask = disable;
                return Err(Trap::Masked);
            }
            Op::Rev { d, m } => self.set(d, self.low(m).swap_bytes()),
            Op::Rev16 { d, m } => self.set(d, self.low(m).swap_bytes().rotate_left(16)),
            Op::Revsh { d, m } => self.set(d, (self.low(m) as u16).swap_bytes() as i16 as u32),
            Op::Bkpt => {
                self.r[PC] = here;
                return Err(Trap::Breakpoint);
            }
            Op::Nop => {}
            Op::Wfe => {
                self.cycles += 1;
                return Err(Trap::WaitForEvent);
            }
            Op::Wfi => {
                self.cycles += 1;
                return Err(Trap::WaitForInterrupt);
            }
            Op::Sev => return Err(Trap::SendEvent),
            Op::Stm { n, list } => {
                let mut address = self.low(n);
                let mut left = list;
                while left != 0 {
                    self.write(bus, address, Size::Word, self.r[left.trailing_zeros() as usize])?;
                    self.cycles += 1;
                    address = address.wrapping_add(4);
                    left &= left - 1;
                }
                self.set(n, address);
            }
            Op::Ldm { n, list } => {
                let address = self.load_list(bus, self.low(n), list.into())?;
                if list >> n & 1 == 0 {
                    self.set(n, address);
                }
            }
            Op::Branch { condition, by } => {
                if self.holds(condition) {
                    self.cycles += 2;
                    self.r[PC] = here.wrapping_add(4).wrapping_add_signed(by.into());
                }
            }
            Op::Svc => return Err(Trap::Call),
            Op::B { by } => {
                self.cycles += 2;
                self.r[PC] = here.wrapping_add(4).wrapping_add_signed(by.into());
            }
            Op::Bl { by } => {
                self.cycles += 3;
                self.r[LR] = here.wrapping_add(4) | 1;
                self.r[PC] = here.wrapping_add(4).wrapping_add_signed(by);
            }
            Op::Msr { system, n } => {
                self.cycles += 3;
                self.r[PC] = here.wrapping_add(4);
                self.set_special(system, self.low(n));
                return Err(Trap::Masked);
            }
            Op::Mrs { d, system } => {
                self.cycles += 3;
                self.r[PC] = here.wrapping_add(4);
                let value = self.special(system);
                self.set(d, value);
            }
            Op::Barrier => {
                self.cycles += 3;
                self.r[PC] = here.wrapping_add(4);
            }
        }
        Ok(())
    }

    /// Puts registers onto the stack, the lowest at the lowest address; the stack pointer moves once all are there.
    fn push<B: Bus>(&mut self, bus: &mut B, list: u16) -> Result<(), Trap> {
        let bottom = self.r[SP].wrapping_sub(4 * list.count_ones());
        let (mut address, mut left) = (bottom, list);
        while left != 0 {
            let bit = left.trailing_zeros() as usize;
            let register = if bit == 8 { LR } else { bit };
            self.write(bus, address, Size::Word, self.r[register])?;
            self.cycles += 1;
            address = address.wrapping_add(4);
            left &= left - 1;
        }
        self.r[SP] = bottom;
        Ok(())
    }

    /// Loads low registers from consecutive words, and hands out the address behind them.
    fn load_list<B: Bus>(&mut self, bus: &mut B, mut address: u32, list: u16) -> Result<u32, Trap> {
        let mut left = list;
        while left != 0 {
            self.r[left.trailing_zeros() as usize & 15] = self.read(bus, address, Size::Word)?;
            self.cycles += 1;
            address = address.wrapping_add(4);
            left &= left - 1;
        }
        Ok(address)
    }

    /// Of an instruction at `here`, a register as it reads it.
    fn operand(&self, register: u8, here: u32) -> u32 {
        if register == 15 { here.wrapping_add(4) } else { self.low(register) }
    }

    /// Sets any register without flags; to set the program counter is to branch.
    fn moved(&mut self, d: u8, value: u32) {
        if d == 15 {
            self.cycles += 2;
            self.r[PC] = value & !1;
        } else if d == 13 {
            self.r[SP] = value & !3;
        } else {
            self.set(d, value);
        }
    }

    /// The stack pointers: the main one, and that of processes.
    pub(super) fn stacks(&self) -> (u32, u32) {
        let in_use = self.r[SP];
        if self.uses_process_stack() { (self.other_sp, in_use) } else { (in_use, self.other_sp) }
    }

    /// Handlers always use the main one.
    fn uses_process_stack(&self) -> bool {
        self.process_stack && self.exception == 0
    }

    /// A special register by its number in `MRS`.
    pub(super) fn special(&self, system: u8) -> u32 {
        let exception = u32::from(self.exception);
        match system {
            // xPSR in its combinations; the execution state reads as nought.
            0 | 2 => self.flags(),
            1 | 3 => self.flags() | exception,
            5 | 7 => exception,
            8 => self.stacks().0,
            9 => self.stacks().1,
            16 => u32::from(self.primask),
            // A Cortex-M0 has no unprivileged code.
            20 => u32::from(self.process_stack) << 1,
            _ => 0,
        }
    }

    /// Sets a special register by its number in `MSR`.
    pub(super) fn set_special(&mut self, system: u8, value: u32) {
        match system {
            0..=3 => self.set_flags(value),
            8 | 9 => {
                let in_use = self.uses_process_stack() == (system == 9);
                *(if in_use { &mut self.r[SP] } else { &mut self.other_sp }) = value & !3;
            }
            16 => self.primask = value & 1 == 1,
            20 => {
                let wanted = value & 2 != 0;
                if self.exception == 0 && wanted != self.process_stack {
                    std::mem::swap(&mut self.r[SP], &mut self.other_sp);
                    self.process_stack = wanted;
                }
            }
            _ => {}
        }
    }
}
