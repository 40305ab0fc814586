//! What the compositor is asked to do.

use clap::{Parser, ValueEnum, builder::PossibleValuesParser, builder::TypedValueParser};
use program::Driver;
use serde::{Deserialize, Serialize};

/// When the producer hands a buffer over to the compositor.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum HandOver {
    /// Right after the system call that completed the pair, so that the hardware has been started
    #[default]
    Armed,
    /// When the frame was dequeued, as today
    Dqbuf,
    /// As soon as the buffer is queued, whether or not a frame will ever come
    Qbuf,
}

/// What the compositor does before it uses a buffer.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Wait {
    /// It exports a sync_file from the dma-buf and waits for that
    #[default]
    Fence,
    /// It polls the dma-buf
    Poll,
    /// Nothing
    None,
}

impl HandOver {
    /// As the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            HandOver::Armed => "armed",
            HandOver::Dqbuf => "dqbuf",
            HandOver::Qbuf => "qbuf",
        }
    }
}

impl Wait {
    /// As the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            Wait::Fence => "fence",
            Wait::Poll => "poll",
            Wait::None => "none",
        }
    }
}

/// Plays 30 frames a second through a mem2mem device and uses them as a compositor does; prints one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Parser)]
#[command(name = "compositor", version)]
pub struct Options {
    /// The device
    #[arg(long, value_name = "NAME", default_value = "double", value_parser = driver())]
    pub driver: Driver,
    /// When the producer hands a buffer over
    #[arg(long, value_name = "POINT", value_enum, default_value_t)]
    pub hand_over: HandOver,
    /// What the compositor does before it uses a buffer
    #[arg(long, value_name = "WAY", value_enum, default_value_t)]
    pub wait: Wait,
    /// Frames
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..1_000_000))]
    pub frames: u32,
    /// From frame K on there is no input any more
    #[arg(long, value_name = "K")]
    pub starve: Option<u32>,
}

fn driver() -> impl TypedValueParser<Value = Driver> {
    PossibleValuesParser::new(Driver::ALL.map(Driver::name))
        .map(|name| Driver::named(&name).unwrap_or_default())
}

impl Options {
    /// The words of a command line that ask for the same.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec![
            format!("--driver={}", self.driver.name()),
            format!("--hand-over={}", self.hand_over.name()),
            format!("--wait={}", self.wait.name()),
            format!("--frames={}", self.frames),
        ];
        words.extend(self.starve.map(|frame| format!("--starve={frame}")));
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_ask_for_the_same() {
        for (hand_over, wait) in [
            (HandOver::Armed, Wait::Poll),
            (HandOver::Dqbuf, Wait::None),
            (HandOver::Qbuf, Wait::Fence),
        ] {
            let options = Options {
                driver: Driver::VicodecDecoder,
                hand_over,
                wait,
                frames: 7,
                starve: Some(3),
            };
            let line = ["compositor".to_owned()].into_iter().chain(options.words());
            assert_eq!(Options::try_parse_from(line).unwrap(), options);
        }
        assert!(Options::try_parse_from(["compositor", "--driver", "vivid"]).is_err());
    }
}
