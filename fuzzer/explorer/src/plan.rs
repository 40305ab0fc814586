//! Which programs to run so that every transition is run.
//!
//! There are two kinds. For each state one program goes there on the shortest way, does everything that does not lead
//! away from it, and ends: so each state is once the last one before all is waited for, looked at, closed and judged. All
//! other transitions are walked in tours: to the beginning of one, through it, and on through others that nobody has walked
//! yet, over a few that somebody has if need be. The states on a tour are known up to the names of buffers, and the symbols are renamed accordingly.

use std::collections::{HashSet, VecDeque};

use crate::{Choice, Edge, Graph, NodeId, Scope, World, canonical::Naming};

/// Most symbols of a tour. It is long enough for any way to a state, and some more.
const TOUR: usize = 64;
/// Most symbols between two transitions of a tour that were not walked before.
const REACH: usize = 5;
/// Most states that are looked at for the next of them: a new tour is cheaper than a long search.
const NEAR: usize = 300;

/// A program to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// Its symbols.
    pub word: Vec<Choice>,
    /// How many of the first symbols are the way to what it is for.
    pub approach: usize,
    /// The state that it ends in.
    pub end: NodeId,
}

/// All programs that have to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Those for states first; among each kind those that begin nearer to the start first.
    pub walks: Vec<Walk>,
}

impl Plan {
    /// The programs for all of a graph.
    pub fn new(scope: &Scope, graph: &Graph) -> Plan {
        let mut planner = Planner::new(scope, graph);
        let states = (0..graph.states() as NodeId).map(|node| planner.stay(node));
        let mut walks: Vec<_> = states.collect();
        for edge in 0..graph.edges().len() {
            if !planner.walked[edge] {
                walks.push(planner.tour(edge));
            }
        }
        Plan { walks }
    }
}

struct Planner<'a> {
    scope: &'a Scope,
    graph: &'a Graph,
    /// The transitions that begin in each state, as ranges of edges: they are stored in the order of the states.
    begins: Vec<usize>,
    walked: Vec<bool>,
}

impl<'a> Planner<'a> {
    fn new(scope: &'a Scope, graph: &'a Graph) -> Self {
        let edges = graph.edges();
        let begins = (0..=graph.states() as NodeId)
            .map(|node| edges.partition_point(|edge| edge.from < node))
            .collect();
        // What discovers a state is on the shortest way to it.
        let walked = edges.iter().map(|edge| edge.discovers).collect();
        Self {
            scope,
            graph,
            begins,
            walked,
        }
    }

    fn leaving(&self, node: NodeId) -> std::ops::Range<usize> {
        self.begins[node as usize]..self.begins[node as usize + 1]
    }

    /// The way to a state and all that does not lead away from it.
    fn stay(&mut self, node: NodeId) -> Walk {
        let mut walker = Walker::at(self.scope, self.graph, node);
        let approach = walker.word.len();
        for index in self.leaving(node) {
            let edge = self.graph.edges()[index];
            if edge.to == node && walker.pass(edge) {
                self.walked[index] = true;
            }
        }
        walker.end(approach, node)
    }

    /// A tour that begins with a transition.
    fn tour(&mut self, first: usize) -> Walk {
        let graph = self.graph;
        let mut node = graph.edges()[first].from;
        let mut walker = Walker::at(self.scope, graph, node);
        let approach = walker.word.len();
        let mut ahead = vec![first];
        while !ahead.is_empty() && walker.word.len() + ahead.len() <= TOUR {
            for index in ahead.drain(..) {
                let edge = graph.edges()[index];
                if !walker.pass(edge) {
                    return walker.end(approach, node);
                }
                // What begins a tour was passed from the same world when the scope was explored.
                self.walked[index] = true;
                node = edge.to;
            }
            ahead = self.nearest(node);
        }
        walker.end(approach, node)
    }
}

impl Planner<'_> {
    /// The shortest way from a state through a transition that nobody has walked; empty if there is none near.
    fn nearest(&self, node: NodeId) -> Vec<usize> {
        let mut seen = HashSet::from([node]);
        let mut ways = VecDeque::from([(node, Vec::new())]);
        while let Some((at, way)) = ways.pop_front() {
            if let Some(index) = self.leaving(at).find(|index| !self.walked[*index]) {
                return [way, vec![index]].concat();
            }
            if way.len() >= REACH || seen.len() >= NEAR {
                continue;
            }
            for index in self.leaving(at) {
                let to = self.graph.edges()[index].to;
                if seen.insert(to) {
                    ways.push_back((to, [way.as_slice(), &[index]].concat()));
                }
            }
        }
        Vec::new()
    }
}

/// Somebody on the way, with the names that buffers have there.
struct Walker<'a> {
    scope: &'a Scope,
    graph: &'a Graph,
    world: World,
    word: Vec<Choice>,
}

impl<'a> Walker<'a> {
    /// At a state, on the shortest way.
    fn at(scope: &'a Scope, graph: &'a Graph, node: NodeId) -> Self {
        let (world, _) = scope.begin();
        let mut walker = Self {
            scope,
            graph,
            world,
            word: Vec::new(),
        };
        for choice in graph.path(node) {
            walker.scope.take(&mut walker.world, choice);
            walker.word.push(choice);
        }
        walker
    }

    /// Goes through a transition of the state that it is in; false if the model could not be sure of what happens.
    fn pass(&mut self, edge: Edge) -> bool {
        let known = self.graph.naming(edge.from);
        let (_, here) = self.scope.canonical(&self.world);
        let choice = self.scope.renamed(edge.choice, |output, name| {
            renaming(known, &here, output, name)
        });
        let mut world = self.world.clone();
        if self.scope.take(&mut world, choice).is_none() || world.is_uncertain() {
            return false;
        }
        self.world = world;
        self.word.push(choice);
        true
    }

    fn end(self, approach: usize, end: NodeId) -> Walk {
        Walk {
            word: self.word,
            approach,
            end,
        }
    }
}

/// The name in a world called `to` of what is called `name` in another one of the same state called `from`.
pub(crate) fn renaming(from: &Naming, to: &Naming, output: bool, name: usize) -> usize {
    to.old(output, from.new_name(output, name))
}
