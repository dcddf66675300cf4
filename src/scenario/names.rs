//! What of a model the steps of a scenario name.

use std::sync::Arc;

use crate::trace::Channel;

use super::ast::{Action, Control, KeyToken};

/// Something of a model that a step names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A button.
    Button(Arc<str>),
    /// A light.
    Light(Arc<str>),
    /// A key.
    Key(Arc<str>),
}

impl Name {
    fn of(channel: &Channel) -> Option<Self> {
        // A button is named by the step that presses it; watching what the rig itself drives is refused.
        if let Channel::Light(name) = channel { Some(Self::Light(Arc::clone(name))) } else { None }
    }

    fn of_control(control: &Control) -> Self {
        match control {
            Control::Button(name) => Self::Button(Arc::clone(name)),
            Control::Key(label) => Self::Key(Arc::clone(label)),
        }
    }
}

impl Action {
    /// What of a model the step itself names.
    pub fn names(&self) -> Vec<Name> {
        match self {
            Self::Hold(list) | Self::Release(list) | Self::Press { controls: list, .. } => {
                list.iter().map(Name::of_control).collect()
            }
            Self::Type { keys, .. } => keys
                .iter()
                .filter_map(|token| match token {
                    KeyToken::Key(label) => Some(Name::Key(Arc::clone(label))),
                    KeyToken::Parameter(_) => None,
                })
                .collect(),
            Self::Observe { observation, .. } | Self::Never { observation, .. } => {
                Name::of(&observation.channel()).into_iter().collect()
            }
            Self::NoChange { channels, .. } => channels.iter().filter_map(Name::of).collect(),
            Self::Power { .. }
            | Self::Turn { .. }
            | Self::Contact { .. }
            | Self::Wait(_)
            | Self::WaitLockout { .. }
            | Self::WaitUntil { .. }
            | Self::Witness { .. }
            | Self::Ask { .. }
            | Self::Together(_)
            | Self::Repeat { .. }
            | Self::Do { .. }
            | Self::Claim(_) => Vec::new(),
        }
    }
}
