//! The command line. Small enough to go without a parser crate in the target.

use anyhow::{Context, Result, bail};

use program::Driver;

/// What the command line says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Speak on standard input and output.
    pub(crate) stdio: bool,
    /// The driver under test: one that the lab knows by its name, or any other by the one that QUERYCAP tells.
    pub(crate) driver: String,
    /// The host's folder with programs of a Debian release.
    pub(crate) debian: Option<String>,
}

impl Options {
    /// Reads the arguments after the program's name. What the kernel did not understand of its own command line is
    /// among an init's arguments, so that words without `--` are let through.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            stdio: false,
            driver: Driver::Double.name().to_owned(),
            debian: None,
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--stdio" => options.stdio = true,
                "--driver" => {
                    options.driver = arguments.next().context("--driver needs a name")?;
                }
                "--debian" => {
                    options.debian = Some(arguments.next().context("--debian needs a folder")?);
                }
                other if other.starts_with("--") => bail!("unknown option {other}"),
                _ => {}
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        Options::parse(arguments.iter().map(|argument| (*argument).to_owned()))
    }

    #[test]
    fn the_double_is_the_default() {
        let options = parse(&[]).expect("valid");
        assert_eq!(
            options,
            Options {
                stdio: false,
                driver: "double".to_owned(),
                debian: None,
            }
        );
    }

    #[test]
    fn another_driver_can_be_named() {
        let options = parse(&["--stdio", "--driver", "vim2m"]).expect("valid");
        assert_eq!(
            options,
            Options {
                stdio: true,
                driver: "vim2m".to_owned(),
                debian: None,
            }
        );
    }

    #[test]
    fn mistakes_are_refused() {
        assert!(parse(&["--driver"]).is_err());
        assert!(parse(&["--debian"]).is_err());
        assert!(parse(&["--verbose"]).is_err());
        assert!(parse(&["leftover"]).is_ok());
    }
}
