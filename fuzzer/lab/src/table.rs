//! Tables of text: aligned for a terminal, and as Markdown for a mail or a page.

/// Rows of cells under a head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(head: &[&str]) -> Table {
        Table {
            head: head.iter().map(|cell| (*cell).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row of as many cells as the head has.
    pub fn row(&mut self, cells: Vec<String>) {
        assert_eq!(
            cells.len(),
            self.head.len(),
            "a row has a cell for each column"
        );
        self.rows.push(cells);
    }

    fn lines(&self) -> impl Iterator<Item = &Vec<String>> {
        std::iter::once(&self.head).chain(&self.rows)
    }

    fn width(&self, column: usize) -> usize {
        self.lines()
            .map(|cells| cells[column].chars().count())
            .max()
            .unwrap_or(0)
    }

    /// Words to the left, numbers to the right.
    fn padded(&self, column: usize, cell: &str) -> String {
        let width = self.width(column);
        let number = |row: &Vec<String>| {
            let cell = &row[column];
            cell.is_empty() || cell == "-" || cell.starts_with(|first: char| first.is_ascii_digit())
        };
        if self.rows.iter().all(number) {
            format!("{cell:>width$}")
        } else {
            format!("{cell:<width$}")
        }
    }

    fn cells<'a>(&'a self, cells: &'a [String]) -> impl Iterator<Item = String> + 'a {
        cells
            .iter()
            .enumerate()
            .map(|(column, cell)| self.padded(column, cell))
    }

    /// For a terminal.
    pub fn plain(&self) -> String {
        let line = |cells: &Vec<String>| {
            let text = self.cells(cells).collect::<Vec<_>>().join("  ");
            format!("{}\n", text.trim_end())
        };
        self.lines().map(line).collect()
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<_> = self.cells(cells).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rules = (0..self.head.len()).map(|column| "-".repeat(self.width(column).max(3)));
        let rules = format!("| {} |\n", rules.collect::<Vec<_>>().join(" | "));
        let rows = self.rows.iter().map(|row| line(row));
        line(&self.head) + &rules + &rows.collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_left_and_numbers_right() {
        let mut table = Table::new(&["name", "count"]);
        table.row(vec!["a".into(), "7".into()]);
        table.row(vec!["longer".into(), "-".into()]);
        assert_eq!(
            table.plain(),
            "name    count\na           7\nlonger      -\n"
        );
        assert_eq!(
            table.markdown(),
            "| name   | count |\n| ------ | ----- |\n| a      |     7 |\n| longer |     - |\n"
        );
    }
}
