//! What is left in the RAM after a time without power. No source states it: some tenths of a second are usual at room
//! temperature, and each cell has an endurance of its own.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::HZ;

/// For so long every cell holds what it held, in cycles.
const KEPT_FOR: u64 = HZ * 3 / 100;
/// After so long none does.
pub(super) const GONE_AFTER: u64 = HZ * 3 / 10;
/// Endurance is drawn in so many steps.
const STEPS: u64 = 256;
/// Apart from whatever else is drawn from the seed.
const STREAM: u64 = 1;

/// Cells that have not endured so many cycles fall to one side. Which endure how long, and to which side they fall, is
/// the chip's own: the same after each loss of power.
pub(super) fn decay(ram: &mut [u8], dark: u64, seed: u64) {
    let gone = dark.saturating_sub(KEPT_FOR) * STEPS / (GONE_AFTER - KEPT_FOR);
    if gone == 0 {
        return;
    }
    let mut cells = ChaCha8Rng::seed_from_u64(seed);
    cells.set_stream(STREAM);
    let mut endurance = [0; 8];
    for byte in ram {
        cells.fill_bytes(&mut endurance);
        let side = cells.next_u32() as u8;
        let lost = (0..)
            .zip(endurance)
            .fold(0_u8, |all, (bit, endured)| if u64::from(endured) < gone { all | 1 << bit } else { all });
        *byte = *byte & !lost | side & lost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(dark: u64, seed: u64) -> u32 {
        let mut ram = vec![0; 16 << 10];
        // What falls to the side where it was is not to be seen: both together show every cell.
        let mut other = vec![0xff; 16 << 10];
        decay(&mut ram, dark, seed);
        decay(&mut other, dark, seed);
        ram.iter().zip(&other).map(|(a, b)| (a ^ b).count_zeros()).sum()
    }

    #[test]
    fn the_longer_it_is_dark_the_more_is_lost() {
        let all = 8 * (16 << 10);
        assert_eq!(lost(0, 1), 0);
        assert_eq!(lost(KEPT_FOR, 1), 0);
        let half = lost(KEPT_FOR.midpoint(GONE_AFTER), 1);
        assert!(half.abs_diff(all / 2) < all / 50, "{half}");
        assert!(lost(HZ / 10, 1) < half);
        assert_eq!(lost(GONE_AFTER, 1), all);
    }

    #[test]
    fn the_same_chip_loses_the_same_each_time() {
        let image: Vec<u8> = (0..=255).collect();
        let after = |dark: u64, seed: u64| {
            let mut ram = image.clone();
            decay(&mut ram, dark, seed);
            ram
        };
        assert_eq!(after(HZ / 10, 7), after(HZ / 10, 7));
        assert_ne!(after(HZ / 10, 7), after(HZ / 10, 8));
    }
}
