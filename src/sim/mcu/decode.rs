//! Instructions of ARMv6-M, decoded once: what a halfword, and for a few the one after it, asks for.
//!
//! Source: ARMv6-M Architecture Reference Manual (DDI 0419), chapter A5.

/// What a core is asked to do. Registers are numbers from 0 to 15, offsets are in bytes; `d` is the destination,
/// `n` and `m` are operands, `t` is what is loaded or stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// Not decoded yet.
    Fresh,
    /// No instruction of this architecture.
    Undefined,
    /// Shift left by a number of bits.
    LslImm { d: u8, m: u8, by: u8 },
    /// Shift right by a number of bits from 1 to 32.
    LsrImm { d: u8, m: u8, by: u8 },
    /// The same, and the sign stays.
    AsrImm { d: u8, m: u8, by: u8 },
    /// Sum of two low registers.
    AddReg { d: u8, n: u8, m: u8 },
    /// Difference of two low registers.
    SubReg { d: u8, n: u8, m: u8 },
    /// Sum of a low register and a number.
    AddImm { d: u8, n: u8, imm: u8 },
    /// Difference of a low register and a number.
    SubImm { d: u8, n: u8, imm: u8 },
    /// A number.
    MovImm { d: u8, imm: u8 },
    /// Flags of the difference of a low register and a number.
    CmpImm { n: u8, imm: u8 },
    /// Bits that both have.
    And { d: u8, m: u8 },
    /// Bits that one of the two has.
    Eor { d: u8, m: u8 },
    /// Shift left by a register.
    Lsl { d: u8, m: u8 },
    /// Shift right by a register.
    Lsr { d: u8, m: u8 },
    /// The same, and the sign stays.
    Asr { d: u8, m: u8 },
    /// Sum with carry.
    Adc { d: u8, m: u8 },
    /// Difference with borrow.
    Sbc { d: u8, m: u8 },
    /// Rotate right by a register.
    Ror { d: u8, m: u8 },
    /// Flags of the bits that both have.
    Tst { n: u8, m: u8 },
    /// The negative.
    Rsb { d: u8, n: u8 },
    /// Flags of the difference of any two registers.
    Cmp { n: u8, m: u8 },
    /// Flags of the sum.
    Cmn { n: u8, m: u8 },
    /// Bits that any of the two has.
    Orr { d: u8, m: u8 },
    /// Product.
    Mul { d: u8, m: u8 },
    /// Bits that the second does not have.
    Bic { d: u8, m: u8 },
    /// The complement.
    Mvn { d: u8, m: u8 },
    /// Sum of any two registers, and no flags.
    Add { d: u8, m: u8 },
    /// Any register to any other, and no flags.
    Mov { d: u8, m: u8 },
    /// Branch to where a register says.
    Bx { m: u8 },
    /// The same, with a link back.
    Blx { m: u8 },
    /// Load a word that lies behind the code.
    LdrLiteral { t: u8, imm: u16 },
    /// Store at the sum of two registers.
    StoreReg { size: Size, t: u8, n: u8, m: u8 },
    /// Load from the sum of two registers.
    LoadReg { size: Size, signed: bool, t: u8, n: u8, m: u8 },
    /// Store at an offset from a register.
    StoreImm { size: Size, t: u8, n: u8, imm: u16 },
    /// Load from an offset from a register.
    LoadImm { size: Size, t: u8, n: u8, imm: u16 },
    /// An address behind the code.
    Adr { d: u8, imm: u16 },
    /// An address above the stack pointer.
    AddSp { d: u8, imm: u16 },
    /// Moves the stack pointer.
    MoveSp { by: i16 },
    /// The lower halfword with its sign.
    Sxth { d: u8, m: u8 },
    /// The lowest byte with its sign.
    Sxtb { d: u8, m: u8 },
    /// The lower halfword.
    Uxth { d: u8, m: u8 },
    /// The lowest byte.
    Uxtb { d: u8, m: u8 },
    /// Registers onto the stack, a bit each; bit 8 is the link register.
    Push { list: u16 },
    /// Registers from the stack; bit 8 is the program counter.
    Pop { list: u16 },
    /// Masks interrupts, or lets them through.
    Cps { disable: bool },
    /// Bytes of a word the other way round.
    Rev { d: u8, m: u8 },
    /// Bytes of each halfword.
    Rev16 { d: u8, m: u8 },
    /// Bytes of the lower halfword, with its sign.
    Revsh { d: u8, m: u8 },
    /// A breakpoint.
    Bkpt,
    /// Nothing: also hints that are none to this core.
    Nop,
    /// Waits for an event.
    Wfe,
    /// Waits for an interrupt.
    Wfi,
    /// Sends an event.
    Sev,
    /// Low registers to consecutive words, a bit each.
    Stm { n: u8, list: u8 },
    /// Low registers from consecutive words.
    Ldm { n: u8, list: u8 },
    /// Branch if a condition holds.
    Branch { condition: u8, by: i16 },
    /// Calls the supervisor.
    Svc,
    /// Branch.
    B { by: i16 },
    /// Branch with a link back.
    Bl { by: i32 },
    /// Sets a special register.
    Msr { system: u8, n: u8 },
    /// Reads a special register.
    Mrs { d: u8, system: u8 },
    /// Waits until memory and pipeline are in order, which here they always are.
    Barrier,
}

/// How much is read or written at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// 8 bits.
    Byte,
    /// 16 bits.
    Half,
    /// 32 bits.
    Word,
}

impl Size {
    /// In bytes.
    pub(super) const fn bytes(self) -> u32 {
        match self {
            Self::Byte => 1,
            Self::Half => 2,
            Self::Word => 4,
        }
    }
}

/// Whether an instruction has a second halfword.
const fn is_wide(first: u16) -> bool {
    first >> 11 >= 0b11101
}

/// Of a halfword, and the one behind it, which counts for a wide instruction only.
pub(super) const fn decode(first: u16, second: u16) -> Op {
    if is_wide(first) {
        return wide(first, second);
    }
    let (imm5, imm8) = ((first >> 6 & 31) as u8, (first & 0xff) as u8);
    let (d, n, m) = (first as u8 & 7, (first >> 3 & 7) as u8, (first >> 6 & 7) as u8);
    let t = (first >> 8 & 7) as u8;
    match first >> 11 {
        0b00000 => Op::LslImm { d, m: n, by: imm5 },
        // Nought stands for 32.
        0b00001 => Op::LsrImm { d, m: n, by: if imm5 == 0 { 32 } else { imm5 } },
        0b00010 => Op::AsrImm { d, m: n, by: if imm5 == 0 { 32 } else { imm5 } },
        0b00011 => match first >> 9 & 3 {
            0 => Op::AddReg { d, n, m },
            1 => Op::SubReg { d, n, m },
            2 => Op::AddImm { d, n, imm: m },
            _ => Op::SubImm { d, n, imm: m },
        },
        0b00100 => Op::MovImm { d: t, imm: imm8 },
        0b00101 => Op::CmpImm { n: t, imm: imm8 },
        0b00110 => Op::AddImm { d: t, n: t, imm: imm8 },
        0b00111 => Op::SubImm { d: t, n: t, imm: imm8 },
        0b01000 => by_registers(first),
        0b01001 => Op::LdrLiteral { t, imm: (imm8 as u16) << 2 },
        0b01010 | 0b01011 => at_the_sum(first >> 9 & 7, d, n, m),
        0b01100 => Op::StoreImm { size: Size::Word, t: d, n, imm: (imm5 as u16) << 2 },
        0b01101 => Op::LoadImm { size: Size::Word, t: d, n, imm: (imm5 as u16) << 2 },
        0b01110 => Op::StoreImm { size: Size::Byte, t: d, n, imm: imm5 as u16 },
        0b01111 => Op::LoadImm { size: Size::Byte, t: d, n, imm: imm5 as u16 },
        0b10000 => Op::StoreImm { size: Size::Half, t: d, n, imm: (imm5 as u16) << 1 },
        0b10001 => Op::LoadImm { size: Size::Half, t: d, n, imm: (imm5 as u16) << 1 },
        0b10010 => Op::StoreImm { size: Size::Word, t, n: 13, imm: (imm8 as u16) << 2 },
        0b10011 => Op::LoadImm { size: Size::Word, t, n: 13, imm: (imm8 as u16) << 2 },
        0b10100 => Op::Adr { d: t, imm: (imm8 as u16) << 2 },
        0b10101 => Op::AddSp { d: t, imm: (imm8 as u16) << 2 },
        0b10110 | 0b10111 => miscellaneous(first),
        0b11000 => Op::Stm { n: t, list: imm8 },
        0b11001 => Op::Ldm { n: t, list: imm8 },
        0b11010 | 0b11011 => match first >> 8 & 15 {
            14 => Op::Undefined,
            15 => Op::Svc,
            condition => Op::Branch { condition: condition as u8, by: (imm8 as i8 as i16) << 1 },
        },
        0b11100 => Op::B { by: ((first << 5) as i16) >> 4 },
        _ => Op::Undefined,
    }
}

/// Data processing with two registers, and branches to where one says.
const fn by_registers(first: u16) -> Op {
    let (d, m) = (first as u8 & 7, (first >> 3 & 7) as u8);
    // Any of sixteen.
    let (high_d, high_m) = ((first >> 4 & 8 | first & 7) as u8, (first >> 3 & 15) as u8);
    match first >> 6 & 31 {
        0 => Op::And { d, m },
        1 => Op::Eor { d, m },
        2 => Op::Lsl { d, m },
        3 => Op::Lsr { d, m },
        4 => Op::Asr { d, m },
        5 => Op::Adc { d, m },
        6 => Op::Sbc { d, m },
        7 => Op::Ror { d, m },
        8 => Op::Tst { n: d, m },
        9 => Op::Rsb { d, n: m },
        10 => Op::Cmp { n: d, m },
        11 => Op::Cmn { n: d, m },
        12 => Op::Orr { d, m },
        13 => Op::Mul { d, m },
        14 => Op::Bic { d, m },
        15 => Op::Mvn { d, m },
        16..=19 => Op::Add { d: high_d, m: high_m },
        20..=23 => Op::Cmp { n: high_d, m: high_m },
        24..=27 => Op::Mov { d: high_d, m: high_m },
        28 | 29 => Op::Bx { m: high_m },
        _ => Op::Blx { m: high_m },
    }
}

/// Loads and stores whose address is the sum of two registers.
const fn at_the_sum(kind: u16, t: u8, n: u8, m: u8) -> Op {
    match kind {
        0 => Op::StoreReg { size: Size::Word, t, n, m },
        1 => Op::StoreReg { size: Size::Half, t, n, m },
        2 => Op::StoreReg { size: Size::Byte, t, n, m },
        3 => Op::LoadReg { size: Size::Byte, signed: true, t, n, m },
        4 => Op::LoadReg { size: Size::Word, signed: false, t, n, m },
        5 => Op::LoadReg { size: Size::Half, signed: false, t, n, m },
        6 => Op::LoadReg { size: Size::Byte, signed: false, t, n, m },
        _ => Op::LoadReg { size: Size::Half, signed: true, t, n, m },
    }
}

/// Chapter A5.2.5.
const fn miscellaneous(first: u16) -> Op {
    let (d, m) = (first as u8 & 7, (first >> 3 & 7) as u8);
    let by = ((first & 0x7f) << 2) as i16;
    match first >> 5 & 0x7f {
        0b0000000..=0b0000011 => Op::MoveSp { by },
        0b0000100..=0b0000111 => Op::MoveSp { by: -by },
        0b0010000 | 0b0010001 => Op::Sxth { d, m },
        0b0010010 | 0b0010011 => Op::Sxtb { d, m },
        0b0010100 | 0b0010101 => Op::Uxth { d, m },
        0b0010110 | 0b0010111 => Op::Uxtb { d, m },
        0b0100000..=0b0101111 => Op::Push { list: first & 0x1ff },
        0b0110011 => Op::Cps { disable: first & 0x10 != 0 },
        0b1010000 | 0b1010001 => Op::Rev { d, m },
        0b1010010 | 0b1010011 => Op::Rev16 { d, m },
        0b1010110 | 0b1010111 => Op::Revsh { d, m },
        0b1100000..=0b1101111 => Op::Pop { list: first & 0x1ff },
        0b1110000..=0b1110111 => Op::Bkpt,
        0b1111000..=0b1111111 => match first & 0xff {
            0x20 => Op::Wfe,
            0x30 => Op::Wfi,
            0x40 => Op::Sev,
            hint if hint & 15 == 0 => Op::Nop,
            _ => Op::Undefined,
        },
        _ => Op::Undefined,
    }
}

/// The few instructions with two halfwords.
const fn wide(first: u16, second: u16) -> Op {
    if first >> 11 != 0b11110 || second >> 15 != 1 {
        return Op::Undefined;
    }
    if second >> 12 & 5 == 5 {
        let s = (first >> 10 & 1) as u32;
        let (j1, j2) = ((second >> 13 & 1) as u32, (second >> 11 & 1) as u32);
        let (i1, i2) = (1 ^ j1 ^ s, 1 ^ j2 ^ s);
        let high = s << 24 | i1 << 23 | i2 << 22 | ((first & 0x3ff) as u32) << 12;
        let by = high | ((second & 0x7ff) as u32) << 1;
        return Op::Bl { by: ((by << 7) as i32) >> 7 };
    }
    let (system, register) = (second as u8, (second >> 8 & 15) as u8);
    match first {
        0xf380..=0xf38f if second >> 8 & 0xf0 == 0x80 => Op::Msr { system, n: (first & 15) as u8 },
        0xf3ef if second >> 12 == 8 => Op::Mrs { d: register, system },
        0xf3bf if second >> 8 == 0x8f && matches!(second >> 4 & 15, 4..=6) => Op::Barrier,
        _ => Op::Undefined,
    }
}
