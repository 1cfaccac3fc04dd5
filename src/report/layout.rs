//! Text in columns, for explanations and inventories: aligned whatever the width of characters, wrapped
//! where it does not fit.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::terminal::{FAINT, NARROWEST, STRONG};

/// Lines under construction.
#[derive(Debug)]
pub(super) struct Sheet {
    text: String,
    width: usize,
}

/// A column of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell<'a> {
    /// What stands in it.
    pub(super) text: &'a str,
    /// How wide it is; text that is longer pushes the rest on.
    pub(super) width: usize,
    /// How it looks.
    pub(super) style: Style,
}

impl<'a> Cell<'a> {
    /// Text without colours.
    pub(super) const fn plain(text: &'a str, width: usize) -> Self {
        Self { text, width, style: Style::new() }
    }

    /// Text in a style.
    pub(super) const fn styled(text: &'a str, width: usize, style: Style) -> Self {
        Self { text, width, style }
    }
}

impl Sheet {
    /// A sheet as wide as the terminal.
    pub(super) fn new(width: usize) -> Self {
        Self { text: String::new(), width: width.max(NARROWEST) }
    }

    /// How wide it is.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// A line as it is.
    pub(super) fn line(&mut self, text: &str) {
        self.text += text.trim_end_matches(' ');
        self.text.push('\n');
    }

    /// A heading with a blank line before it.
    pub(super) fn heading(&mut self, text: &str, note: &str) {
        let note = if note.is_empty() { String::new() } else { format!("{FAINT}  {note}{FAINT:#}") };
        self.line(&format!("\n{STRONG}{text}{STRONG:#}{note}"));
    }

    /// Cells side by side behind an indent; then what is left of the line, wrapped below itself.
    pub(super) fn row(&mut self, indent: usize, cells: &[Cell<'_>], rest: &str) {
        let mut line = " ".repeat(indent);
        let mut at = indent;
        for cell in cells {
            let Cell { text, width, style } = *cell;
            let room = width.max(text.width());
            let pad = " ".repeat(room - text.width() + 2);
            line = format!("{line}{style}{text}{style:#}{pad}");
            at += room + 2;
        }
        // Where little room is left, the rest stands below.
        let mut lines = wrap(rest, self.width.saturating_sub(at));
        let below = lines.iter().any(|line| at + columns(line) > self.width) && at > indent + 8;
        if below {
            // A line of empty cells says nothing.
            if cells.iter().any(|cell| !cell.text.is_empty()) {
                self.line(&line);
            }
            at = indent + 4;
            lines = wrap(rest, self.width.saturating_sub(at));
            line = " ".repeat(at);
        }
        let mut lines = lines.into_iter();
        line += &lines.next().unwrap_or_default();
        self.line(&line);
        for more in lines {
            self.line(&format!("{:at$}{more}", ""));
        }
    }

    /// A label and what it says.
    pub(super) fn say(&mut self, label: &str, text: &str) {
        self.row(2, &[Cell::styled(label, 11, FAINT)], text);
    }

    /// The text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// The columns that a text takes, its colours aside.
pub(super) fn columns(text: &str) -> usize {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().width();
    first + parts.map(|part| part.split_once('m').map_or(0, |(_, shown)| shown.width())).sum::<usize>()
}

/// Breaks at spaces; a word that is longer than a line keeps its own. No-break spaces have done their work.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.into_iter().map(|line| line.replace('\u{a0}', " ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_take_no_columns() {
        assert_eq!(columns(&format!("{STRONG}ab{STRONG:#} c")), 4);
        let text = format!("{STRONG}one{STRONG:#} two three");
        assert_eq!(wrap(&text, 7), [format!("{STRONG}one{STRONG:#} two"), "three".to_owned()]);
    }

    #[test]
    fn rows_align_and_wrap() {
        let mut sheet = Sheet::new(40);
        sheet.row(2, &[Cell::plain("ab", 4), Cell::plain("é", 3)], "one two three four five six seven");
        sheet.row(2, &[Cell::plain("a-name-that-is-very-long-indeed", 4)], "and-what-it-is");
        sheet.row(2, &[Cell::plain("", 10)], "a-word-that-does-not-fit-here");
        sheet.say("place", "production");
        let plain = sheet.finish().replace(&FAINT.to_string(), "").replace("\u{1b}[0m", "");
        assert_eq!(
            plain,
            "  ab    é    one two three four five six\n             seven\n  a-name-that-is-very-long-indeed\n      and-what-it-is\n      a-word-that-does-not-fit-here\n  place        production\n"
        );
    }
}
