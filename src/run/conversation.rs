//! What a device may say in one case: answers to what was asked, and only so much.

use crate::rig::Fault;
use crate::trace::{Channel, Value};

/// A device that says more in one case is broken.
const MAX_SIGNALS: usize = 200_000;
/// The same for the texts of one case together.
const MAX_TEXT_BYTES: usize = 8 << 20;

/// What was asked and said so far.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    open_requests: Vec<(Channel, u64)>,
    signals: usize,
    text_bytes: usize,
}

impl Conversation {
    /// A command goes out; requests may be answered from then on.
    pub(super) fn asked(&mut self, channel: &Channel, value: &Value) {
        if let Value::Request(request) = value {
            self.open_requests.push((channel.clone(), request.id));
        }
    }

    /// Whether a signal may be taken.
    ///
    /// # Errors
    /// Nothing asked for it, or the device says too much.
    pub(super) fn admit(&mut self, channel: &Channel, value: &Value) -> Result<(), Fault> {
        match value {
            Value::Response(response) => {
                let asked =
                    self.open_requests.iter().position(|(at, id)| at == channel && *id == response.id);
                let Some(index) = asked else {
                    return Err(Fault(format!(
                        "the device sent an answer on `{channel}` that nothing asked for"
                    )));
                };
                self.open_requests.swap_remove(index);
            }
            Value::Text(text) | Value::Notify(text) => self.text_bytes += text.len(),
            _ => {}
        }
        self.signals += 1;
        if self.text_bytes > MAX_TEXT_BYTES || self.signals > MAX_SIGNALS {
            return Err(Fault("the device sent too much in one case".into()));
        }
        Ok(())
    }
}
