//! What has no line: JSON lines with the rig's program, over a socket or standard input and output.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use lockrig::trace::{Channel, Value};
use serde_json::{Value as Json, json};

#[derive(Default)]
pub(crate) struct Talk {
    lines: Option<Receiver<String>>,
    listener: Option<UnixListener>,
    speaker: Option<Box<dyn Write>>,
    /// Channels without a line, if not all that ask and answer.
    channels: Vec<Channel>,
    is_over: bool,
}

impl Talk {
    pub(crate) fn listen(path: &str) -> Self {
        let listener = UnixListener::bind(path).expect("a free path");
        listener.set_nonblocking(true).expect("a socket");
        Self { listener: Some(listener), ..Self::default() }
    }

    pub(crate) fn stdio(channels: &str) -> Self {
        let channels = channels.split(',').map(|name| name.parse().expect("a channel")).collect();
        let lines = Some(read(std::io::stdin()));
        Self { lines, speaker: Some(Box::new(std::io::stdout())), channels, ..Self::default() }
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.speaker.is_none()
    }

    pub(crate) fn is_there(&self) -> bool {
        !self.is_over
    }

    /// What the rig asked since the last call.
    pub(crate) fn heard(&mut self) -> Vec<(Channel, Value)> {
        if let Some(Ok((stream, _))) = self.listener.as_ref().map(UnixListener::accept) {
            self.lines = Some(read(stream.try_clone().expect("a socket")));
            self.speaker = Some(Box::new(stream));
        }
        let mut all = Vec::new();
        while let Some(lines) = &self.lines {
            let line = match lines.try_recv() {
                Ok(line) => line,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.is_over = self.listener.is_none();
                    (self.lines, self.speaker) = (None, None);
                    break;
                }
            };
            let json: Json = serde_json::from_str(&line).expect("JSON from the rig");
            let channel: Channel = json["channel"].as_str().unwrap_or_default().parse().expect("a channel");
            let value = Value::decode(&channel, &json["value"]).expect("a value");
            all.push((channel, value));
        }
        all
    }

    pub(crate) fn say(&mut self, channel: &Channel, value: &Value) {
        let is_ours = channel.takes_requests() || self.channels.contains(channel);
        if let (Some(speaker), true) = (&mut self.speaker, is_ours) {
            let line = format!("{}\n", json!({"channel": channel, "value": value}));
            // Whoever left is noticed when it is read from.
            let _ = speaker.write_all(line.as_bytes()).and_then(|()| speaker.flush());
        }
    }
}

fn read(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Joins standard input and output with a lock's socket.
pub(crate) fn join(path: &str) {
    let mut stream = UnixStream::connect(path).expect("a lock");
    let mut back = stream.try_clone().expect("a socket");
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut stream);
        std::process::exit(0);
    });
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = back.read(&mut buffer) {
        let mut out = std::io::stdout();
        if out.write_all(&buffer[..count]).and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}
