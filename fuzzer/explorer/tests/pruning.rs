//! Pruning loses no state, and what is pruned can be replaced by what stands for it.

use std::collections::{BTreeSet, HashSet};

use explorer::{Choice, Edge, Graph, Plan, Scope, State, World, explore, pair, spell, step};
use program::{Exhaust, Seeded};
use proptest::prelude::*;

fn scope(name: &str) -> Scope {
    let path = format!(
        "{}/../../corpus/scopes/{name}.scope",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.parse()
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn bounded(name: &str, depth: u32) -> (Scope, Graph) {
    let mut scope = scope(name);
    scope.depth = depth;
    let graph = explore(&scope, usize::MAX).unwrap();
    (scope, graph)
}

fn state(scope: &Scope, world: &World) -> State {
    scope.canonical(world).0
}

/// The states that all words of at most `depth` symbols reach, every one of them spelled out.
fn unpruned(scope: &Scope, depth: u32) -> HashSet<State> {
    let mut states = HashSet::new();
    let mut choose = Exhaust::new();
    loop {
        let (mut world, _) = scope.begin();
        states.insert(state(scope, &world));
        for _ in 0..depth {
            let Some((_, next, _)) = step(scope, &world, &mut choose) else {
                break;
            };
            states.insert(state(scope, &next));
            world = next;
        }
        if !choose.advance() {
            return states;
        }
    }
}

fn pruned(scope: &Scope, graph: &Graph) -> HashSet<State> {
    let ways = (0..graph.states() as u32).map(|node| graph.path(node));
    ways.map(|way| state(scope, &spell(scope, &way).unwrap().world))
        .collect()
}

#[test]
fn pruned_and_unpruned_enumeration_reach_the_same_states() {
    for (name, depth) in [
        ("reconfig-resize", 3),
        ("reconfig-steps", 3),
        ("streamoff-running", 3),
        ("close-and-rmmod", 3),
        ("two-stages", 3),
        ("requests", 3),
        ("two-actors", 3),
    ] {
        let (scope, graph) = bounded(name, depth);
        let all = unpruned(&scope, depth);
        assert_eq!(all.len(), graph.states(), "{name}");
        assert_eq!(all, pruned(&scope, &graph), "{name}");
    }
}

/// The canary: were the running job no part of a state, states would be lost.
#[test]
fn states_that_differ_are_not_merged() {
    let (scope, graph) = bounded("reconfig-resize", 3);
    let states = pruned(&scope, &graph);
    assert_eq!(states.len(), graph.states());
    let end = |names: &[&str]| {
        let find = |name: &&str| scope.choices().find(|choice| scope.name(*choice) == **name);
        let word: Vec<Choice> = names.iter().map(|name| find(name).unwrap()).collect();
        state(&scope, &spell(&scope, &word).unwrap().world)
    };
    // The same calls, but the job of one has written a chunk.
    assert_ne!(end(&["give(0)", "on"]), end(&["give(0)", "on", "write"]));
    // One sync_file is waited for, the other is not.
    assert_ne!(
        end(&["watch", "give(0)", "on"]),
        end(&["give(0)", "on", "watch"])
    );
    // The names of buffers do not count.
    assert_eq!(end(&["give(0)", "on"]), end(&["give(1)", "on"]));
    assert_eq!(end(&["give(0)", "give(1)"]), end(&["give(1)", "give(0)"]));
}

/// The transitions that the programs of a plan go through.
fn walked(scope: &Scope, graph: &Graph) -> HashSet<(State, State, u8)> {
    let mut seen = HashSet::new();
    for walk in Plan::new(scope, graph).walks {
        let (mut world, _) = scope.begin();
        for choice in walk.word {
            let from = state(scope, &world);
            scope
                .take(&mut world, choice)
                .expect("a plan's symbols are possible");
            seen.insert((from, state(scope, &world), choice.symbol));
        }
        assert!(!world.is_uncertain());
        let end = spell(scope, &graph.path(walk.end)).unwrap();
        assert_eq!(
            state(scope, &world),
            state(scope, &end.world),
            "a tour ends where it says"
        );
    }
    seen
}

#[test]
fn a_plan_goes_through_every_transition() {
    for (name, depth) in [
        ("reconfig-resize", 6),
        ("two-stages", 6),
        ("streamoff-running", 4),
        ("requests", 5),
        ("two-actors", 8),
    ] {
        let (scope, graph) = bounded(name, depth);
        let seen = walked(&scope, &graph);
        let states: Vec<_> = (0..graph.states() as u32)
            .map(|node| state(&scope, &spell(&scope, &graph.path(node)).unwrap().world))
            .collect();
        let missing = graph.edges().iter().find(
            |Edge {
                 from, to, choice, ..
             }| {
                let (from, to) = (&states[*from as usize], &states[*to as usize]);
                !seen.contains(&(from.clone(), to.clone(), choice.symbol))
            },
        );
        assert_eq!(missing, None, "{name}");
    }
}

#[test]
fn every_state_is_the_end_of_a_program() {
    let (scope, graph) = bounded("reconfig-resize", 6);
    let ends: BTreeSet<_> = Plan::new(&scope, &graph)
        .walks
        .iter()
        .map(|walk| walk.end)
        .collect();
    assert_eq!(ends.len(), graph.states());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// What the model says of the same continuation does not depend on the way to the state.
    #[test]
    fn equal_states_have_equal_futures(
        which in 0usize..6,
        edge in any::<prop::sample::Index>(),
        seed: u64,
    ) {
        let names = [
            "reconfig-resize",
            "reconfig-steps",
            "streamoff-running",
            "close-and-rmmod",
            "requests",
            "two-actors",
        ];
        let (scope, graph) = bounded(names[which], 4);
        let edges = graph.pruned();
        let edge = edges[edge.index(edges.len())];
        let pair = pair(&scope, &graph, edge, 8, &mut Seeded::new(seed));
        let pair = pair.expect("what is possible after one is possible after the other");
        prop_assert_eq!(state(&scope, &pair.kept.world), state(&scope, &pair.pruned.world));
    }
}
