//! Conditions of a reset that a scenario varies.

use super::{Named, named_enum};

named_enum! {
    /// State of the supply during the reset.
    Power {
        /// Nominal voltage.
        Ok = "ok",
        /// The low-battery voltage that the source states.
        Low = "low",
        /// No supply at all.
        None = "none",
    }
}

named_enum! {
    /// Whether the one who resets has shown that the lock is theirs.
    Ownership {
        /// Shown.
        Verified = "verified",
        /// Not shown.
        Unverified = "unverified",
    }
}

named_enum! {
    /// Whether the lock's network is reachable.
    Network {
        /// Reachable.
        Online = "online",
        /// Not reachable.
        Offline = "offline",
    }
}

named_enum! {
    /// On whose behalf a request is sent.
    Role {
        /// Set the lock up.
        Owner = "owner",
        /// May manage users.
        Admin = "admin",
        /// May open.
        Guest = "guest",
        /// Nobody known.
        None = "none",
    }
}

/// One level of one factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A supply state.
    Power(Power),
    /// An ownership state.
    Ownership(Ownership),
    /// A network state.
    Network(Network),
    /// A role.
    Role(Role),
}

impl Level {
    /// The built-in factors.
    pub const FACTORS: &'static [&'static str] = &["power", "ownership", "network", "role"];

    /// The level that `word` names for `factor`; the outer `None` for an unknown factor.
    pub fn from_words(factor: &str, word: &str) -> Option<Option<Self>> {
        Some(match factor {
            "power" => Power::from_word(word).map(Self::Power),
            "ownership" => Ownership::from_word(word).map(Self::Ownership),
            "network" => Network::from_word(word).map(Self::Network),
            "role" => Role::from_word(word).map(Self::Role),
            _ => return None,
        })
    }

    /// The words for the levels of `factor`.
    pub fn words_of(factor: &str) -> Vec<&'static str> {
        match factor {
            "power" => Power::words().collect(),
            "ownership" => Ownership::words().collect(),
            "network" => Network::words().collect(),
            "role" => Role::words().collect(),
            _ => Vec::new(),
        }
    }

    /// The factor's name.
    pub fn factor(self) -> &'static str {
        match self {
            Self::Power(_) => "power",
            Self::Ownership(_) => "ownership",
            Self::Network(_) => "network",
            Self::Role(_) => "role",
        }
    }

    /// The level's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Power(level) => level.word(),
            Self::Ownership(level) => level.word(),
            Self::Network(level) => level.word(),
            Self::Role(level) => level.word(),
        }
    }
}

/// One level for every built-in factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// Supply.
    pub power: Power,
    /// Ownership.
    pub ownership: Ownership,
    /// Network.
    pub network: Network,
    /// Role of the one who resets.
    pub role: Role,
}

impl Default for Levels {
    /// What an ordinary reset by its owner has.
    fn default() -> Self {
        Self { power: Power::Ok, ownership: Ownership::Verified, network: Network::Online, role: Role::Owner }
    }
}

impl Levels {
    /// These levels with one of them set.
    #[must_use]
    pub fn with(mut self, level: Level) -> Self {
        match level {
            Level::Power(power) => self.power = power,
            Level::Ownership(ownership) => self.ownership = ownership,
            Level::Network(network) => self.network = network,
            Level::Role(role) => self.role = role,
        }
        self
    }

    /// All of them.
    pub fn all(self) -> [Level; 4] {
        [
            Level::Power(self.power),
            Level::Ownership(self.ownership),
            Level::Network(self.network),
            Level::Role(self.role),
        ]
    }

    /// The word for the level of a factor.
    pub fn word_of(self, factor: &str) -> Option<&'static str> {
        self.all().into_iter().find(|level| level.factor() == factor).map(Level::word)
    }

    /// The level of the same factor as `level`.
    pub fn same_factor(self, level: Level) -> Level {
        match level {
            Level::Power(_) => Level::Power(self.power),
            Level::Ownership(_) => Level::Ownership(self.ownership),
            Level::Network(_) => Level::Network(self.network),
            Level::Role(_) => Level::Role(self.role),
        }
    }
}
