//! proptest-state-machine on the toy lock for so many seconds: `toy-lock SECONDS`. Prints a line of JSON. The same lock
//! and the same steps are in `../toy_lock.py`: whoever changes one changes the other.

mod belief;
mod lock;

use std::cell::{Cell, RefCell};
use std::time::Instant;

use proptest::prelude::{BoxedStrategy, Just, Strategy, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use belief::{Belief, Deed, Near};
use lock::{CHANNELS, Channel, Code, Lock, OPERATIONS, Operation, SLOTS, What};

/// So many steps a life, as lockrig's.
const STEPS_A_LIFE: std::ops::RangeInclusive<usize> = 2..=24;
/// Lives a batch: proptest's own default.
const LIVES: u32 = 256;

const TIMES: [u64; 9] = [10, 100, 400, 2_000, 10_000, 60_000, 600_000, 3_700_000, 90_000_000];

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
    /// Made once, for they depend on no state.
    static DEEDS: BoxedStrategy<Deed> = deeds();
}

fn code() -> impl Strategy<Value = Code> {
    (0_u16..10_000).prop_map(Code::of)
}

fn codes() -> impl Strategy<Value = Vec<Code>> {
    proptest::collection::vec(code(), 1..=3)
}

fn channel() -> impl Strategy<Value = Channel> {
    select(CHANNELS.to_vec())
}

fn time() -> impl Strategy<Value = u64> {
    select(TIMES.to_vec())
}

fn deeds() -> BoxedStrategy<Deed> {
    let ways = vec![None, Some(Channel::App), Some(Channel::Hub)];
    let zeros = Code::of(0);
    let asked = vec![
        What::AddCode(1, zeros),
        What::RemoveCode(1),
        What::SetMaster(zeros),
        What::FactoryReset,
        What::Unpair,
    ];
    prop_oneof![
        (select(ways), 1..=SLOTS, code()).prop_map(|(way, slot, code)| Deed::Add(way, slot, code)),
        (channel(), 0_usize..6).prop_map(|(channel, number)| Deed::Remove(channel, number)),
        (0_usize..6).prop_map(Deed::Use),
        code().prop_map(Deed::Wrong),
        (0_usize..6, select(Near::ALL.to_vec()), 0_usize..4)
            .prop_map(|(number, near, place)| Deed::Near(number, near, place)),
        code().prop_map(Deed::LockOut),
        time().prop_map(Deed::Wait),
        time().prop_map(Deed::Restart),
        channel().prop_map(Deed::Pair),
        channel().prop_map(Deed::Unpair),
        channel().prop_map(Deed::Status),
        select(asked).prop_map(Deed::Guest),
        select(vec![4_u64, 30, 60, 80, 95]).prop_map(Deed::ShortHold),
        (time(), code(), codes()).prop_map(|(after, master, codes)| Deed::Reset(after, master, codes)),
        Just(Deed::Verify),
    ]
    .boxed()
}

struct Reference;

impl ReferenceStateMachine for Reference {
    type State = Belief;
    type Transition = Deed;

    fn init_state() -> BoxedStrategy<Belief> {
        (code(), codes()).prop_map(|(master, codes)| Belief::new(master, &codes)).boxed()
    }

    fn transitions(_: &Belief) -> BoxedStrategy<Deed> {
        DEEDS.with(|deeds| deeds.clone())
    }

    fn apply(belief: Belief, deed: &Deed) -> Belief {
        belief.after(deed)
    }
}

/// Checking acts on the lock, hence the cell.
struct Test;

impl StateMachineTest for Test {
    type SystemUnderTest = RefCell<Lock>;
    type Reference = Reference;

    fn init_test(belief: &Belief) -> RefCell<Lock> {
        let mut lock = Lock::new();
        play(&mut lock, belief);
        RefCell::new(lock)
    }

    fn apply(lock: RefCell<Lock>, belief: &Belief, _: Deed) -> RefCell<Lock> {
        STEPS.with(|count| count.set(count.get() + 1));
        play(&mut lock.borrow_mut(), belief);
        lock
    }

    fn check_invariants(lock: &RefCell<Lock>, belief: &Belief) {
        let mut lock = lock.borrow_mut();
        belief.verify(&mut |operation, answer| check(&mut lock, operation, answer));
    }
}

fn play(lock: &mut Lock, belief: &Belief) {
    for (operation, answer) in &belief.script {
        check(lock, *operation, *answer);
    }
}

fn check(lock: &mut Lock, operation: Operation, answer: bool) {
    assert_eq!(lock.perform(operation), answer, "{operation:?}");
}

/// What `prop_state_machine!` makes of a test.
fn batch(seed: u64) -> Result<(), String> {
    let config = Config {
        cases: LIVES,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..Config::default()
    };
    let mut runner = TestRunner::new(config.clone());
    let lives = Reference::sequential_strategy(STEPS_A_LIFE);
    let ran = runner.run(&lives, |(belief, deeds, seen)| {
        Test::test_sequential(config.clone(), belief, deeds, seen);
        Ok(())
    });
    ran.map_err(|error| error.to_string())
}

fn main() -> Result<(), String> {
    let seconds = std::env::args().nth(1).ok_or("toy-lock SECONDS")?;
    let seconds: f64 = seconds.parse().map_err(|_| "SECONDS is no number")?;
    let began = Instant::now();
    let mut seed = 0;
    while began.elapsed().as_secs_f64() < seconds {
        batch(seed)?;
        seed += 1;
    }
    let took = began.elapsed().as_secs_f64();
    let (steps, operations) = (STEPS.with(Cell::get), OPERATIONS.with(Cell::get));
    println!("{{\"steps\": {steps}, \"operations\": {operations}, \"seconds\": {took:.6}}}");
    Ok(())
}
