//! A simulated lock as a lockstep peer on standard input and output.

use std::io::{self, BufRead, Write};

use serde_json::{Value as Json, json};

use crate::rig::{Hello, LockstepDevice};
use crate::trace::{Channel, Value};
use crate::unit::Instant;

use super::{SimulatedLock, Variation};

/// Answers requests until `bye` or the end of the input.
///
/// # Errors
/// Those of the streams, and a message for a request that is not of the protocol.
pub fn serve(lock: &mut SimulatedLock, input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    for line in input.lines() {
        let request: Json = serde_json::from_str(&line?).map_err(io::Error::other)?;
        if request.get("bye").is_some() {
            return Ok(());
        }
        let reply = answer(lock, &request).map_err(io::Error::other)?;
        serde_json::to_writer(&mut output, &reply)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(lock: &mut SimulatedLock, request: &Json) -> Result<Json, String> {
    if let Some(hello) = request.get("hello") {
        let text = |name: &str| hello.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let seed = hello.get("seed").and_then(Json::as_u64).unwrap_or(0);
        let hello = Hello { model: text("model"), case: text("case"), seed };
        let ready = lock.start(&hello).map_err(|fault| fault.to_string())?;
        return Ok(json!({"ready": {"firmware": ready.firmware, "serial": ready.serial}}));
    }
    let run = request.get("run").ok_or("expected hello, run or bye")?;
    let until = run.get("until_ns").and_then(Json::as_u64).ok_or("`run` has no `until_ns`")?;
    let mut set = Vec::new();
    for item in run.get("set").and_then(Json::as_array).into_iter().flatten() {
        let channel: Channel = item
            .get("channel")
            .and_then(Json::as_str)
            .unwrap_or_default()
            .parse()
            .map_err(|e| format!("{e}"))?;
        let value =
            Value::decode(&channel, item.get("value").unwrap_or(&Json::Null)).map_err(|e| e.to_string())?;
        set.push((channel, value));
    }
    let ran = lock.run(Instant::from_nanoseconds(until), &set).map_err(|fault| fault.to_string())?;
    let is_talkative = lock.is(Variation::ExtraFields);
    let item = |(channel, value): &(Channel, Value)| {
        let mut value = json!(value);
        if let (true, Some(fields)) = (is_talkative, value.as_object_mut()) {
            fields.insert("battery".into(), json!(87));
        }
        json!({"channel": channel, "value": value})
    };
    let out: Vec<Json> = ran.out.iter().map(item).collect();
    let mut reply = json!({"ran": {"now_ns": ran.now, "out": out}});
    if is_talkative {
        reply["ran"]["temperature"] = json!(21.5);
    }
    Ok(reply)
}
