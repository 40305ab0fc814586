//! The states of a scope, each reached in as few symbols as it can be, and every transition between them.
//!
//! A transition is one program: the shortest way to a state, then one more symbol. Programs that come to a state that is
//! known already, up to the names of buffers, are not continued: what could follow is what follows there.

use std::collections::{HashMap, VecDeque};

use program::{Choose, Exhaust, Program, Step};

use crate::{Choice, Scope, State, World, canonical::Naming};

/// Number of a state, in order of discovery.
pub type NodeId = u32;

/// A transition, and with it a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Where it begins.
    pub from: NodeId,
    /// What is done.
    pub choice: Choice,
    /// Where it leads.
    pub to: NodeId,
    /// Whether it discovered the state that it leads to. If not, what follows was explored elsewhere.
    pub discovers: bool,
}

/// A state.
#[derive(Clone, Debug)]
struct Node {
    /// The transition that discovered it; none for the first.
    by: Option<u32>,
    /// Symbols that lead there.
    depth: u32,
    /// How the buffers of the program that discovered it are called in the state's canonical form.
    naming: Naming,
}

/// All states and transitions of a scope within its depth.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    /// States that the depth kept from being continued.
    unfinished: usize,
}

/// Why a scope cannot be explored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExploreError {
    /// An event falls on the edge of a wait.
    #[error(
        "after `{0}` the time of an event is too close to the end of a wait for the model to say which comes first: change the \
         scope's times"
    )]
    Uncertain(String),
    /// There are more transitions than the caller wants.
    #[error("there are more than {0} programs: make the scope or its depth smaller")]
    TooMany(usize),
}

/// One step of a walk: any symbol that is possible, drawn from `choose`. `None` if none is.
pub fn step(
    scope: &Scope,
    world: &World,
    choose: &mut dyn Choose,
) -> Option<(Choice, World, Vec<Step>)> {
    let taken = |choice: Choice| {
        let mut world = world.clone();
        let steps = scope.take(&mut world, choice)?;
        Some((choice, world, steps))
    };
    let mut possible: Vec<_> = scope.choices().filter_map(taken).collect();
    let drawn = choose.below(possible.len());
    (drawn < possible.len()).then(|| possible.swap_remove(drawn))
}

/// Explores a scope breadth first, so that earlier transitions make shorter programs.
pub fn explore(scope: &Scope, most: usize) -> Result<Graph, ExploreError> {
    let (first, _) = scope.begin();
    let (state, naming) = scope.canonical(&first);
    let root = Node {
        by: None,
        depth: 0,
        naming,
    };
    let mut search = Search {
        scope,
        known: HashMap::from([(state, 0)]),
        frontier: VecDeque::from([(0, first)]),
        graph: Graph {
            nodes: vec![root],
            edges: Vec::new(),
            unfinished: 0,
        },
    };
    while let Some((node, world)) = search.frontier.pop_front() {
        if search.graph.nodes[node as usize].depth >= scope.depth {
            search.graph.unfinished += 1;
            continue;
        }
        search.expand(node, &world)?;
        if search.graph.edges.len() > most {
            return Err(ExploreError::TooMany(most));
        }
    }
    Ok(search.graph)
}

struct Search<'s> {
    scope: &'s Scope,
    known: HashMap<State, NodeId>,
    frontier: VecDeque<(NodeId, World)>,
    graph: Graph,
}

impl Search<'_> {
    fn expand(&mut self, from: NodeId, world: &World) -> Result<(), ExploreError> {
        let mut choose = Exhaust::new();
        loop {
            if let Some((choice, next, _)) = step(self.scope, world, &mut choose) {
                self.arrive(from, choice, next)?;
            }
            if !choose.advance() {
                return Ok(());
            }
        }
    }

    fn arrive(&mut self, from: NodeId, choice: Choice, world: World) -> Result<(), ExploreError> {
        if world.is_uncertain() {
            let mut path = self.graph.path(from);
            path.push(choice);
            let names: Vec<_> = path.iter().map(|choice| self.scope.name(*choice)).collect();
            return Err(ExploreError::Uncertain(names.join("; ")));
        }
        let graph = &mut self.graph;
        let next = graph.nodes.len() as NodeId;
        let (state, naming) = self.scope.canonical(&world);
        let to = *self.known.entry(state).or_insert(next);
        let discovers = to == next;
        graph.edges.push(Edge {
            from,
            choice,
            to,
            discovers,
        });
        if discovers {
            let depth = graph.nodes[from as usize].depth + 1;
            let by = Some(graph.edges.len() as u32 - 1);
            graph.nodes.push(Node { by, depth, naming });
            self.frontier.push_back((next, world));
        }
        Ok(())
    }
}

impl Graph {
    /// Every transition, shorter programs first.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// How many states there are.
    pub fn states(&self) -> usize {
        self.nodes.len()
    }

    /// Whether every state that any program reaches, however long, is among the states: none was left for want of depth.
    pub fn is_closed(&self) -> bool {
        self.unfinished == 0
    }

    /// Symbols on the way to the state that is farthest away.
    pub fn eccentricity(&self) -> u32 {
        self.nodes.iter().map(|node| node.depth).max().unwrap_or(0)
    }

    /// Symbols of the longest program.
    pub fn longest(&self) -> u32 {
        let depths = self.edges.iter().map(|edge| self.depth(edge.from) + 1);
        depths.max().unwrap_or(0)
    }

    /// Symbols on the shortest way to a state.
    pub fn depth(&self, node: NodeId) -> u32 {
        self.nodes[node as usize].depth
    }

    /// The shortest way to a state.
    pub fn path(&self, node: NodeId) -> Vec<Choice> {
        let mut path = Vec::new();
        let mut at = node;
        while let Some(by) = self.nodes[at as usize].by {
            let edge = self.edges[by as usize];
            path.push(edge.choice);
            at = edge.from;
        }
        path.reverse();
        path
    }

    /// How the buffers of the shortest program to a state are called in the state's canonical form.
    pub(crate) fn naming(&self, node: NodeId) -> &Naming {
        &self.nodes[node as usize].naming
    }

    /// The choices of the program of a transition.
    pub fn word(&self, edge: usize) -> Vec<Choice> {
        let edge = self.edges[edge];
        let mut word = self.path(edge.from);
        word.push(edge.choice);
        word
    }

    /// The transitions into states that were known already: programs that were not continued.
    pub fn pruned(&self) -> Vec<usize> {
        let edges = self.edges.iter().enumerate();
        let pruned = edges.filter(|(_, edge)| !edge.discovers);
        pruned.map(|(index, _)| index).collect()
    }
}

/// A program made of a scope's symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelled {
    /// The program, with set-up and observation.
    pub program: Program,
    /// Steps before the observation.
    pub acted: usize,
    /// The state before the observation.
    pub world: World,
}

/// Writes out a word. `None` if one of its symbols is not possible where it stands.
pub fn spell(scope: &Scope, word: &[Choice]) -> Option<Spelled> {
    let (mut world, mut steps) = scope.begin();
    for choice in word {
        steps.extend(scope.take(&mut world, *choice)?);
    }
    let acted = steps.len();
    let mut seen = world.clone();
    steps.extend(scope.observe(&mut seen));
    Some(Spelled {
        program: Program { steps },
        acted,
        world,
    })
}

/// A random word of at most `length` symbols that begins with `word`, and goes on with what `choose` draws.
pub fn lengthen(
    scope: &Scope,
    word: &[Choice],
    length: usize,
    choose: &mut dyn Choose,
) -> Vec<Choice> {
    let mut word = word.to_vec();
    let Some(Spelled { mut world, .. }) = spell(scope, &word) else {
        return word;
    };
    while word.len() < length {
        let Some((choice, next, _)) = step(scope, &world, choose) else {
            break;
        };
        if next.is_uncertain() {
            break;
        }
        word.push(choice);
        world = next;
    }
    word
}
