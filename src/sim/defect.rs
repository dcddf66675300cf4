//! Things that locks get wrong, to be switched on one by one.

use crate::lock::named_enum;

named_enum! {
    /// One fault of a simulated lock; each mirrors a known failure of reset flows.
    Defect {
        /// A user code survives the reset (connectedhomeip PR 37900).
        ResidualUser = "residual-user",
        /// The app's binding survives (miot-plugin-sdk 1520).
        AppBindingSurvives = "app-binding-survives",
        /// The hub's binding survives.
        HubBindingSurvives = "hub-binding-survives",
        /// Half the hold is enough.
        ShortHoldResets = "short-hold-resets",
        /// The documented hold is not enough.
        LongHoldNeeded = "long-hold-needed",
        /// Nothing confirms the reset.
        SilentReset = "silent-reset",
        /// It confirms as documented and erases nothing.
        ConfirmsWithoutErasing = "confirms-without-erasing",
        /// The confirming light stays on.
        StuckLight = "stuck-light",
        /// A pull of the batteries ends the lockout.
        LockoutForgotten = "lockout-forgotten",
        /// A restart erases codes.
        RestartErases = "restart-erases",
        /// New batteries erase codes.
        BatteryChangeErases = "battery-change-erases",
        /// The bolt opens during the reset.
        BoltOpensDuringReset = "bolt-opens-during-reset",
        /// Anybody may reset by app (Nuki CVE-2022-32507).
        AnyRoleMayReset = "any-role-may-reset",
        /// Ownership is not asked for.
        OwnershipIgnored = "ownership-ignored",
        /// The app's reset works without its network.
        OfflineResetAccepted = "offline-reset-accepted",
        /// A wrong code or proof resets.
        WrongCodeResets = "wrong-code-resets",
        /// It can't be set up again.
        SetupRefused = "setup-refused",
        /// The documented default code does not work.
        DefaultCodeDead = "default-code-dead",
        /// Any code opens after the reset, undocumented.
        OpensForAnyCode = "opens-for-any-code",
        /// The hub is not told (zipgateway PR 40).
        SilentLeave = "silent-leave",
        /// A power cut leaves half of the data.
        HalfErased = "half-erased",
        /// Wrong codes have no consequence.
        NoLockout = "no-lockout",
        /// Half a turn of the knob is enough.
        HalfTurnResets = "half-turn-resets",
    }
}
