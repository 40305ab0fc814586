//! The C header's part and the page of docs that are made from the [table](super::TABLE) of knobs.

use std::fmt::Write as _;

use super::{Field, Spec, TABLE};

/// Columns of a line in the header.
const WIDTH: usize = 100;

/// Makes the text of a file.
type Make = fn() -> String;

/// The files that are made, by their places in the clone.
pub const FILES: [(&str, Make); 2] = [
    ("module/include/vb2_double_knobs.h", header),
    ("module/vb2_double/knobs.md", page),
];

/// How the files are made again, for whoever finds one that is not as it should be.
pub const REMEDY: &str = "cargo lab abi --write";

/// `enum vb2_double_knob_id`, with its kernel-doc.
pub fn header() -> String {
    let mut text = String::from(
        "/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */\n\
         /*\n \
         * The knobs of the vb2 mem2mem test double: made by `cargo lab abi --write`\n \
         * from fuzzer/uapi/src/double/knobs.rs. Edit that file instead.\n \
         */\n\
         #ifndef _UAPI_VB2_DOUBLE_KNOBS_H\n\
         #define _UAPI_VB2_DOUBLE_KNOBS_H\n\n\
         /**\n \
         * enum vb2_double_knob_id - what VB2_DOUBLE_S_KNOB sets\n",
    );
    for spec in TABLE {
        let words = format!(
            "@VB2_DOUBLE_KNOB_{}: {}; {}default {}",
            spec.name,
            spec.doc,
            bounds(spec).map_or_else(String::new, |bounds| format!("{bounds}, ")),
            quantity(spec.default, spec.unit)
        );
        text += &wrap(&words);
    }
    text += " */\nenum vb2_double_knob_id {\n";
    for spec in TABLE {
        let _ = writeln!(
            text,
            "\tVB2_DOUBLE_KNOB_{} = {},",
            spec.name, spec.knob as u32
        );
    }
    text + "};\n\n#endif\n"
}

/// Lines of a kernel-doc comment, of which all but the first stand to the right.
fn wrap(words: &str) -> String {
    let mut text = String::new();
    let mut line = String::from(" *");
    for word in words.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH - 8 {
            text += &line;
            line = String::from("\n *\t");
            line += word;
        } else {
            line += " ";
            line += word;
        }
    }
    text + &line + "\n"
}

/// The page about the knobs.
pub fn page() -> String {
    let mut text = String::from(
        "<!-- Made by `cargo lab abi --write` from fuzzer/uapi/src/double/knobs.rs: edit that file instead. -->\n\n\
         # The knobs of the double\n\n\
         `VB2_DOUBLE_S_KNOB` sets a knob of one open file handle (`module/include/vb2_double.h`). It takes effect for the \
         next job that is started, unless its text says otherwise; a value out of range is answered with `EINVAL` and \
         changes nothing. `cargo lab drill` proves from user space what each of them does, and asks the running double \
         whether these are its ranges.\n\n\
         | id | knob | range | default | stands for |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for spec in TABLE {
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} | {} |",
            spec.knob as u32,
            spec.name,
            range(spec),
            quantity(spec.default, spec.unit),
            spec.stands_for
        );
    }
    for spec in TABLE {
        let _ = write!(text, "\n## {}\n\n{}.\n", spec.name, capitalised(spec.doc));
    }
    text
}

/// The range, if a header has to name it: that of a value with fields is in its text, as is a switch's.
fn bounds(spec: &Spec) -> Option<String> {
    match spec.fields {
        [field] if field.highest < u64::MAX && field.highest > 4 => {
            Some(interval(field, spec.unit))
        }
        _ => None,
    }
}

fn range(spec: &Spec) -> String {
    let fields = spec.fields.iter().map(|field| {
        let separator = if field.name.is_empty() { "" } else { " " };
        format!("{}{separator}{}", field.name, interval(field, spec.unit))
    });
    fields.collect::<Vec<_>>().join(", ")
}

fn interval(field: &Field, unit: &str) -> String {
    if field.highest == u64::MAX {
        return "any".to_owned();
    }
    let lowest = quantity(field.lowest, unit);
    // A time brings its unit, a number does not.
    let highest = if unit == "ns" {
        quantity(field.highest, unit)
    } else {
        field.highest.to_string()
    };
    format!("{lowest} to {highest}")
}

/// A value with its unit, if that helps.
fn quantity(value: u64, unit: &str) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1, "ns")];
    let mut units = units.into_iter();
    match units.find(|(size, _)| unit == "ns" && value != 0 && value.is_multiple_of(*size)) {
        Some((size, name)) => format!("{} {name}", value / size),
        None => value.to_string(),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn the_files_are_as_they_are_made() {
        let clone = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for (place, make) in FILES {
            let found = fs::read_to_string(clone.join(place)).unwrap_or_default();
            assert!(
                found == make(),
                "{place} is not as the table of knobs has it: {REMEDY}"
            );
        }
    }

    #[test]
    fn times_are_told_in_the_largest_unit_that_fits() {
        assert_eq!(quantity(2_000_000_000, "ns"), "2 s");
        assert_eq!(quantity(1_500_000, "ns"), "1500000 ns");
        assert_eq!(quantity(0, "ns"), "0");
        assert_eq!(quantity(4, "frames"), "4");
    }

    #[test]
    fn no_line_of_the_header_is_too_long() {
        let columns = |line: &str| {
            line.chars()
                .map(|c| if c == '\t' { 8 } else { 1 })
                .sum::<usize>()
        };
        for line in header().lines() {
            assert!(columns(line) <= WIDTH, "{line}");
        }
    }
}
