//! A lock whose power goes while a probe is at work on it.

use lockrig::drivers::probe::{Meaning, Progress, Stage};

use super::console::{PATIENCE, port, switch};
use super::*;
use crate::common::happens;

/// The whole flash.
const FLASH: u32 = 0x4_0000;

#[test]
fn a_power_cut_in_the_middle_is_told_and_what_comes_after_it_works() {
    let folder = empty_folder();
    let path = folder.path().join("relays");
    let server = Server::start(&["--relays", &path.display().to_string()]);
    let mut relays = port(&path);
    let ready = || {
        let mut ready = None;
        assert!(happens(PATIENCE, || {
            ready = Probe::open(server.setup()).ok();
            ready.is_some()
        }));
        ready.expect("a probe")
    };
    switch(&mut relays, true);

    let error = ready().read(0, FLASH, &mut |heard| {
        if matches!(heard, Heard::Progress(Progress { done: 0x1_0000.., .. })) {
            switch(&mut relays, false);
        }
        true
    });
    let error = error.expect_err("the power is off");
    assert!(matches!(error.meaning(), Meaning::Refusal(Reason::NoTarget | Reason::Unknown)), "{error:?}");
    let error = Probe::open(server.setup()).map(drop).expect_err("the power is off");
    assert!(error.hint().is_some_and(|hint| hint.contains("power")), "{error:?}");

    switch(&mut relays, true);
    let image: Vec<u8> =
        copier(0x2000_0100, b"table").into_iter().chain((0..=u8::MAX).cycle()).take(0x8000).collect();
    let firmware = Firmware::decode("test.bin", image.clone(), 0).expect("a firmware");
    let mut probe = ready();
    let error = probe.flash(&firmware, &mut |progress| {
        if matches!(progress, Progress { stage: Stage::Write, done: 0x1000.., .. }) {
            switch(&mut relays, false);
        }
    });
    let error = error.expect_err("the power is off");
    assert!(error.hint().is_some_and(|hint| hint.contains("half written")), "{error:?}");
    drop(probe);

    switch(&mut relays, true);
    let mut probe = ready();
    probe.flash(&firmware, &mut |_| {}).expect("flashed");
    let length = u32::try_from(image.len()).expect("a length");
    assert_eq!(probe.read(0, length, &mut |_| true), Ok(image));
}
