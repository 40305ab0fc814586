//! The kernel's configuration: a fragment over `tinyconfig`, and the check that all of it came true.

use std::collections::BTreeMap;

use anyhow::bail;

/// The fragment for User-Mode Linux.
pub const UML: &str = include_str!("../target/uml.config");

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
    fn the_fragment_names_each_symbol_once() {
        let lines = UML.lines().filter(|line| symbol(line).is_some()).count();
        assert_eq!(lines, parse(UML).len());
        assert_eq!(parse(UML).get("RUST"), Some(&"y"));
    }
}
