//! `lockrig sim watch`: what a served lock shows, on standard output.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde_json::Value as Json;

use crate::cli::exit::Exit;
use crate::cli::terminal::Terminal;
use crate::trace::Channel;

/// Longer lines are nothing that a lock shows.
const MAX_LINE: u64 = 4096;

#[derive(clap::Args)]
pub(super) struct WatchArgs {
    /// Socket of `lockrig sim serve --sensors`
    path: PathBuf,
    /// Print only these channels, such as `bolt` or `light.green`
    channels: Vec<Channel>,
}

/// Why it ended.
enum End {
    /// Whoever read it does not any more.
    Unwanted,
    Lost(String),
}

pub(super) fn watch(args: &WatchArgs, terminal: &Terminal) -> Exit {
    match watched(args) {
        End::Unwanted => Exit::Pass,
        End::Lost(why) => {
            let hint = "`lockrig sim serve --sensors PATH` offers a lock there";
            terminal.error(&format!("{}: {why}", args.path.display()), Some(hint));
            Exit::Unproven
        }
    }
}

fn watched(args: &WatchArgs) -> End {
    let stream = match UnixStream::connect(&args.path) {
        Ok(stream) => stream,
        Err(error) => return End::Lost(error.to_string()),
    };
    let mut lines = BufReader::new(stream);
    let mut out = std::io::stdout().lock();
    loop {
        let mut line = Vec::new();
        match (&mut lines).take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(_) if line.ends_with(b"\n") => {}
            Ok(0) => return End::Lost("the lock is gone".into()),
            Ok(_) => return End::Lost("this is no lock".into()),
            Err(error) => return End::Lost(error.to_string()),
        }
        if args.wants(&line) && out.write_all(&line).and_then(|()| out.flush()).is_err() {
            return End::Unwanted;
        }
    }
}

impl WatchArgs {
    fn wants(&self, line: &[u8]) -> bool {
        let channel = || {
            let json: Json = serde_json::from_slice(line).ok()?;
            json.get("channel")?.as_str()?.parse::<Channel>().ok()
        };
        self.channels.is_empty() || channel().is_some_and(|channel| self.channels.contains(&channel))
    }
}
