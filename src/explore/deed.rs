//! Something that is done to a lock.

use crate::belief::Bond;
use crate::lock::{Method, Near, named_enum};
use crate::unit::Duration;

named_enum! {
    /// Which deed, whatever its numbers.
    Kind {
        /// A code is added by the model's own operation.
        Add = "add a code",
        /// The app or the hub adds one.
        AddBy = "add a code by radio",
        /// The app or the hub removes one.
        Remove = "remove a code",
        /// A good code is used.
        Use = "use a code",
        /// A code that nobody has is tried.
        Wrong = "try a wrong code",
        /// What is nearly a good code is tried.
        Near = "try nearly a code",
        /// Wrong codes, until the lockout; it is waited for.
        LockOut = "lock out",
        /// The supply is gone for a while.
        Restart = "restart",
        /// The batteries are taken out.
        Batteries = "change batteries",
        /// The supply drops for a while.
        Dip = "dip",
        /// The supply goes down and up slowly.
        Ramp = "ramp",
        /// The supply is gone while the bolt opens.
        CutWhileOpening = "cut the power while it opens",
        /// Nothing is done.
        Wait = "wait",
        /// App or hub ask how things stand.
        Status = "ask for the status",
        /// A guest asks for what only the owner may.
        Guest = "ask as a guest",
        /// A binding is given up.
        Unpair = "unpair",
        /// It is made again.
        Pair = "pair again",
        /// The app's is made again, as an administrator.
        PairAsAdmin = "pair the app as an admin",
        /// Whoever gave up a binding asks for something.
        AskUnpaired = "ask though unpaired",
        /// A hold that is too short.
        ShortHold = "hold too briefly",
        /// A hold that is let go in its middle.
        Interrupted = "interrupt a hold",
        /// A reset during which the power is cut, within its hold.
        Cut = "cut the power in a hold",
        /// A whole reset; the next owner sets the lock up.
        Reset = "reset and set up again",
        /// The same, and whoever was bound before asks for everything in between.
        ResetAndAsk = "reset and ask by old bindings",
        /// A whole reset by another method; the next owner sets the lock up.
        ResetBy = "reset by another method",
        /// Everything is verified.
        Verify = "verify",
    }
}

/// Something that is done to a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A code is added in a slot by the model's own operation.
    Add(u8),
    /// The app or the hub adds one in a slot.
    AddBy(Bond, u8),
    /// The app or the hub removes the so-many-th code.
    Remove(Bond, usize),
    /// The so-many-th code is used.
    Use(usize),
    /// A code that nobody has is tried, and a good one after it.
    Wrong,
    /// What is nearly the so-many-th code is tried, and that code after it.
    Near(usize, Near),
    /// Wrong codes, until the lockout; it is waited for.
    LockOut,
    /// The supply is gone for so long.
    Restart(Duration),
    /// The batteries are out for so long.
    Batteries(Duration),
    /// The supply drops to a share, in percent, for so long.
    Dip(u8, Duration),
    /// The supply goes down and up, each in so long.
    Ramp(Duration),
    /// The so-many-th code is entered, and the supply is gone while the bolt opens.
    CutWhileOpening(usize),
    /// Nothing is done for so long.
    Wait(Duration),
    /// App or hub ask how things stand.
    Status(Bond),
    /// A guest asks for something over the app.
    Guest(&'static str),
    /// A binding is given up.
    Unpair(Bond),
    /// It is made again.
    Pair(Bond),
    /// The app's is made again, as an administrator.
    PairAsAdmin,
    /// Whoever gave up a binding asks for something.
    AskUnpaired(Bond, &'static str),
    /// A hold for a share of its stated time, in percent.
    ShortHold(u8),
    /// A hold that is let go in its middle for so long.
    Interrupted(Duration),
    /// A hold during which the power is cut, after a share of its stated time in percent.
    Cut(u8),
    /// A whole reset, and so long after it the next owner stores so many codes.
    Reset(Duration, u8),
    /// The same, and whoever was bound before asks for everything in between.
    ResetAndAsk(u8),
    /// A whole reset by another method, and the next owner stores so many codes.
    ResetBy(Method, u8),
    /// Everything is verified.
    Verify,
}

impl Deed {
    /// Which it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Add(_) => Kind::Add,
            Self::AddBy(..) => Kind::AddBy,
            Self::Remove(..) => Kind::Remove,
            Self::Use(_) => Kind::Use,
            Self::Wrong => Kind::Wrong,
            Self::Near(..) => Kind::Near,
            Self::LockOut => Kind::LockOut,
            Self::Restart(_) => Kind::Restart,
            Self::Batteries(_) => Kind::Batteries,
            Self::Dip(..) => Kind::Dip,
            Self::Ramp(_) => Kind::Ramp,
            Self::CutWhileOpening(_) => Kind::CutWhileOpening,
            Self::Wait(_) => Kind::Wait,
            Self::Status(_) => Kind::Status,
            Self::Guest(_) => Kind::Guest,
            Self::Unpair(_) => Kind::Unpair,
            Self::Pair(_) => Kind::Pair,
            Self::PairAsAdmin => Kind::PairAsAdmin,
            Self::AskUnpaired(..) => Kind::AskUnpaired,
            Self::ShortHold(_) => Kind::ShortHold,
            Self::Interrupted(_) => Kind::Interrupted,
            Self::Cut(_) => Kind::Cut,
            Self::Reset(..) => Kind::Reset,
            Self::ResetAndAsk(_) => Kind::ResetAndAsk,
            Self::ResetBy(..) => Kind::ResetBy,
            Self::Verify => Kind::Verify,
        }
    }

    /// The same with plainer numbers, the plainest first; nothing if it has none, or is as plain as can be.
    pub fn plainer(&self) -> Vec<Self> {
        let times = |length: Duration, of: fn(Duration) -> Self| {
            let round = [Duration::seconds(1), Duration::seconds(10), Duration::seconds(600)];
            round.into_iter().filter(|plain| *plain < length).map(of).collect()
        };
        match self {
            Self::Restart(off) => times(*off, Self::Restart),
            Self::Batteries(off) => times(*off, Self::Batteries),
            Self::Wait(length) => times(*length, Self::Wait),
            Self::Reset(after, codes) => {
                let plain = Duration::seconds(20);
                let shorter = (*after > plain).then_some(Self::Reset(plain, *codes));
                let fewer = (*codes > 1).then_some(Self::Reset(*after, 1));
                shorter.into_iter().chain(fewer).collect()
            }
            Self::ResetAndAsk(codes) if *codes > 1 => vec![Self::ResetAndAsk(1)],
            Self::ResetBy(_, codes) => vec![Self::Reset(Duration::seconds(20), *codes)],
            Self::Add(slot) if *slot > 5 => vec![Self::Add(5)],
            Self::AddBy(bond, slot) if *slot > 5 => vec![Self::AddBy(*bond, 5)],
            Self::Use(number) if *number > 0 => vec![Self::Use(0)],
            Self::CutWhileOpening(number) if *number > 0 => vec![Self::CutWhileOpening(0)],
            Self::Near(number, near) if *number > 0 => vec![Self::Near(0, *near)],
            Self::Add(_)
            | Self::AddBy(..)
            | Self::Remove(..)
            | Self::Use(_)
            | Self::Wrong
            | Self::Near(..)
            | Self::LockOut
            | Self::Dip(..)
            | Self::Ramp(_)
            | Self::CutWhileOpening(_)
            | Self::Status(_)
            | Self::Guest(_)
            | Self::Unpair(_)
            | Self::Pair(_)
            | Self::PairAsAdmin
            | Self::AskUnpaired(..)
            | Self::ShortHold(_)
            | Self::Interrupted(_)
            | Self::Cut(_)
            | Self::ResetAndAsk(_)
            | Self::Verify => Vec::new(),
        }
    }
}
