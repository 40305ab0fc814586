//! Names of Rust functions: the path in a mangled symbol, which is what a reader needs and what no build changes.

/// `main::context::finish` of `_RNvNtCs5soj9GhKFqq_4main7context6finish`; any other name as it is.
pub fn readable(name: &str) -> String {
    let Some(mut rest) = name.strip_prefix("_R") else {
        return name.to_owned();
    };
    let mut path: Vec<&str> = Vec::new();
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '0'..='9' => {
                let Some((identifier, after)) = identifier(rest) else {
                    break;
                };
                path.push(identifier);
                after
            }
            // Disambiguators and back references, which hold digits that are no lengths.
            's' | 'B' => rest.split_once('_').map_or("", |(_, after)| after),
            _ => &rest[first.len_utf8()..],
        };
    }
    if path.is_empty() {
        name.to_owned()
    } else {
        path.join("::")
    }
}

/// A length in decimal, perhaps `_`, and so many characters.
fn identifier(text: &str) -> Option<(&str, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let length: usize = text[..digits].parse().ok()?;
    let rest = &text[digits..];
    let rest = rest.strip_prefix('_').unwrap_or(rest);
    Some((rest.get(..length)?, rest.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn a_mangled_path_is_told_without_the_build_s_hash() {
        let free = "_RNvNtCs5soj9GhKFqq_4main7context6finish";
        assert_eq!(readable(free), "main::context::finish");
        let method = "_RNvXs0_NtCs5soj9GhKFqq_4main7contextNtB5_7ContextNtNtNtB7_4v4l27mem2mem10Operations9job_abort";
        assert_eq!(
            readable(method),
            "main::context::Context::v4l2::mem2mem::Operations::job_abort"
        );
    }

    #[test]
    fn other_names_stay() {
        for name in [
            "vb2_buffer_done",
            "_R",
            "_RNv",
            "_R9short",
            "_Rš",
            "_R99999999999999999999x",
        ] {
            assert_eq!(readable(name), name);
        }
    }
}
