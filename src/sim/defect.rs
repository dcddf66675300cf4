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
        /// What was typed or pressed of a reset before the supply dropped out still counts after it.
        SequenceOutlastsDropout = "sequence-outlasts-dropout",
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
        /// The erase stops after slot 8: codes in higher slots survive.
        EraseStopsAtEight = "erase-stops-at-eight",
        /// The erase leaves out the very last slot.
        LastSlotSkipped = "last-slot-skipped",
        /// The erase stops at the first empty slot: codes behind it survive.
        EraseStopsAtGap = "erase-stops-at-gap",
        /// The erase leaves out every second code.
        EveryOtherSkipped = "every-other-skipped",
        /// Codes that were added at the keypad survive the reset.
        KeypadCodesSurvive = "keypad-codes-survive",
        /// Codes that were added by app or hub survive the reset, and only those of the keypad go.
        RadioCodesSurvive = "radio-codes-survive",
        /// A code still opens after another one was stored in its slot.
        OverwrittenCodeOpens = "overwritten-code-opens",
        /// The reset brings back codes that were removed or replaced before it.
        HistoryReturns = "history-returns",
        /// The reset takes out the owner's app only: an admin's or a guest's stays bound.
        OtherRolesKept = "other-roles-kept",
        /// On a lock with app and hub the reset stops after the app: the hub stays bound.
        OneRadioCleared = "one-radio-cleared",
        /// The reset brings back the master code before the last one.
        MasterFallsBack = "master-falls-back",
        /// The count of wrong codes survives the reset.
        WrongCountSurvives = "wrong-count-survives",
        /// The reset forgets to clear the hand of the door that it was taught.
        HandSurvives = "hand-survives",
        /// An hour after the reset the old codes are written back from a cache.
        BackAfterAnHour = "back-after-an-hour",
        /// Old codes are back at the second start after the reset.
        BackAtSecondStart = "back-at-second-start",
        /// App and hub are bound again at the third start after the reset.
        BindingsBackAtThirdStart = "bindings-back-at-third-start",
        /// Old codes are back once a lockout has ended.
        BackAfterLockout = "back-after-lockout",
        /// Old codes are back once the supply runs low.
        BackAtLowVoltage = "back-at-low-voltage",
        /// Old codes are back once another code has opened the lock.
        BackWhenCodeUsed = "back-when-code-used",
        /// Old codes are back once an app or hub is paired.
        BackWhenPaired = "back-when-paired",
        /// An old code opens again once its slot is filled again.
        BackInSameSlot = "back-in-same-slot",
        /// An app or hub bound before the reset can still remove codes.
        OldBindingRemovesCodes = "old-binding-removes-codes",
        /// An app or hub bound before the reset can still set the master code.
        OldBindingSetsMaster = "old-binding-sets-master",
        /// An app or hub bound before the reset can still reset it.
        OldBindingResets = "old-binding-resets",
        /// An app or hub bound before the reset is refused once, and obeyed from then on.
        ObeysSecondAsking = "obeys-second-asking",
        /// An admin bound before the reset is still obeyed, though an owner is not.
        OldAdminObeyed = "old-admin-obeyed",
        /// After the reset an unbound guest may do what an admin may.
        OldGuestObeyed = "old-guest-obeyed",
        /// Anybody who is bound may set the master code.
        AnyRoleSetsMaster = "any-role-sets-master",
        /// A code that it refuses while nobody is bound is stored once somebody is.
        RefusedCodeStoredLater = "refused-code-stored-later",
        /// A code that comes in while it erases is stored when the erase is over.
        RequestUnderWayDone = "request-under-way-done",
        /// An app or hub that was unpaired is still obeyed.
        UnpairedStillObeyed = "unpaired-still-obeyed",
        /// The beginning of a code opens it.
        PrefixOpens = "prefix-opens",
        /// A code followed by any further digits opens it.
        LongerCodeOpens = "longer-code-opens",
        /// Any digits followed by a code open it.
        LeadingDigitsIgnored = "leading-digits-ignored",
        /// A code with a wrong last digit opens it.
        LastDigitUnread = "last-digit-unread",
        /// A code with a wrong first digit opens it.
        FirstDigitUnread = "first-digit-unread",
        /// Only the first four digits of a longer code have to be right.
        FourDigitsCompared = "four-digits-compared",
        /// A code of the same length and the same sum of digits opens it.
        ChecksumOpens = "checksum-opens",
        /// The key that ends a code opens it with no code before it.
        EmptyEntryOpens = "empty-entry-opens",
        /// After a reset a code of zeros opens it.
        ZerosOpen = "zeros-open",
        /// The number of a slot that holds a code opens it.
        SlotNumberOpens = "slot-number-opens",
        /// The bolt opens when a code is added in the menu.
        MenuEntryOpens = "menu-entry-opens",
        /// The lockout takes half as long as stated.
        LockoutHalved = "lockout-halved",
        /// A good code ends the lockout, though it does not open.
        GoodCodeEndsLockout = "good-code-ends-lockout",
        /// A good code opens during the lockout.
        LockedOutStillOpens = "locked-out-still-opens",
        /// The master code ends the lockout.
        MasterEndsLockout = "master-ends-lockout",
        /// A status query ends the lockout.
        StatusEndsLockout = "status-ends-lockout",
        /// A press of the button ends the lockout.
        TapEndsLockout = "tap-ends-lockout",
        /// A loss of power of less than half a second ends the lockout.
        BlipEndsLockout = "blip-ends-lockout",
        /// A pause of ten seconds between two keys ends the lockout.
        PauseEndsLockout = "pause-ends-lockout",
        /// Pulling the batteries clears the count of wrong codes before it is full.
        CountLostWithPower = "count-lost-with-power",
        /// One wrong code too many is allowed before the lockout.
        LockoutOneLate = "lockout-one-late",
        /// There is only one lockout until it is restarted.
        LocksOutOnce = "locks-out-once",
        /// No reset works during a lockout.
        LockoutBlocksReset = "lockout-blocks-reset",
        /// A button may be let go for less than a tenth of a second in the middle of a hold.
        ShortGapCounts = "short-gap-counts",
        /// A hold goes on across a power cut.
        HoldOutlastsCut = "hold-outlasts-cut",
        /// After a hold that was nearly long enough, half a hold is enough.
        NearMissShortens = "near-miss-shortens",
        /// Half the hold is enough while the supply is low.
        LowVoltageHalvesHold = "low-voltage-halves-hold",
        /// A hold of more than five times the stated one does nothing.
        OverlongHoldIgnored = "overlong-hold-ignored",
        /// A hold of more than five times the stated one erases only half.
        OverlongHoldHalves = "overlong-hold-halves",
        /// A button that is held when power comes back resets it at once.
        HeldAtStartErases = "held-at-start-erases",
        /// Two presses within a second reset it.
        TwoTapsErase = "two-taps-erase",
        /// One of two buttons that must be held is enough.
        OneButtonSuffices = "one-button-suffices",
        /// A hold that is released too early erases a code.
        LetGoErasesOne = "let-go-erases-one",
        /// It confirms first, and a power cut right after that leaves everything.
        IntentionInRam = "intention-in-ram",
        /// A power cut during the hold erases half of the codes.
        CutInHoldHalves = "cut-in-hold-halves",
        /// After a reset each restart erases again.
        ErasesAgain = "erases-again",
        /// The bolt opens for a moment when the supply comes back in small steps.
        SlowRiseOpens = "slow-rise-opens",
        /// The bolt opens for a moment when the supply dips.
        DipOpens = "dip-opens",
        /// The bolt opens for a moment when the supply falls just below what it needs.
        BrownOutOpens = "brown-out-opens",
        /// The bolt opens after a power cut that came while it moved.
        CutWhileMovingOpens = "cut-while-moving-opens",
        /// A cell that loses contact for less than a tenth of a second erases codes.
        CellBounceErases = "cell-bounce-erases",
        /// The bolt opens for a moment when the supply runs low.
        LowVoltageOpens = "low-voltage-opens",
        /// Three starts in quick succession reset it.
        CloseStartsReset = "close-starts-reset",
        /// Its answer to a status query has a code in it.
        StatusTellsCode = "status-tells-code",
        /// A refusal quotes the code that it is about.
        RefusalQuotesCode = "refusal-quotes-code",
        /// The console prints what is typed.
        ConsolePrintsLines = "console-prints-lines",
        /// It says each code aloud that is added.
        VoiceSaysNewCode = "voice-says-new-code",
        /// It tells the hub which code opened it.
        HubHearsCode = "hub-hears-code",
        /// The bolt opens for a moment five seconds after a wrong code.
        OpensAfterRefusal = "opens-after-refusal",
        /// The bolt opens for a moment three minutes after a reset.
        OpensMinutesAfterReset = "opens-minutes-after-reset",
        /// The bolt opens for a moment when an app or hub is paired.
        OpensWhenPaired = "opens-when-paired",
        /// The bolt opens for a moment when a wrong code is typed during the lockout.
        OpensInPenalty = "opens-in-penalty",
        /// The bolt opens for 30 ms when the erase ends.
        TwitchesAfterErase = "twitches-after-erase",
    }
}
