//! Pages of headings and labelled text, wrapped to the width of the terminal; in a pipe the same without
//! colours.

use anstyle::{AnsiColor, Style};

use super::output;

/// How far labels reach.
const LABELS: usize = 14;

const STRONG: Style = Style::new().bold();
const QUIET: Style = Style::new().dimmed();
const TITLE: Style = AnsiColor::Cyan.on_default().bold();

/// Text under construction.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    width: usize,
}

impl Page {
    /// A page as wide as the terminal.
    pub(super) fn new() -> Self {
        Self { text: String::new(), width: output::width() }
    }

    /// `name: what it is`.
    pub(super) fn title(&mut self, name: &str, what: &str) {
        self.line(&format!("{TITLE}{name}{TITLE:#}: {STRONG}{what}{STRONG:#}\n"));
    }

    /// A heading above rows.
    pub(super) fn heading(&mut self, text: &str) {
        self.line(&format!("{STRONG}{text}{STRONG:#}"));
    }

    /// A quieter heading.
    pub(super) fn subheading(&mut self, text: &str) {
        self.line(&format!("  {QUIET}{text}{QUIET:#}"));
    }

    /// A line as it is.
    pub(super) fn line(&mut self, text: &str) {
        self.text += text.trim_end_matches(' ');
        self.text.push('\n');
    }

    /// A label and what it says, if it says anything; what does not fit hangs below.
    pub(super) fn row(&mut self, label: &str, value: &str) {
        let mut label = label;
        for line in wrapped(value, self.width.saturating_sub(LABELS + 4)) {
            self.line(&format!("  {QUIET}{label:LABELS$}{QUIET:#}  {line}"));
            label = "";
        }
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Lines of whole words; a word that is longer than a line stands alone.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_wrap_and_hang() {
        let mut page = Page { text: String::new(), width: 40 };
        page.title("a-key", "A key");
        page.row("rotate", "Roll the key in the dashboard, then replace it everywhere.");
        page.row("also", "");
        let plain = anstream::adapter::strip_str(&page.finish()).to_string();
        assert_eq!(
            plain,
            "a-key: A key\n\n  rotate          Roll the key in the\n                  dashboard, then\n                  replace it everywhere.\n"
        );
        assert_eq!(wrapped("aaaaaaaaaa b", 4), ["aaaaaaaaaa", "b"]);
    }
}
