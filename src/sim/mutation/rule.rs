//! The rules of a sound lock, each as a sentence that a mutant makes untrue.

use crate::lock::named_enum;

named_enum! {
    /// One rule of the simulated locks: something that they do, check, count or wait for.
    Rule {
        // A reset.
        /// A reset erases the codes.
        EraseCodes = "erase-codes",
        /// A reset erases the master code.
        EraseMaster = "erase-master",
        /// A reset erases the app's binding.
        EraseApp = "erase-app",
        /// A reset erases the hub's binding.
        EraseHub = "erase-hub",
        /// After a reset it is fresh, and any code opens it until the first is added.
        EraseFresh = "erase-fresh",
        /// A reset clears the count of wrong codes.
        EraseWrongCount = "erase-wrong-count",
        /// Only a lock that must be taught its hand has to be taught it after a reset.
        EraseHand = "erase-hand",
        /// An erase goes on to its last step.
        EraseEnd = "erase-end",
        /// It notes that an erase has begun, before anything is erased.
        NoteErasing = "note-erasing",
        /// It notes that an erase has ended.
        NoteErased = "note-erased",
        /// An erase that was cut short goes on at the next start.
        ResumeErase = "resume-erase",
        /// A reset that leaves the codes leaves them.
        SpareCodes = "spare-codes",
        /// A reset that leaves the app bound leaves it.
        SpareApp = "spare-app",
        /// The hub is told of a reset.
        TellHub = "tell-hub",
        /// It refuses a reset while its app is bound, if its manual says so.
        RefuseWhileBound = "refuse-while-bound",
        /// A reset is confirmed.
        Confirm = "confirm",
        /// The confirming light has its colour.
        ConfirmColour = "confirm-colour",
        /// It confirms with so many beeps.
        ConfirmBeeps = "confirm-beeps",
        /// The confirming light goes off.
        ConfirmLightEnds = "confirm-light-ends",
        /// It gives a cue in the middle of what resets it.
        StageCue = "stage-cue",

        // A loss of power.
        /// Codes outlast a loss of power.
        KeepCodes = "keep-codes",
        /// The master code outlasts a loss of power.
        KeepMaster = "keep-master",
        /// The app's binding outlasts a loss of power.
        KeepApp = "keep-app",
        /// The hub's binding outlasts a loss of power.
        KeepHub = "keep-hub",
        /// What it was taught of its hand outlasts a loss of power.
        KeepHand = "keep-hand",
        /// That it was set up outlasts a loss of power.
        KeepSetUp = "keep-set-up",
        /// The count of wrong codes outlasts a loss of power.
        KeepWrongCount = "keep-wrong-count",
        /// The rest of a lockout outlasts a loss of power.
        KeepLockout = "keep-lockout",
        /// That an erase has begun outlasts a loss of power.
        KeepErasing = "keep-erasing",
        /// That the maker's proof was used outlasts a loss of power.
        KeepProofUsed = "keep-proof-used",
        /// A sequence goes on after a loss of power if its manual makes that a part of it, and no other does.
        KeepSequence = "keep-sequence",
        /// What is done to it counts only while it has power.
        AwakeOnly = "awake-only",
        /// It runs if the supply has the voltage that it needs.
        EnoughVoltage = "enough-voltage",
        /// It runs if it has the cells that it needs.
        EnoughCells = "enough-cells",
        /// It starts when power returns.
        Boot = "boot",
        /// App and hub are answered only while it runs.
        AnswerRunning = "answer-running",

        // What resets it.
        /// A contact counts once it is still.
        Debounce = "debounce",
        /// A cover that is closed is in the way of its buttons.
        CoverStops = "cover-stops",
        /// A hold must last as long as its manual says.
        HoldTime = "hold-time",
        /// A button must be held when power comes on, or a cell moves.
        HeldThen = "held-then",
        /// Whoever lets go, or presses again, breaks a hold.
        ReleaseBreaks = "release-breaks",
        /// A wrong key breaks a sequence.
        WrongKeyBreaks = "wrong-key-breaks",
        /// A step of a sequence can come too late.
        TooLate = "too-late",
        /// A key counts if it is the next one of the sequence.
        KeyMatches = "key-matches",
        /// A turn counts if it has the right direction.
        TurnDirection = "turn-direction",
        /// A turn counts if it goes far enough.
        TurnFar = "turn-far",
        /// A start counts after a long enough time without power.
        OffLongEnough = "off-long-enough",
        /// A start counts if the button was touched in the right way while there was no power.
        TouchedInTheDark = "touched-in-the-dark",
        /// A cell counts if it is the right one.
        CellMatches = "cell-matches",
        /// The button counts after a valid code.
        CodeEntered = "code-entered",
        /// The app's permission arms the button.
        Arm = "arm",

        // Codes.
        /// A code opens if it is one of those that are stored.
        CodeMatches = "code-matches",
        /// A code that is added is stored.
        AddCode = "add-code",
        /// A code that is removed is gone.
        RemoveCode = "remove-code",
        /// A master code that is set is stored.
        SetMaster = "set-master",
        /// A good code opens the bolt.
        OpenBolt = "open-bolt",
        /// A key throws the bolt.
        ThrowBolt = "throw-bolt",
        /// The bolt is moved once the hand is known.
        HandKnown = "hand-known",
        /// It can be taught its hand.
        TeachHand = "teach-hand",
        /// The default code opens while no code is stored.
        DefaultWithoutCodes = "default-without-codes",
        /// The default code is the one of the manual.
        DefaultMatches = "default-matches",
        /// The default master code is valid while no other is set.
        DefaultMaster = "default-master",
        /// Any code opens while it is fresh.
        OpenWhenFresh = "open-when-fresh",
        /// It is no longer fresh once a code is added.
        FreshEnds = "fresh-ends",
        /// Its first slot has this number.
        FirstSlot = "first-slot",
        /// Its last slot has this number.
        LastSlot = "last-slot",
        /// A code has so many digits at least.
        ShortestCode = "shortest-code",
        /// It looks at a code after so many digits.
        EntryLength = "entry-length",
        /// It looks at a code if its first key was pressed before.
        EntryBegun = "entry-begun",
        /// What was typed before a long pause is forgotten.
        ForgetTyped = "forget-typed",

        // The lockout.
        /// Enough wrong codes begin a lockout.
        LockoutBegins = "lockout-begins",
        /// So many wrong codes are enough.
        LockoutCount = "lockout-count",
        /// A lockout goes on until its time is over.
        LockoutRuns = "lockout-runs",
        /// A lockout lasts as long as its manual says.
        LockoutTime = "lockout-time",
        /// A good code clears the count of wrong ones.
        GoodCodeClears = "good-code-clears",

        // The menu, the service mode and the maker's proof.
        /// The master code opens the menu.
        MenuMaster = "menu-master",
        /// The menu takes a line until it closes by itself.
        MenuInTime = "menu-in-time",
        /// The lines of a reset are these.
        MenuLines = "menu-lines",
        /// The line that teaches the hand is this.
        MenuHandLine = "menu-hand-line",
        /// The service mode needs both buttons.
        ServiceButtons = "service-buttons",
        /// The service mode opens for the master code.
        ServiceMaster = "service-master",
        /// The key that resets in the service mode is this.
        ServiceKey = "service-key",
        /// The maker's proof is taken if the button was held at the start.
        ProofButton = "proof-button",
        /// A proof counts if it is the right one.
        ProofMatches = "proof-matches",
        /// A proof has so many digits.
        ProofLength = "proof-length",
        /// A proof that was used is refused.
        ProofSpent = "proof-spent",
        /// No further proof is taken after one.
        ProofEnds = "proof-ends",

        // App and hub.
        /// An app that is paired is bound.
        BindApp = "bind-app",
        /// A hub that is paired is bound.
        BindHub = "bind-hub",
        /// A second app is refused.
        SecondApp = "second-app",
        /// A second hub is refused.
        SecondHub = "second-hub",
        /// An app that is unpaired is no longer bound.
        UnbindApp = "unbind-app",
        /// A hub that leaves is no longer bound.
        UnbindHub = "unbind-hub",
        /// An app may change something if it is bound.
        AppBound = "app-bound",
        /// A hub may change something if it is bound.
        HubBound = "hub-bound",
        /// Whoever asks for a reset must be bound.
        BoundToReset = "bound-to-reset",
        /// An owner may change something.
        OwnerMayChange = "owner-may-change",
        /// A guest may change something, which a sound lock denies.
        GuestMayChange = "guest-may-change",
        /// Somebody without a role may change something, which a sound lock denies.
        StrangerMayChange = "stranger-may-change",
        /// An owner may reset.
        OwnerMayReset = "owner-may-reset",
        /// An admin may reset, which a sound lock denies.
        AdminMayReset = "admin-may-reset",
        /// A guest may reset, which a sound lock denies.
        GuestMayReset = "guest-may-reset",
        /// Somebody without a role may reset, which a sound lock denies.
        StrangerMayReset = "stranger-may-reset",
        /// A reset without verified ownership is refused.
        RefuseUnverified = "refuse-unverified",
        /// A reset without the network is refused.
        RefuseOffline = "refuse-offline",
        /// A code that comes while it erases is refused.
        RefuseWhileErasing = "refuse-while-erasing",
        /// It says that it is bound if it is.
        TellBond = "tell-bond",
    }
}
