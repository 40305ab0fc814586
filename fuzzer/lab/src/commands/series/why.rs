//! Why an object is not part of a build, for people: the symbol that would switch it on, and what that depends on.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The reason, as well as the Makefiles' and Kconfig's text tells it.
pub(super) fn not_built(source: &Path, config: &str, object: &str) -> String {
    let path = Path::new(object);
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let Some(symbols) = switches(source, folder, &name, 3) else {
        return "no Makefile names it".to_owned();
    };
    let above = folder
        .ancestors()
        .filter(|above| !above.as_os_str().is_empty());
    let of_folders = above.filter_map(|above| {
        let name = format!("{}/", above.file_name()?.to_string_lossy());
        switches(source, above.parent()?, &name, 1)
    });
    let mut all = symbols.into_iter().chain(of_folders.flatten());
    let unset = all.find(|symbol| !is_set(config, symbol));
    unset.map_or_else(
        || "make does not descend to it".to_owned(),
        |symbol| told(source, folder, &symbol),
    )
}

/// The symbols in the lines of a folder's Makefile that lead to a name; none if no line does.
fn switches(source: &Path, folder: &Path, name: &str, depth: u32) -> Option<Vec<String>> {
    let text = makefile(&source.join(folder))?;
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().filter_map(|line| {
        line.split_once('=')
            .filter(|(_, names)| names.split_whitespace().any(|word| word == name))
    });
    let mut symbols = None;
    for (variable, _) in lines {
        let variable = variable.trim().trim_end_matches([':', '+']).trim();
        let (stem, switch) = variable.rsplit_once('-').unwrap_or((variable, ""));
        let found: &mut Vec<String> = symbols.get_or_insert_default();
        found.extend(
            switch
                .strip_prefix("$(CONFIG_")
                .and_then(|rest| rest.strip_suffix(')'))
                .map(str::to_owned),
        );
        let is_part = !["obj", "lib", "subdir"].contains(&stem);
        if is_part && depth > 0 {
            found.extend(
                switches(source, folder, &format!("{stem}.o"), depth - 1).unwrap_or_default(),
            );
        }
    }
    symbols
}

fn makefile(folder: &Path) -> Option<String> {
    ["Kbuild", "Makefile"]
        .iter()
        .find_map(|name| fs::read_to_string(folder.join(name)).ok())
}

fn is_set(config: &str, symbol: &str) -> bool {
    let (y, m) = (format!("CONFIG_{symbol}=y"), format!("CONFIG_{symbol}=m"));
    config.lines().any(|line| line == y || line == m)
}

fn told(source: &Path, folder: &Path, symbol: &str) -> String {
    let files = folder
        .ancestors()
        .map(|folder| source.join(folder).join("Kconfig"));
    match files.into_iter().find_map(|file| depends(file, symbol)) {
        Some(on) => format!("CONFIG_{symbol} is not set, it depends on {on}"),
        None => format!("CONFIG_{symbol} is not set"),
    }
}

/// What stands behind `depends on` of a symbol in a Kconfig file.
fn depends(file: PathBuf, symbol: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let heads = ["config", "menuconfig"].map(|word| format!("{word} {symbol}"));
    let mut lines = text
        .lines()
        .skip_while(|line| !heads.iter().any(|head| line.trim() == head));
    lines.next()?;
    let entry = lines.take_while(|line| line.is_empty() || line.starts_with([' ', '\t']));
    let on: Vec<_> = entry
        .filter_map(|line| line.trim().strip_prefix("depends on "))
        .collect();
    (!on.is_empty()).then(|| on.join(" && "))
}
