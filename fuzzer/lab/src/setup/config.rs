//! The kernel's configuration: fragments over `tinyconfig`, and the check that all of it came true.

use std::collections::BTreeMap;

use anyhow::bail;

/// What a kernel is configured for. Both have the same drivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Config {
    /// With all that watches it: KASAN, lockdep, KCOV and the like
    #[default]
    Checked,
    /// As a distribution ships it, for measurements
    Plain,
}

impl Config {
    /// As the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            Config::Checked => "checked",
            Config::Plain => "plain",
        }
    }

    /// The whole fragment for User-Mode Linux.
    pub fn fragment(self) -> &'static str {
        match self {
            Config::Checked => concat!(
                include_str!("../target/uml.config"),
                include_str!("../target/uml-checked.config")
            ),
            Config::Plain => concat!(
                include_str!("../target/uml.config"),
                include_str!("../target/uml-plain.config")
            ),
        }
    }
}

/// What only some trees have, with the series for one: taken where it is there, and not missed elsewhere.
pub const AT_HAND: &str = "CONFIG_VIDEOBUF2_KUNIT_TEST=m\n";

/// Symbols and their values; what is not set has the value `n`.
type Symbols<'a> = BTreeMap<&'a str, &'a str>;

/// Reads a `.config` or a fragment.
fn parse(text: &str) -> Symbols<'_> {
    text.lines().filter_map(symbol).collect()
}

fn symbol(line: &str) -> Option<(&str, &str)> {
    let unset = line
        .strip_prefix("# CONFIG_")
        .and_then(|rest| rest.strip_suffix(" is not set"));
    unset
        .map(|name| (name, "n"))
        .or_else(|| line.strip_prefix("CONFIG_")?.split_once('='))
}

/// Fails with the names of all wishes that did not come true: a dependency is missing, and the build would silently
/// test less.
pub fn check(fragment: &str, config: &str) -> anyhow::Result<()> {
    let got = parse(config);
    let value = |name: &str| got.get(name).copied().unwrap_or("n");
    let missed = parse(fragment)
        .into_iter()
        .filter(|(name, wanted)| value(name) != *wanted);
    let missed: Vec<_> = missed
        .map(|(name, wanted)| format!("CONFIG_{name}={wanted} (is {})", value(name)))
        .collect();
    if missed.is_empty() {
        return Ok(());
    }
    bail!(
        "this kernel tree does not take the configuration: {}",
        missed.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wish_is_checked() {
        let config =
            "#\n# Automatically generated\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_D=\"xterm\"\n";
        check(
            "CONFIG_A=y\nCONFIG_B=n\nCONFIG_C=n\nCONFIG_D=\"xterm\"\n# a comment\n",
            config,
        )
        .unwrap();
        let error = check("CONFIG_A=m\nCONFIG_C=y\n# CONFIG_D is not set\n", config)
            .unwrap_err()
            .to_string();
        for part in ["CONFIG_A=m (is y)", "CONFIG_C=y (is n)", "CONFIG_D=n"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_fragments_name_each_symbol_once() {
        for config in [Config::Checked, Config::Plain] {
            let text = config.fragment();
            let lines = text.lines().filter(|line| symbol(line).is_some()).count();
            assert_eq!(lines, parse(text).len(), "{config:?}");
            assert_eq!(parse(text).get("RUST"), Some(&"y"));
        }
    }

    #[test]
    fn the_configurations_differ_in_what_watches() {
        for watcher in ["KASAN", "KCOV", "PROVE_LOCKING", "VIDEO_ADV_DEBUG"] {
            assert_eq!(parse(Config::Checked.fragment()).get(watcher), Some(&"y"));
            assert_eq!(parse(Config::Plain.fragment()).get(watcher), Some(&"n"));
        }
    }
}
