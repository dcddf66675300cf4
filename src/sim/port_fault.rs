//! What can be wrong with the debug port of the reference lock.

use crate::lock::named_enum;

named_enum! {
    /// One fault of a debug port, for a probe's software to be tried on.
    PortFault {
        /// Nothing.
        None = "none",
        /// Every 500th access through the access port is answered with FAULT.
        FaultAnswers = "fault-answers",
        /// The debug domain never acknowledges that it has power.
        NoPowerUp = "no-power-up",
        /// There is no access port behind the debug port.
        NoAccessPort = "no-access-port",
        /// Everything is protected against being read, until everything is erased.
        Protected = "protected",
        /// The chip says that it is another one.
        WrongIdentity = "wrong-identity",
    }
}
