//! A program or a module with its line tables. A module is not linked: its sections get addresses here.

use std::{collections::HashMap, fs, path::Path, sync::Arc};

use addr2line::Context;
use anyhow::Context as _;
use gimli::{Dwarf, EndianArcSlice, LittleEndian, SectionId};
use object::{
    File, Object, ObjectSection, ObjectSymbol, RelocationKind, RelocationTarget, SectionFlags,
    SectionIndex, SymbolKind, elf::SHF_ALLOC,
};

use super::{calls, path::relative};

type Slice = EndianArcSlice<LittleEndian>;

/// The distance between the sections of a module, which are all smaller.
const APART: u64 = 1 << 28;

/// A line of source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The function, which may have been compiled into another.
    pub function: String,
    /// The file, as the kernel's tree or the project names it.
    pub file: String,
    /// The line.
    pub line: u32,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its symbol.
    pub name: String,
    /// Where it begins.
    pub address: u64,
    /// How long it is.
    pub size: u64,
}

impl Function {
    /// Its name without what the compiler added: `.isra.0` and the like.
    fn plain(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }
}

/// A program or a module.
pub struct Binary {
    functions: Vec<Function>,
    context: Context<Slice>,
    /// Text of the sections with code, by address.
    code: Vec<(u64, Vec<u8>)>,
    /// What the relocations of code refer to, by address, if they name a function.
    calls: HashMap<u64, String>,
    built_in: String,
    /// Where each section of a module's text begins in the kernel's memory, counted from the first, and here.
    text: Vec<(u64, u64)>,
}

impl Binary {
    /// Reads a file.
    pub fn read(path: &Path) -> anyhow::Result<Binary> {
        let shown = || path.display().to_string();
        let bytes = fs::read(path).with_context(shown)?;
        let file = File::parse(&*bytes).with_context(shown)?;
        let layout = Layout::of(&file);
        let dwarf = Dwarf::load(|id| layout.section(&file, id)).with_context(shown)?;
        let built_in = built_in(&dwarf);
        Ok(Binary {
            functions: layout.functions(&file),
            context: Context::from_dwarf(dwarf).with_context(shown)?,
            code: layout.code(&file)?,
            calls: layout.calls(&file),
            built_in,
            text: layout.text(&file),
        })
    }

    /// The address of an offset into a module's text, as the kernel lays it out.
    pub fn of_text(&self, offset: u64) -> Option<u64> {
        let mut sections = self.text.iter().rev();
        let (start, base) = sections.find(|(start, _)| *start <= offset)?;
        Some(base + (offset - start))
    }

    /// All functions, by address.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The address of a place that the log names as `function+offset/size`.
    pub fn address(&self, function: &str, offset: u64, size: u64) -> Option<u64> {
        let named = self.functions.iter().filter(|one| one.plain() == function);
        let found = named.clone().find(|one| one.size == size);
        let function = found.or_else(|| named.clone().next())?;
        Some(function.address + offset)
    }

    /// The lines of an address: the innermost function that was compiled in first.
    pub fn places(&self, address: u64) -> Vec<Place> {
        let mut places = Vec::new();
        let Ok(mut frames) = self.context.find_frames(address).skip_all_loads() else {
            return places;
        };
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.as_ref();
            let name = name.and_then(|name| Some(name.demangle().ok()?.into_owned()));
            let location = frame.location;
            let file = location.as_ref().and_then(|location| location.file);
            let Some(file) = file else {
                continue;
            };
            places.push(Place {
                function: name.unwrap_or_else(|| self.function_at(address)),
                file: relative(file, &self.built_in),
                line: location.and_then(|location| location.line).unwrap_or(0),
            });
        }
        places
    }

    /// The symbol of the function with this address. Line tables alone name only the functions into which others were compiled.
    fn function_at(&self, address: u64) -> String {
        let behind = self.functions.partition_point(|one| one.address <= address);
        let before = behind.checked_sub(1).map(|index| &self.functions[index]);
        let around = before.filter(|one| address - one.address < one.size);
        around.map_or("", Function::plain).to_owned()
    }

    /// Addresses behind calls of this function.
    pub fn returns_from(&self, callee: &str) -> Vec<u64> {
        let target = self.functions.iter().find(|one| one.name == callee);
        let target = target.map(|one| one.address);
        // A module refers to it by name; what is linked has its address.
        let is_function = |at: u64, value: u64| match self.calls.get(&at) {
            Some(name) => name == callee,
            None => target == Some(value),
        };
        let functions = self.functions.iter();
        let found = functions.filter_map(|one| {
            let code = self.code_of(one)?;
            Some(calls::returns(one.address, code, &is_function))
        });
        let mut found: Vec<u64> = found.flatten().collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The code of a function.
    fn code_of(&self, function: &Function) -> Option<&[u8]> {
        let (base, code) = self.code.iter().find(|(base, code)| {
            let end = base + code.len() as u64;
            (*base..end).contains(&function.address)
        })?;
        let begin = usize::try_from(function.address - base).ok()?;
        let size = usize::try_from(function.size).ok()?;
        code.get(begin..begin.checked_add(size)?)
    }
}

/// The folder that most units were compiled in.
fn built_in(dwarf: &Dwarf<Slice>) -> String {
    let mut units = dwarf.units();
    while let Ok(Some(header)) = units.next() {
        let Ok(unit) = dwarf.unit(header) else {
            continue;
        };
        if let Some(folder) = unit.comp_dir {
            return String::from_utf8_lossy(&folder).into_owned();
        }
    }
    String::new()
}

/// Where the sections of a file are.
struct Layout(HashMap<SectionIndex, u64>);

impl Layout {
    fn of(file: &File<'_>) -> Layout {
        let loaded = file.sections().filter(is_loaded);
        let places = loaded.enumerate().map(|(place, section)| {
            let address = match section.address() {
                0 => (place as u64 + 1) * APART,
                address => address,
            };
            (section.index(), address)
        });
        Layout(places.collect())
    }

    /// The address of something in a section. Sections that are not loaded have none; what refers to them counts from 0.
    fn address(&self, section: &Option<SectionIndex>, value: u64, linked: bool) -> u64 {
        match (linked, section) {
            (false, Some(section)) => self.0.get(section).copied().unwrap_or(0) + value,
            _ => value,
        }
    }

    fn symbol<'a>(&self, file: &File<'a>, symbol: &impl ObjectSymbol<'a>) -> u64 {
        let linked = file.kind() != object::ObjectKind::Relocatable;
        self.address(&symbol.section_index(), symbol.address(), linked)
    }

    fn functions(&self, file: &File<'_>) -> Vec<Function> {
        let functions = file
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0);
        let mut functions: Vec<_> = functions
            .map(|symbol| Function {
                name: symbol.name().unwrap_or_default().to_owned(),
                address: self.symbol(file, &symbol),
                size: symbol.size(),
            })
            .collect();
        functions.sort_by_key(|function| function.address);
        functions
    }

    fn code(&self, file: &File<'_>) -> anyhow::Result<Vec<(u64, Vec<u8>)>> {
        let code = file
            .sections()
            .filter(|section| section.kind() == object::SectionKind::Text);
        code.map(|section| {
            let address = self.0.get(&section.index()).copied().unwrap_or_default();
            Ok((address, section.data()?.to_vec()))
        })
        .collect()
    }

    /// How the kernel lays out a module's code: the sections in their order, but those for the start alone.
    fn text(&self, file: &File<'_>) -> Vec<(u64, u64)> {
        let code = file
            .sections()
            .filter(|section| section.kind() == object::SectionKind::Text);
        let mut size = 0_u64;
        let mut text = Vec::new();
        for section in code {
            if section.name().is_ok_and(|name| name.starts_with(".init")) {
                continue;
            }
            size = size.next_multiple_of(section.align().max(1));
            let address = self.0.get(&section.index()).copied().unwrap_or_default();
            text.push((size, address));
            size += section.size();
        }
        text
    }

    /// The functions that a module's code calls, by where it refers to them.
    fn calls(&self, file: &File<'_>) -> HashMap<u64, String> {
        let mut calls = HashMap::new();
        let code = file
            .sections()
            .filter(|section| section.kind() == object::SectionKind::Text);
        for section in code {
            let base = self.0.get(&section.index()).copied().unwrap_or_default();
            for (offset, relocation) in section.relocations() {
                let RelocationTarget::Symbol(index) = relocation.target() else {
                    continue;
                };
                let symbol = file.symbol_by_index(index);
                let name = symbol
                    .ok()
                    .and_then(|symbol| symbol.name().ok().map(str::to_owned));
                calls.extend(name.map(|name| (base + offset, name)));
            }
        }
        calls
    }

    /// A section of debug information, with its references filled in.
    fn section(&self, file: &File<'_>, id: SectionId) -> Result<Slice, object::Error> {
        let Some(section) = file.section_by_name(id.name()) else {
            return Ok(Slice::new(Arc::from([]), LittleEndian));
        };
        let mut data = section.uncompressed_data()?.into_owned();
        for (offset, relocation) in section.relocations() {
            if relocation.kind() != RelocationKind::Absolute {
                continue;
            }
            let RelocationTarget::Symbol(index) = relocation.target() else {
                continue;
            };
            let symbol = file.symbol_by_index(index)?;
            let value = self
                .symbol(file, &symbol)
                .wrapping_add_signed(relocation.addend());
            let length = usize::from(relocation.size() / 8);
            let place = offset as usize..offset as usize + length;
            if let Some(place) = data.get_mut(place) {
                place.copy_from_slice(&value.to_le_bytes()[..length]);
            }
        }
        Ok(Slice::new(Arc::from(data), LittleEndian))
    }
}

fn is_loaded<'a>(section: &impl ObjectSection<'a>) -> bool {
    match section.flags() {
        SectionFlags::Elf { sh_flags, .. } => sh_flags & SHF_ALLOC == SHF_ALLOC,
        _ => false,
    }
}
