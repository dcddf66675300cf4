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
        /// A tap is enough where the manual wants a hold.
        TapResets = "tap-resets",
        /// The documented hold is not enough.
        LongHoldNeeded = "long-hold-needed",
        /// Nothing confirms the reset.
        SilentReset = "silent-reset",
        /// It confirms as documented and erases nothing.
        ConfirmsWithoutErasing = "confirms-without-erasing",
        /// The confirming light stays on.
        StuckLight = "stuck-light",
        /// Pulling the batteries ends the lockout.
        LockoutForgotten = "lockout-forgotten",
        /// A restart erases codes.
        RestartErases = "restart-erases",
        /// New batteries erase codes.
        BatteryChangeErases = "battery-change-erases",
        /// The bolt opens during the reset.
        BoltOpensDuringReset = "bolt-opens-during-reset",
        /// The bolt opens when a hold is released too early.
        OpensWhenLetGo = "opens-when-let-go",
        /// Anybody may reset by app (Nuki CVE-2022-32507).
        AnyRoleMayReset = "any-role-may-reset",
        /// Ownership is not asked for.
        OwnershipIgnored = "ownership-ignored",
        /// The app's reset works without its network.
        OfflineResetAccepted = "offline-reset-accepted",
        /// A reset that it refuses without its network is done a minute later.
        RefusedAndQueued = "refused-and-queued",
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
        /// A lock that was first taken out of the app keeps its codes (TTLock).
        UnboundKeepsCodes = "unbound-keeps-codes",
        /// The erase is in working memory only: everything is back after a battery change.
        ErasedInVain = "erased-in-vain",
        /// It erases only the first time, but confirms every time.
        ErasesOnce = "erases-once",
        /// After a reset the published default code keeps working alongside the owner's codes.
        DefaultStaysAfterReset = "default-stays-after-reset",
        /// Any key is accepted as the last one of a code or proof.
        LastKeyUnread = "last-key-unread",
        /// An app or hub bound before the reset no longer shows as bound, but is still obeyed.
        OldBindingObeyed = "old-binding-obeyed",
        /// It binds a stranger without answering (CVE-2022-36228).
        BindsInSilence = "binds-in-silence",
        /// The bolt opens for a moment when power comes back.
        OpensAtStart = "opens-at-start",
        /// Old codes are only hidden, and come back once a new one is added (Echo Dot flash remnants).
        RemnantReturns = "remnant-returns",
        /// The last key of a code or proof need not be typed (Securam ResetHeist).
        IncompleteCodeResets = "incomplete-code-resets",
        /// Reset codes of other makers open it.
        UniversalCodeOpens = "universal-code-opens",
        /// A stranger can bind it while somebody else is bound (CVE-2022-36228).
        BindsTwice = "binds-twice",
        /// Another hub takes it out of the network that it is in.
        JoinsAnotherNetwork = "joins-another-network",
        /// A code that was removed still opens (Sciener keys outlive their removal).
        RemovedCodeOpens = "removed-code-opens",
        /// A hold that is interrupted half-way still counts.
        InterruptedHoldCounts = "interrupted-hold-counts",
        /// A press with a bouncing contact is ignored.
        BounceIsNoPress = "bounce-is-no-press",
        /// A power cut in the middle of an erase leaves it dead.
        DeadAfterCut = "dead-after-cut",
        /// It can be reset only once.
        SecondResetIgnored = "second-reset-ignored",
        /// The published default code opens it even when it is set up.
        DefaultAlwaysOpens = "default-always-opens",
        /// One press fewer is enough.
        TooFewPressesReset = "too-few-presses-reset",
        /// A status query from the hub erases codes.
        ResyncErases = "resync-erases",
        /// It confirms in another colour.
        WrongColour = "wrong-colour",
        /// It beeps once more than its manual says.
        ExtraBeep = "extra-beep",
        /// A hold that was released too early is confirmed anyway.
        ConfirmsInVain = "confirms-in-vain",
        /// What was typed before a long pause still counts.
        HalfTypedKept = "half-typed-kept",
        /// A maker's proof works more than once (Securam ResetHeist).
        UsedProofResets = "used-proof-resets",
        /// An erase stops half-way if the bolt is jammed.
        JamHalvesErase = "jam-halves-erase",
        /// A reset that begins while the motor runs erases only half.
        MotorHalvesErase = "motor-halves-erase",
        /// A slow bolt clears the count of wrong codes when it stops moving (connectedhomeip 38222).
        LockoutRace = "lockout-race",
        /// The owner's master code survives the reset.
        MasterSurvives = "master-survives",
        /// The debug port hands out what the lock holds (CVE-2022-32506).
        DebugPortOpen = "debug-port-open",
    }
}
