//! Clicks every relay of a bench once, and watches what is read back.

use crate::drivers::clock;
use crate::guard::{Edge, Program, When};
use crate::rig::{Bench, Fault, Rig};
use crate::unit::{Duration, Moment};

use super::live::{Live, Said};
use super::sense::{steady_within, too_late};
use super::session::precision;

/// How long a relay is away from rest: long enough for any to follow and to stop bouncing.
const CLICK: Duration = Duration::milliseconds(200);
/// So long after the last edge nothing bounces any more.
const STILL: Duration = Duration::milliseconds(150);
/// A contact that bounces longer is worn.
const MOST_BOUNCE: Duration = Duration::milliseconds(20);

/// What one output did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clicked {
    /// Its name.
    pub output: String,
    /// Its line.
    pub line: String,
    /// How long it was away from rest, by its own edges.
    pub achieved: Duration,
    /// What its contact did, where that is read back.
    pub contact: Option<Followed>,
}

/// What a contact did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// From leaving rest to the first edge of the contact.
    pub out: Duration,
    /// The same on the way back.
    pub back: Duration,
    /// From its first edge to its last, the longer of both ways.
    pub bounce: Duration,
    /// From an edge of its output to its own last one, the longer of both ways.
    pub steady: Duration,
}

/// Clicks each output in turn, and hands out what it did.
///
/// # Errors
/// A device is missing or broken; which relay did not follow.
pub fn selftest(
    live: &mut Live,
    rig: &Rig,
    bench: &Bench,
    show: &mut dyn FnMut(&Clicked),
) -> Result<Vec<Fault>, Fault> {
    let mut faults = Vec::new();
    let precision = precision(rig);
    live.begin();
    for (index, output) in bench.outputs.iter().enumerate() {
        let command = u64::try_from(index).unwrap_or(0) * 2;
        let (out, back) = (output.rest.other(), output.rest);
        let at = When::At(clock::now());
        // Its limit must not be what ends the click.
        let click =
            output.max_on.map_or(CLICK, |most| CLICK.min(Duration::nanoseconds(most.as_nanoseconds() / 2)));
        let after = When::After { command, delay: click };
        let edges = vec![
            Edge { command, output: index, drive: out, when: at },
            Edge { command: command + 1, output: index, drive: back, when: after },
        ];
        live.guard().play(Program { edges, ..Program::default() });
        let (edges, contact) = watch(live, index, command)?;
        let [left, returned] = edges;
        let contact = output.sense.as_ref().and_then(|sense| {
            let name = &output.name;
            let is_closed_out = output.contact.drive(true) == out;
            let followed = followed(left, returned, is_closed_out, &contact);
            let fault = match &followed {
                None => {
                    let what = "did not follow: stuck, worn, or wired wrongly";
                    Some(Fault(format!("the contact of `{name}` {what}")))
                }
                Some(Followed { bounce, .. }) if *bounce > MOST_BOUNCE => Some(Fault(format!(
                    "the contact of `{name}` bounced for {bounce}; more than {MOST_BOUNCE} means that it is worn"
                ))),
                Some(Followed { steady, .. }) if *steady > steady_within(precision, sense.debounce) => {
                    Some(too_late(name, *steady, precision))
                }
                Some(_) => None,
            };
            faults.extend(fault);
            followed
        });
        let (name, line) = (output.name.clone(), output.line.to_string());
        show(&Clicked { output: name, line, achieved: returned.since(left), contact });
    }
    Ok(faults)
}

/// When the contact closed or opened.
type ContactEdges = Vec<(Moment, bool)>;

/// Both edges of an output, and all of its contact.
fn watch(live: &mut Live, index: usize, first: u64) -> Result<([Moment; 2], ContactEdges), Fault> {
    let (mut edges, mut contact) = ([None, None], ContactEdges::new());
    let patience = clock::now() + CLICK.times(10);
    loop {
        let until = edges[1].map_or(patience, |back| back + STILL);
        if clock::now() >= until {
            break;
        }
        live.wait(until);
        for said in live.said() {
            match said {
                Said::Achieved(at, command, ..) if command == first => edges[0] = Some(at),
                Said::Achieved(at, command, ..) if command == first + 1 => edges[1] = Some(at),
                Said::Sensed(at, output, closed) if output == index => contact.push((at, closed)),
                Said::Fault(fault) | Said::Refused(fault) => return Err(fault),
                Said::Stopped(reason) => return Err(Fault(reason)),
                _ => {}
            }
        }
    }
    match edges {
        [Some(out), Some(back)] => Ok(([out, back], contact)),
        _ => Err(Fault("the guard did not operate the output".into())),
    }
}

/// What the contact did, unless it is not where it belongs at the end of either way.
fn followed(
    left: Moment,
    returned: Moment,
    is_closed_out: bool,
    contact: &[(Moment, bool)],
) -> Option<Followed> {
    let (out, back) = contact.split_at(contact.partition_point(|(at, _)| *at < returned));
    let (first_out, last_out) = (out.first()?.0, out.last()?);
    let (first_back, last_back) = (back.first()?.0, back.last()?);
    (last_out.1 == is_closed_out && last_back.1 != is_closed_out).then_some(Followed {
        out: first_out.since(left),
        back: first_back.since(returned),
        bounce: last_out.0.since(first_out).max(last_back.0.since(first_back)),
        steady: last_out.0.since(left).max(last_back.0.since(returned)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_follows_only_if_it_ends_where_it_belongs() {
        let at = |milliseconds: u64| Moment::from_nanoseconds(milliseconds * 1_000_000);
        let follows = |edges: &[(u64, bool)]| {
            let edges: ContactEdges = edges.iter().map(|(t, closed)| (at(*t), *closed)).collect();
            followed(at(0), at(200), true, &edges)
        };
        let bounces = follows(&[(4, true), (5, false), (6, true), (203, false)]).expect("it followed");
        assert_eq!((bounces.out, bounces.back), (Duration::milliseconds(4), Duration::milliseconds(3)));
        assert_eq!((bounces.bounce, bounces.steady), (Duration::milliseconds(2), Duration::milliseconds(6)));
        assert_eq!(follows(&[(4, true), (5, false), (203, true)]), None, "it drops out");
        assert_eq!(follows(&[(4, true), (203, false), (204, true)]), None, "it sticks");
        assert_eq!(follows(&[(4, false), (203, true)]), None, "it is wired the other way round");
    }
}
