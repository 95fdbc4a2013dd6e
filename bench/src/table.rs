//! Plain aligned tables that can be pasted into a note, and how figures are written in them; it measures nothing.

/// Rows under a head; the first column is aligned to the left, figures to the right.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&name| name.to_owned()).collect()] }
    }

    /// Adds a row, and says it on standard error, since the next one may take minutes.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        eprintln!("  {}", cells.join(" | "));
        self.add(cells);
    }

    /// Adds a row that was quick to make.
    pub(crate) fn add(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// All rows so far, on standard output.
    pub(crate) fn print(&self) {
        if self.rows.len() < 2 {
            return;
        }
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |at: usize| self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let cell = if at == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
                line.push_str(&cell);
            }
            println!("{}", line.trim_end());
            if number == 0 {
                println!("{}", "-".repeat(widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1)));
            }
        }
        println!();
    }
}

/// `12.3 KB` (1024 bytes)
pub(crate) fn kilobytes(bytes: f64) -> String {
    format!("{:.1} KB", bytes / 1024.0)
}

/// `12.3 MB` (1024 KB)
pub(crate) fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1024.0 / 1024.0)
}

/// `0.42 s`
pub(crate) fn seconds(seconds: f64) -> String {
    format!("{seconds:.2} s")
}

/// `123 us`
pub(crate) fn micros(time: std::time::Duration) -> String {
    format!("{} us", time.as_micros())
}

/// `1.23x`; nothing to compare with is `-`.
pub(crate) fn times(figure: f64, beside: f64) -> String {
    if beside > 0.0 { format!("{:.2}x", figure / beside) } else { "-".to_owned() }
}

/// A target with whether it is met: `<= 32 KB yes`.
pub(crate) fn target(words: &str, met: bool) -> String {
    format!("{words} {}", if met { "yes" } else { "NO" })
}
