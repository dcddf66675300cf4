//! A lock that a program plays over the lockstep protocol, key by key and edge by edge, as that in `../toy_lock.py`.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::lock::{Answer, Lock, Operation, Role, What};

const MODEL: &str = "yale-nextouch";
const MS: u64 = 1_000_000;

/// The program, started once.
pub struct Program {
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

thread_local! {
    pub static PROGRAM: RefCell<Option<Program>> = const { RefCell::new(None) };
}

impl Program {
    pub fn start(command: &[String]) -> Result<Self, String> {
        let [program, arguments @ ..] = command else { return Err("no command".into()) };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{program}: {error}"))?;
        let (to, from) = child.stdin.take().zip(child.stdout.take()).ok_or("no pipes")?;
        Ok(Self { to, from: BufReader::new(from) })
    }

    fn exchange(&mut self, message: &Value) -> Result<Value, String> {
        let mut line = format!("{message}\n");
        self.to.write_all(line.as_bytes()).map_err(|error| error.to_string())?;
        line.clear();
        self.from.read_line(&mut line).map_err(|error| error.to_string())?;
        serde_json::from_str(&line).map_err(|error| error.to_string())
    }
}

pub struct Peer {
    now: u64,
    request: u64,
}

impl Peer {
    /// Out of the box.
    pub fn new() -> Self {
        let hello = json!({"hello": {"protocol": "lockstep/1", "model": MODEL, "case": "stateful", "seed": 7}});
        exchange(&hello);
        Self { now: 0, request: 0 }
    }

    /// Lets time pass after a change; the first output that is looked for ends it.
    fn run(&mut self, ms: u64, change: Option<(&str, Value)>, is_it: impl Fn(&Value) -> bool) -> Option<Value> {
        let end = self.now + ms * MS;
        let mut set: Vec<Value> = change
            .map(|(channel, value)| json!({"channel": channel, "value": value}))
            .into_iter()
            .collect();
        loop {
            let mut ran = exchange(&json!({"run": {"until_ns": end, "set": std::mem::take(&mut set)}}));
            self.now = ran["ran"]["now_ns"].as_u64().expect("a time");
            let Value::Array(out) = ran["ran"]["out"].take() else { panic!("no outputs") };
            if let Some(found) = out.into_iter().find(&is_it) {
                return Some(found["value"].clone());
            }
            if self.now >= end {
                return None;
            }
        }
    }

    fn pass(&mut self, ms: u64, change: Option<(&str, Value)>) {
        self.run(ms, change, |_| false);
    }

    fn type_key(&mut self, key: &str) {
        self.pass(100, Some(("keypad", json!({"keys": [key]}))));
        self.pass(100, Some(("keypad", json!({"keys": []}))));
    }

    fn enter(&mut self, code: &str) -> bool {
        let is_bolt = |one: &Value| one["channel"] == "bolt";
        code.split("").filter(|key| !key.is_empty()).for_each(|key| self.type_key(key));
        self.type_key("gear");
        let opens = self.run(3_000, None, is_bolt) == Some(json!(false));
        if opens {
            self.pass(1_000, None);
            self.type_key("gear");
            assert_eq!(self.run(4_000, None, is_bolt), Some(json!(true)), "it does not lock");
            self.pass(1_000, None);
        }
        opens
    }

    fn ask(&mut self, role: Role, what: &What) -> Answer {
        self.request += 1;
        let id = self.request;
        let role = match role {
            Role::Owner => "owner",
            Role::Guest => "guest",
        };
        let request = match what {
            What::Status => json!({"request": id, "role": role, "op": "status"}),
            What::Pair => json!({"request": id, "role": role, "op": "pair"}),
            What::Leave => json!({"request": id, "role": role, "op": "leave"}),
            What::AddCode(slot, code) => {
                json!({"request": id, "role": role, "op": "add_code", "slot": slot, "code": code})
            }
            What::RemoveCode(slot) => json!({"request": id, "role": role, "op": "remove_code", "slot": slot}),
            What::FactoryReset => json!({"request": id, "role": role, "op": "factory_reset"}),
        };
        let is_answer = |one: &Value| one["channel"] == "hub" && one["value"]["response"] == id;
        let Some(answer) = self.run(10_000, Some(("hub", request)), is_answer) else {
            return Answer::Done(false);
        };
        let count = |value: &Value| usize::try_from(value.as_u64().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        match what {
            What::Status => Answer::Holds(answer["paired"] == true, count(&answer["codes"])),
            _ => Answer::Done(answer["ok"] == true),
        }
    }

    fn hold(&mut self, ms: u64) -> bool {
        self.pass(ms, Some(("button.reset", json!(true))));
        self.pass(1_000, Some(("power.cell.4", json!(false))));
        self.pass(1_000, Some(("power.cell.4", json!(true))));
        let is_voice = |one: &Value| one["channel"] == "voice";
        let heard = self.run(25_000, Some(("button.reset", json!(false))), is_voice);
        self.pass(10_000, None);
        heard == Some(json!("Welcome to Yale"))
    }
}

impl Lock for Peer {
    fn perform(&mut self, operation: &Operation) -> Answer {
        Answer::Done(match operation {
            Operation::Enter(code) => self.enter(code),
            Operation::Ask(role, what) => return self.ask(*role, what),
            Operation::Power(on) => {
                self.pass(10_000, Some(("power", json!(if *on { 6.0 } else { 0.0 }))));
                true
            }
            Operation::Hold(time) => self.hold(*time),
            Operation::Wait(time) => {
                self.pass(*time, None);
                true
            }
        })
    }
}

fn exchange(message: &Value) -> Value {
    PROGRAM.with_borrow_mut(|program| {
        program.as_mut().expect("no program").exchange(message).expect("no answer")
    })
}
