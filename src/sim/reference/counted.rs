//! The emulated core executes as many instructions as QEMU's for the same work, which is what `benches/emulation.rs` has
//! QEMU count.

use super::image;
use crate::sim::mcu::Machine;

const IMAGE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/emulation.hex"));
const BUTTON: u8 = 17;
const GREEN: u32 = 1 << 21;
/// QEMU 7.2, from one look at its clock to the next: a hundred digests, and ten thousand looks at the pins.
const COMPUTES: u64 = 834_322;
const TALKS: u64 = 80_012;
/// Besides that, a round looks at the button and changes the light.
const BESIDES: u64 = 30;

/// Instructions from one change of the light to the next.
fn round(is_pressed: bool) -> u64 {
    let mut machine = Machine::new(&image::flash_of("workload", IMAGE).expect("an image"), 1);
    machine.watch(GREEN);
    machine.drive(BUTTON, Some(!is_pressed));
    machine.power(true, 0);
    let (mut count, mut changes) = (0, Vec::new());
    while changes.len() < 2 {
        // One instruction, unless something is put out.
        match machine.run(machine.acts() + 1) {
            None => count += 1,
            Some(_) => {
                changes.extend(machine.take_edges().iter().map(|_| count));
                machine.take_sent();
            }
        }
    }
    changes[1] - changes[0]
}

#[test]
fn the_core_takes_as_many_instructions_as_qemu_counts() {
    for (is_pressed, counted) in [(false, COMPUTES), (true, TALKS)] {
        let own = round(is_pressed);
        assert!((counted..=counted + BESIDES).contains(&own), "{own}, and QEMU counts {counted}");
    }
}
