//! proptest-state-machine for so many seconds: `toy-lock SECONDS [PEER…]`. Prints a line of JSON. Without a peer the lock
//! is a plain object; with one it is the lock that this command speaks the lockstep protocol for, a Yale NexTouch. The
//! same locks and the same steps are in `../toy_lock.py`: whoever changes one changes the other.

mod belief;
mod lock;
mod peer;

use std::cell::{Cell, RefCell};
use std::time::Instant;

use proptest::prelude::{BoxedStrategy, Just, Strategy, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use belief::{Belief, Deed, Near};
use lock::{Answer, Code, DIGITS, Lock, Operation, SLOTS, Toy, What, code_of};
use peer::{PROGRAM, Peer, Program};

/// So many steps a life, as lockrig's.
const STEPS_A_LIFE: std::ops::RangeInclusive<usize> = 2..=24;
/// Lives a batch: proptest's own default. A lock behind a pipe takes its time for one.
const LIVES: u32 = 256;
const LIVES_OF_A_PEER: u32 = 10;

const TIMES: [u64; 9] = [10, 100, 400, 2_000, 10_000, 60_000, 600_000, 3_700_000, 90_000_000];

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
    /// Everything that was done to any lock, waiting left out.
    static OPERATIONS: Cell<u64> = const { Cell::new(0) };
    /// Made once, for they depend on no state.
    static DEEDS: BoxedStrategy<Deed> = deeds();
}

fn code() -> impl Strategy<Value = Code> {
    (0_u32..100_000_000).prop_map(code_of)
}

fn codes() -> impl Strategy<Value = Vec<Code>> {
    proptest::collection::vec(code(), 1..=3)
}

fn time() -> impl Strategy<Value = u64> {
    select(TIMES.to_vec())
}

fn deeds() -> BoxedStrategy<Deed> {
    let asked =
        vec![What::AddCode(1, code_of(0)), What::RemoveCode(1), What::FactoryReset, What::Leave];
    prop_oneof![
        (1..=SLOTS, code()).prop_map(|(slot, code)| Deed::Add(slot, code)),
        (0_usize..6).prop_map(Deed::Remove),
        (0_usize..6).prop_map(Deed::Use),
        code().prop_map(Deed::Wrong),
        (0_usize..6, select(Near::ALL.to_vec()), 0..DIGITS)
            .prop_map(|(number, near, place)| Deed::Near(number, near, place)),
        code().prop_map(Deed::LockOut),
        time().prop_map(Deed::Wait),
        time().prop_map(Deed::Restart),
        Just(Deed::Pair),
        Just(Deed::Leave),
        Just(Deed::Status),
        select(asked).prop_map(Deed::Guest),
        select(vec![4_u64, 30, 60, 80, 95]).prop_map(Deed::ShortHold),
        (time(), codes()).prop_map(|(after, codes)| Deed::Reset(after, codes)),
        Just(Deed::Verify),
    ]
    .boxed()
}

struct Reference;

impl ReferenceStateMachine for Reference {
    type State = Belief;
    type Transition = Deed;

    fn init_state() -> BoxedStrategy<Belief> {
        codes().prop_map(|codes| Belief::new(&codes)).boxed()
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
    type SystemUnderTest = RefCell<Box<dyn Lock>>;
    type Reference = Reference;

    fn init_test(belief: &Belief) -> Self::SystemUnderTest {
        let is_peer = PROGRAM.with_borrow(Option::is_some);
        let mut lock: Box<dyn Lock> = if is_peer { Box::new(Peer::new()) } else { Box::new(Toy::new()) };
        play(&mut *lock, &belief.script);
        RefCell::new(lock)
    }

    fn apply(lock: Self::SystemUnderTest, belief: &Belief, _: Deed) -> Self::SystemUnderTest {
        STEPS.with(|count| count.set(count.get() + 1));
        play(&mut **lock.borrow_mut(), &belief.script);
        lock
    }

    fn check_invariants(lock: &Self::SystemUnderTest, belief: &Belief) {
        play(&mut **lock.borrow_mut(), &belief.verified());
    }
}

fn play(lock: &mut dyn Lock, script: &[(Operation, Answer)]) {
    for (operation, answer) in script {
        if !matches!(operation, Operation::Wait(_)) {
            OPERATIONS.with(|count| count.set(count.get() + 1));
        }
        assert_eq!(lock.perform(operation), *answer, "{operation:?}");
    }
}

/// What `prop_state_machine!` makes of a test.
fn batch(seed: u64, lives: u32) -> Result<(), String> {
    let config = Config {
        cases: lives,
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
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [seconds, command @ ..] = given.as_slice() else { return Err("toy-lock SECONDS [PEER…]".into()) };
    let seconds: f64 = seconds.parse().map_err(|_| "SECONDS is no number")?;
    let mut lives = LIVES;
    if !command.is_empty() {
        let program = Program::start(command)?;
        PROGRAM.with_borrow_mut(|known| *known = Some(program));
        lives = LIVES_OF_A_PEER;
    }
    let began = Instant::now();
    let mut seed = 0;
    while began.elapsed().as_secs_f64() < seconds {
        batch(seed, lives)?;
        seed += 1;
    }
    let took = began.elapsed().as_secs_f64();
    let (steps, operations) = (STEPS.with(Cell::get), OPERATIONS.with(Cell::get));
    println!("{{\"steps\": {steps}, \"operations\": {operations}, \"seconds\": {took:.6}}}");
    Ok(())
}
