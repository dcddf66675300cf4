//! Everything that can be is covered, by few rows, whatever is excluded.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Effort, Exclusion, Problem, Space, Strength, cover};

/// Combinations of so many factors that rows have.
fn tuples(rows: &[Vec<usize>], factors: usize) -> BTreeSet<Vec<(usize, usize)>> {
    fn choose(
        row: &[usize],
        from: usize,
        left: usize,
        begun: &mut Vec<(usize, usize)>,
        all: &mut BTreeSet<Vec<(usize, usize)>>,
    ) {
        if left == 0 {
            all.insert(begun.clone());
            return;
        }
        for factor in from..row.len() {
            begun.push((factor, row[factor]));
            choose(row, factor + 1, left - 1, begun, all);
            begun.pop();
        }
    }
    let mut all = BTreeSet::new();
    rows.iter().for_each(|row| choose(row, 0, factors, &mut Vec::new(), &mut all));
    all
}

/// What the rows that are not excluded have, by looking at all of them.
fn possible(sizes: &[usize], exclusions: &[Exclusion]) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new()];
    for size in sizes {
        rows = rows
            .into_iter()
            .flat_map(|row| (0..*size).map(move |level| [row.clone(), vec![level]].concat()))
            .collect();
    }
    rows.retain(|row: &Vec<usize>| {
        !exclusions
            .iter()
            .any(|Exclusion(named)| named.iter().all(|(factor, levels)| levels.contains(&row[*factor])))
    });
    rows
}

fn spaces() -> impl Strategy<Value = (Vec<usize>, Vec<Exclusion>)> {
    let sizes = prop_oneof![prop::collection::vec(1_usize..5, 1..6), prop::collection::vec(2_usize..3, 4..8)];
    sizes.prop_flat_map(|sizes| {
        let factors = sizes.len();
        let named = prop::collection::btree_map(
            0..factors,
            prop::collection::vec(0_usize..4, 1..3),
            1..=factors.min(3),
        );
        let all = sizes.clone();
        let exclusion = named.prop_map(move |named| {
            Exclusion(
                named
                    .into_iter()
                    .map(|(factor, levels)| {
                        (factor, levels.into_iter().map(|level| level % all[factor]).collect())
                    })
                    .collect(),
            )
        });
        (Just(sizes), prop::collection::vec(exclusion, 0..5))
    })
}

proptest! {
    /// Whatever is excluded: what can be is covered, what can't be is not, and what contradicts itself is said.
    #[test]
    fn every_combination_that_can_be_is_covered((sizes, exclusions) in spaces(), three in any::<bool>()) {
        let strength = if three { Strength::ThreeWise } else { Strength::Pairwise };
        let wanted = possible(&sizes, &exclusions);
        match Space::new(&sizes, &exclusions) {
            Ok(space) => {
                for effort in [Effort::NONE, Effort { enough: 0, looks: 200 }] {
                    let rows = cover(&space, strength, effort).expect("a small space");
                    let among: BTreeSet<_> = wanted.iter().collect();
                    prop_assert!(rows.iter().all(|row| among.contains(row)));
                    let factors = strength.factors().min(sizes.len());
                    prop_assert_eq!(tuples(&rows, factors), tuples(&wanted, factors));
                    prop_assert!(rows.len() <= wanted.len());
                }
            }
            Err(Problem::Contradiction(culprits)) => {
                prop_assert!(wanted.is_empty());
                let these = |left_out: Option<usize>| -> Vec<Exclusion> {
                    culprits.iter().filter(|one| Some(**one) != left_out).map(|one| exclusions[*one].clone()).collect()
                };
                prop_assert!(possible(&sizes, &these(None)).is_empty());
                for one in &culprits {
                    prop_assert!(!possible(&sizes, &these(Some(*one))).is_empty());
                }
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

#[test]
fn standard_instances_are_small() {
    // The least sizes known: Colbourn's tables of covering arrays, and for the mixed one those of Cohen et al. (2003).
    let near = |groups: &[(usize, usize)], strength, least: usize| {
        let sizes: Vec<usize> = groups.iter().flat_map(|(count, size)| vec![*size; *count]).collect();
        let space = Space::new(&sizes, &[]).expect("a space");
        let rows = cover(&space, strength, Effort { enough: 0, looks: 1_000 }).expect("an array");
        assert!(rows.len() * 5 <= least * 6, "{groups:?}: {} rows, and {least} are known to do", rows.len());
    };
    near(&[(4, 3)], Strength::Pairwise, 9);
    near(&[(13, 3)], Strength::Pairwise, 15);
    near(&[(1, 5), (8, 3), (2, 2)], Strength::Pairwise, 15);
    near(&[(100, 2)], Strength::Pairwise, 10);
    near(&[(10, 2)], Strength::ThreeWise, 12);
    near(&[(6, 3)], Strength::ThreeWise, 33);
}

/// The search gives a row a whole combination at once, past rows that are excluded.
#[test]
fn a_long_search_among_exclusions_ends_well() {
    let mut random = 1_u64;
    let mut below = |limit: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((random >> 33) % limit).expect("a small number")
    };
    for _ in 0..600 {
        let sizes = vec![2; 5 + below(3)];
        let mut exclusion = || {
            let mut named = std::collections::BTreeMap::new();
            for _ in 0..2 + below(2) {
                named.insert(below(sizes.len() as u64), vec![below(2)]);
            }
            Exclusion(named.into_iter().collect())
        };
        let exclusions: Vec<Exclusion> = (0..4).map(|_| exclusion()).collect();
        let Ok(space) = Space::new(&sizes, &exclusions) else { continue };
        let rows =
            cover(&space, Strength::ThreeWise, Effort { enough: 0, looks: 500 }).expect("a small space");
        assert_eq!(tuples(&rows, 3), tuples(&possible(&sizes, &exclusions), 3), "{sizes:?} {exclusions:?}");
    }
}

#[test]
fn what_can_not_be_covered_is_said() {
    let too_large = Space::new(&[300, 300], &[]).expect("a space");
    assert!(matches!(cover(&too_large, Strength::ThreeWise, Effort::NONE), Ok(rows) if rows.len() == 90_000));
    let too_large = Space::new(&[300, 300, 300], &[]).expect("a space");
    assert_eq!(
        cover(&too_large, Strength::ThreeWise, Effort::NONE),
        Err(Problem::TooLarge { levels: 900, most: 256 })
    );
    assert!(matches!(too_large.all(), Err(Problem::TooLarge { .. })));
    assert_eq!(Space::new(&[2, 0], &[]).err(), Some(Problem::NoLevel(1)));
    let foreign = Exclusion(vec![(0, vec![5])]);
    assert_eq!(Space::new(&[2, 2], &[foreign]).err(), Some(Problem::Unknown(0)));
    let both = [Exclusion(vec![(1, vec![0])]), Exclusion(vec![(0, vec![0])]), Exclusion(vec![(0, vec![1])])];
    assert_eq!(Space::new(&[2, 2], &both).err(), Some(Problem::Contradiction(vec![1, 2])));
}
