//! Programs of a Debian release in the guest.

/// The agent, which can enter a root.
const AGENT: &str = "/init";

/// Where the guest finds the release's folder.
const PLACE: &str = "/debian";

/// What the guest runs for a program of the release: a name that is searched as a shell does, or a path.
pub fn command<I: IntoIterator<Item: Into<String>>>(words: I) -> Vec<String> {
    let before = [AGENT, "--in", PLACE].map(String::from);
    before
        .into_iter()
        .chain(words.into_iter().map(Into::into))
        .collect()
}
