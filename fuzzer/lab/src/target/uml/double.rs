//! What the lab's double looks like to user space: its module parameters `nodes` and `memory`.

use anyhow::ensure;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A video node that the double can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Node {
    /// A stateful decoder
    Decoder,
    /// A stateful encoder
    Encoder,
    /// A converter, raw to raw
    M2m,
    /// The decoder with multi-planar queues
    DecoderMplane,
    /// The encoder with multi-planar queues
    EncoderMplane,
    /// The converter with multi-planar queues
    M2mMplane,
}

impl Node {
    /// Every node, in the order in which the help lists them.
    pub const ALL: [Node; 6] = [
        Node::Decoder,
        Node::Encoder,
        Node::M2m,
        Node::DecoderMplane,
        Node::EncoderMplane,
        Node::M2mMplane,
    ];

    /// As the module spells it.
    pub fn name(self) -> &'static str {
        match self {
            Node::Decoder => "decoder",
            Node::Encoder => "encoder",
            Node::M2m => "m2m",
            Node::DecoderMplane => "decoder-mplane",
            Node::EncoderMplane => "encoder-mplane",
            Node::M2mMplane => "m2m-mplane",
        }
    }

    /// The same with multi-planar queues.
    pub fn mplane(self) -> Node {
        match self {
            Node::Decoder | Node::DecoderMplane => Node::DecoderMplane,
            Node::Encoder | Node::EncoderMplane => Node::EncoderMplane,
            Node::M2m | Node::M2mMplane => Node::M2mMplane,
        }
    }

    /// The same with single-planar queues.
    pub fn splane(self) -> Node {
        match self {
            Node::Decoder | Node::DecoderMplane => Node::Decoder,
            Node::Encoder | Node::EncoderMplane => Node::Encoder,
            Node::M2m | Node::M2mMplane => Node::M2m,
        }
    }

    /// What sysfs calls the video device.
    pub fn device(self) -> String {
        match self {
            Node::Decoder => "vb2_double".to_owned(),
            other => format!("vb2_double-{}", other.name()),
        }
    }
}

/// Where the double's buffers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Memory {
    /// videobuf2-vmalloc
    Vmalloc,
    /// videobuf2-dma-sg
    DmaSg,
    /// videobuf2-dma-contig
    DmaContig,
}

impl Memory {
    /// Every kind.
    pub const ALL: [Memory; 3] = [Memory::Vmalloc, Memory::DmaSg, Memory::DmaContig];

    /// As the module spells it.
    pub fn name(self) -> &'static str {
        match self {
            Memory::Vmalloc => "vmalloc",
            Memory::DmaSg => "dma-sg",
            Memory::DmaContig => "dma-contig",
        }
    }
}

/// Options of the double's looks. What is not given is left to the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Shape {
    /// The video nodes of the double, in this order: `open double` opens the first [default: all, the decoder first]
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',')]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<Node>,
    /// Where the double's buffers come from [default: vmalloc]
    #[arg(long, value_name = "KIND", value_enum)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

impl Shape {
    /// A double with one node.
    pub fn of(node: Node, memory: Memory) -> Shape {
        Shape {
            nodes: vec![node],
            memory: Some(memory),
        }
    }

    /// The double as it is if nobody asks for anything else.
    pub fn is_default(&self) -> bool {
        *self == Shape::default()
    }

    /// Refuses what the module would refuse, before anything is built.
    pub fn check(&self) -> anyhow::Result<()> {
        for (index, node) in self.nodes.iter().enumerate() {
            let name = node.name();
            let twice = self.nodes[..index].contains(node);
            ensure!(
                !twice,
                "--nodes names {name} twice: the double has one node of a kind"
            );
        }
        Ok(())
    }

    /// Names and values, as the module's parameters.
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let nodes: Vec<_> = self.nodes.iter().map(|node| node.name()).collect();
        let mut pairs = Vec::new();
        if !nodes.is_empty() {
            pairs.push(("nodes", nodes.join(",")));
        }
        pairs.extend(self.memory.map(|memory| ("memory", memory.name().into())));
        pairs
    }

    /// The module's parameters, each with a space before it. Programs can open every node unless somebody wants fewer: a
    /// node that nobody opens does nothing.
    pub fn parameters(&self) -> String {
        let mut shape = self.clone();
        if shape.nodes.is_empty() {
            shape.nodes = Node::ALL.to_vec();
        }
        let pairs = shape.pairs().into_iter();
        pairs
            .map(|(name, value)| format!(" {name}={value}"))
            .collect()
    }

    /// The words of a command line that ask for the same.
    pub fn words(&self) -> impl Iterator<Item = String> {
        let pairs = self.pairs().into_iter();
        pairs.map(|(name, value)| format!("--{name} {value}"))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        shape: Shape,
    }

    fn parse(words: &str) -> Result<Shape, clap::Error> {
        let words = words.split_whitespace();
        Line::try_parse_from(["lab"].into_iter().chain(words)).map(|line| line.shape)
    }

    #[test]
    fn every_name_is_the_module_s_on_the_command_line_and_in_a_finding() {
        for (node, memory) in Node::ALL.into_iter().zip(Memory::ALL.into_iter().cycle()) {
            let shape = Shape::of(node, memory);
            let words: Vec<_> = shape.words().collect();
            assert_eq!(parse(&words.join(" ")).unwrap(), shape);
            let (nodes, kind) = (node.name(), memory.name());
            assert_eq!(shape.parameters(), format!(" nodes={nodes} memory={kind}"));
            let json = serde_json::to_string(&shape).unwrap();
            assert_eq!(
                json,
                format!(r#"{{"nodes":["{nodes}"],"memory":"{kind}"}}"#)
            );
            assert_eq!(serde_json::from_str::<Shape>(&json).unwrap(), shape);
        }
    }

    #[test]
    fn nodes_keep_their_order() {
        let shape = parse("--nodes m2m-mplane,decoder").unwrap();
        assert_eq!(shape.parameters(), " nodes=m2m-mplane,decoder");
        shape.check().unwrap();
    }

    #[test]
    fn what_is_not_given_is_not_said() {
        let shape = parse("").unwrap();
        assert_eq!(shape, Shape::default());
        assert_eq!(shape.words().count(), 0);
        assert_eq!(serde_json::to_string(&shape).unwrap(), "{}");
    }

    #[test]
    fn all_nodes_are_there_unless_some_are_named() {
        let all = "decoder,encoder,m2m,decoder-mplane,encoder-mplane,m2m-mplane";
        assert_eq!(Shape::default().parameters(), format!(" nodes={all}"));
    }

    #[test]
    fn a_wrong_name_is_refused_with_the_right_ones() {
        for (words, right) in [
            ("--nodes coder", "encoder-mplane"),
            ("--memory cma", "dma-contig"),
        ] {
            let error = parse(words).unwrap_err().to_string();
            assert!(error.contains(right), "{error}");
        }
        let twice = parse("--nodes m2m,decoder,m2m").unwrap().check();
        assert!(twice.unwrap_err().to_string().contains("m2m twice"));
    }
}
