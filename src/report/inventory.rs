//! What stands in each environment, side by side, for a person and for a program.

use anstyle::Style;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::explanation::{colour_of, colour_of_money};
use super::layout::{Cell, Sheet};
use super::redact::masked;
use super::terminal::{DOUBT, FAINT, GOOD, STRONG, count};
use super::{Options, Skipped};
use crate::credential::{Class, Environment, Provider};
use crate::environment::Filling;
use crate::environment::inventory::{Holds, Inventory, Item, Row, What};
use crate::finding::Stage;
use crate::rule::RuleSet;

/// The widest name before the columns; longer ones push them on.
const NAME: usize = 40;
/// Places of one thing in one environment that are listed.
const PLACES: usize = 6;

/// What the columns are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// Where code runs that reads it: production, staging …
    #[default]
    Place,
    /// Which money it is about: live, sandbox.
    Money,
}

impl By {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::Place, Self::Money];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Money => "money",
        }
    }
}

/// An inventory and how it was taken.
#[derive(Clone, Copy, Debug)]
pub struct Stocked<'a> {
    /// What stands where.
    pub inventory: &'a Inventory,
    /// Who the providers are.
    pub rules: &'a RuleSet,
    /// What the columns are.
    pub by: By,
    /// How many files were read.
    pub files: u64,
    /// What was wanted and could not be read.
    pub skipped: &'a [Skipped],
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Place(Stage),
    Money(Environment),
}

impl Column {
    fn of(item: &Item, by: By) -> Self {
        match by {
            By::Place => Self::Place(item.stage),
            By::Money => Self::Money(item.side),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Place(stage) => stage.name(),
            Self::Money(environment) => environment.name(),
        }
    }

    const fn colour(self) -> Style {
        match self {
            Self::Place(stage) => colour_of(stage),
            Self::Money(environment) => colour_of_money(environment),
        }
    }

    /// From the one that matters most.
    const fn order(self) -> usize {
        match self {
            Self::Place(stage) => stage as usize,
            Self::Money(Environment::Live) => 0,
            Self::Money(Environment::Sandbox) => 1,
            Self::Money(Environment::Unknown) => 2,
        }
    }
}

/// An inventory for a person.
pub fn inventory_text(stocked: &Stocked<'_>, options: &Options<'_>) -> String {
    let mut columns: Vec<Column> = stocked.inventory.items().iter().map(|item| Column::of(item, stocked.by)).collect();
    columns.sort_by_key(|column| column.order());
    columns.dedup();
    let rows = stocked.inventory.rows();
    let mut page = Page { options: *options, sheet: Sheet::new(options.width), stocked: *stocked, columns };
    if rows.is_empty() {
        page.sheet.line("nothing: no slot, host, webhook URL or chain of a provider stands here");
    } else {
        page.matrix(&rows);
        page.only(&rows);
        page.same();
        page.places(&rows);
    }
    page.unresolved();
    page.skipped();
    page.summary(&rows);
    page.sheet.finish()
}

struct Page<'a> {
    options: Options<'a>,
    sheet: Sheet,
    stocked: Stocked<'a>,
    columns: Vec<Column>,
}

impl Page<'_> {
    fn text(&self, text: &str) -> String {
        self.options.redactor.prose(text)
    }

    fn place(&self, item: &Item) -> String {
        format!("{}:{}", self.options.redactor.text(&item.origin.to_string()), item.line)
    }

    fn owner(&self, provider: Option<&Provider>) -> String {
        let facts = provider.and_then(|id| self.stocked.rules.providers().iter().find(|facts| facts.id == *id));
        let name = facts.map(|facts| facts.name.to_string());
        name.or_else(|| provider.map(ToString::to_string)).unwrap_or_else(|| "no provider".to_owned())
    }

    fn label(&self, row: &Row<'_>) -> String {
        let name = self.text(row.name);
        match row.what {
            What::Slot => name,
            What::Host => format!("host {name}"),
            What::Webhook => format!("webhook {name}"),
            What::Network => format!("network {name}"),
            What::Path => format!("path {name}"),
        }
    }

    /// One row for each thing, one column for each environment.
    fn matrix(&mut self, rows: &[Row<'_>]) {
        let name = rows.iter().map(|row| self.label(row).width()).max().unwrap_or(0).min(NAME);
        let widths: Vec<usize> = self.columns.iter().map(|&column| self.width_of(column, rows)).collect();
        let mut heads = vec![Cell::plain("", name)];
        heads.extend(
            self.columns.iter().zip(&widths).map(|(column, &width)| Cell::styled(column.name(), width, column.colour().bold())),
        );
        self.sheet.row(2, &heads, "");
        let mut last: Option<Option<&Provider>> = None;
        for row in rows {
            if last != Some(row.provider) {
                let owner = self.owner(row.provider);
                self.sheet.line(&format!("{STRONG}{owner}{STRONG:#}"));
                last = Some(row.provider);
            }
            let label = self.label(row);
            let texts: Vec<(String, Style)> = self.columns.iter().map(|&column| self.cell(row, column)).collect();
            let mut cells = vec![Cell::plain(&label, name)];
            cells.extend(texts.iter().zip(&widths).map(|((text, style), &width)| Cell::styled(text, width, *style)));
            self.sheet.row(2, &cells, "");
        }
    }

    fn width_of(&self, column: Column, rows: &[Row<'_>]) -> usize {
        let widest = rows.iter().map(|row| self.cell(row, column).0.width()).max().unwrap_or(0);
        widest.max(column.name().width())
    }

    /// What a row has in a column, in a word.
    fn cell(&self, row: &Row<'_>, column: Column) -> (String, Style) {
        let mut words: Vec<(&str, Style)> = Vec::new();
        for item in row.items.iter().filter(|item| Column::of(item, self.stocked.by) == column) {
            let word = word_of(item, row.what);
            if !words.contains(&word) {
                words.push(word);
            }
        }
        match words[..] {
            [] => ("–".to_owned(), if row.only.is_some() { DOUBT } else { FAINT }),
            [(word, style)] => (self.text(word), style),
            [(one, _), .., (other, _)] => (format!("{one}+{other}"), DOUBT),
        }
    }

    fn only(&mut self, rows: &[Row<'_>]) {
        let rows: Vec<&Row<'_>> = rows.iter().filter(|row| row.only.is_some()).collect();
        if rows.is_empty() {
            return;
        }
        self.sheet.heading("On one side only", "the other side of the same provider has none, or an empty one");
        for row in rows {
            let filled: Vec<&Item> = row.items.iter().copied().filter(|item| item.is_filled()).collect();
            let mut sides: Vec<Column> = filled.iter().map(|item| Column::of(item, self.stocked.by)).collect();
            sides.sort_by_key(|side| side.order());
            sides.dedup();
            let names: Vec<&str> = sides.iter().map(|side| side.name()).collect();
            let first = filled.first().map_or(String::new(), |item| self.place(item));
            let label = if row.what == What::Slot && row.name.len() < 12 {
                format!("{} {}", self.owner(row.provider), self.label(row))
            } else {
                self.label(row)
            };
            let note = format!("only in {}: {FAINT}{first}{FAINT:#}", names.join(", "));
            self.sheet.row(2, &[Cell::styled(&label, 0, DOUBT)], &note);
        }
    }

    fn same(&mut self) {
        let same = self.stocked.inventory.same();
        if same.is_empty() {
            return;
        }
        self.sheet.heading("The same on both sides", "a value of production that a lower environment has, too");
        for same in same {
            let mut name = String::new();
            for (at, item) in same.items.iter().enumerate().take(PLACES) {
                if at == 0 {
                    name = match &item.holds {
                        Holds::Credential { mask, .. } => masked(mask),
                        Holds::Plain(text) => self.text(text),
                        Holds::Filled(_) => String::new(),
                    };
                    self.sheet.line(&format!("  {DOUBT}{name}{DOUBT:#}"));
                }
                let stage = item.stage;
                let slot = if item.name == name { String::new() } else { self.text(&item.name) };
                let cells = [Cell::styled(stage.name(), 10, colour_of(stage)), Cell::plain(&slot, 0)];
                let place = self.place(item);
                self.sheet.row(4, &cells, &format!("{FAINT}{place}{FAINT:#}"));
            }
            if same.items.len() > PLACES {
                self.sheet.line(&format!("    and {} more", same.items.len() - PLACES));
            }
        }
    }

    /// Where everything stands.
    fn places(&mut self, rows: &[Row<'_>]) {
        self.sheet.heading("Where it stands", "");
        for row in rows {
            let (owner, label) = (self.owner(row.provider), self.label(row));
            self.sheet.line(&format!("  {STRONG}{label}{STRONG:#}{FAINT}  {owner}{FAINT:#}"));
            for &column in &self.columns.clone() {
                let here: Vec<&Item> =
                    row.items.iter().copied().filter(|item| Column::of(item, self.stocked.by) == column).collect();
                for (at, item) in here.iter().take(PLACES).enumerate() {
                    let (what, style) = self.value_of(item);
                    let head = if at == 0 { column.name() } else { "" };
                    let mut cells = vec![Cell::styled(head, 10, column.colour())];
                    cells.extend((!what.is_empty()).then(|| Cell::styled(&what, 24, style)));
                    let place = self.place(item);
                    self.sheet.row(4, &cells, &format!("{FAINT}{place}{FAINT:#}"));
                    if let Holds::Credential { fingerprint, class, .. } = &item.holds
                        && self.options.fingerprints.may_show(Some(*class))
                    {
                        self.sheet.line(&format!("{:16}{FAINT}{fingerprint}{FAINT:#}", ""));
                    }
                }
                if here.len() > PLACES {
                    self.sheet.line(&format!("{:16}and {} more", "", here.len() - PLACES));
                }
            }
        }
    }

    /// What an item holds, masked.
    fn value_of(&self, item: &Item) -> (String, Style) {
        match &item.holds {
            Holds::Credential { mask, environment, .. } => {
                (format!("{} {environment}", masked(mask)), colour_of_money(*environment))
            }
            Holds::Filled(Filling::Reference(store)) => (format!("reference: {store}"), GOOD),
            Holds::Filled(filling) => (filling.name().to_owned(), Style::new()),
            Holds::Plain(text) if *text == item.name => (String::new(), Style::new()),
            Holds::Plain(text) => (self.text(text), Style::new()),
        }
    }

    fn unresolved(&mut self) {
        let sites = self.stocked.inventory.unresolved();
        if sites.is_empty() {
            return;
        }
        self.sheet.heading("Unresolved", "one line in .keyfence.toml, or a clearer name, settles each");
        for site in sites {
            let path = self.options.redactor.text(&site.origin.to_string());
            let (why, declare) = (self.text(&site.why), self.text(&site.declare));
            self.sheet.line(&format!("  {path}:{}", site.line));
            self.sheet.row(4, &[Cell::styled("why", 7, FAINT)], &why);
            self.sheet.row(4, &[Cell::styled("declare", 7, FAINT)], &declare);
        }
    }

    fn skipped(&mut self) {
        if !self.stocked.skipped.is_empty() {
            self.sheet.heading("Skipped", "");
        }
        for skipped in self.stocked.skipped {
            let path = self.options.redactor.text(&skipped.origin.to_string());
            let why = self.text(&skipped.why);
            self.sheet.line(&format!("  {path}: {DOUBT}{why}{DOUBT:#}"));
        }
    }

    fn summary(&mut self, rows: &[Row<'_>]) {
        let inventory = self.stocked.inventory;
        let mut providers: Vec<_> = rows.iter().filter_map(|row| row.provider).collect();
        providers.sort();
        providers.dedup();
        let things = count(rows.len() as u64, "thing");
        let of = count(providers.len() as u64, "provider");
        let sites = inventory.unresolved().len() as u64;
        let unresolved = if sites == 0 { "everything resolved".to_owned() } else { count(sites, "site") + " unresolved" };
        let files = count(self.stocked.files, "file");
        self.sheet.line(&format!("\n{STRONG}{things}{STRONG:#} of {of} in {files}: {unresolved}"));
    }
}

/// What an item is, in a word.
fn word_of(item: &Item, what: What) -> (&str, Style) {
    match &item.holds {
        Holds::Credential { class: Class::ClientId, .. } => ("id", Style::new()),
        Holds::Credential { environment, .. } => (environment.name(), colour_of_money(*environment)),
        Holds::Filled(Filling::Reference(_)) => ("reference", GOOD),
        Holds::Filled(Filling::Ciphertext) => ("sealed", GOOD),
        Holds::Filled(Filling::Placeholder) => ("to fill", DOUBT),
        Holds::Filled(Filling::Empty) => ("empty", DOUBT),
        Holds::Filled(Filling::Value) => ("set", Style::new()),
        // The name of a chain is as short as a word.
        Holds::Plain(text) if what == What::Network && *text != item.name && text.len() <= 20 => (text, Style::new()),
        Holds::Plain(_) => ("yes", Style::new()),
    }
}

// The order of fields below is the order of keys.

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'a> {
    InventoryRow(RowPart<'a>),
    InventorySame { items: Vec<ItemPart<'a>> },
    Unresolved { path: String, line: u64, why: String, declare: String },
    Skipped { path: String, why: String },
    InventorySummary { rows: usize, items: usize, unresolved: usize, files: u64, skipped: usize, complete: bool },
}

#[derive(Serialize)]
struct RowPart<'a> {
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    only: Option<Environment>,
    items: Vec<ItemPart<'a>>,
}

#[derive(Serialize)]
struct ItemPart<'a> {
    place: &'static str,
    money: Environment,
    name: String,
    holds: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<Environment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a Class>,
    #[serde(skip_serializing_if = "Option::is_none")]
    masked: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    path: String,
    line: u64,
}

impl<'a> ItemPart<'a> {
    fn new(item: &'a Item, options: &Options<'_>) -> Self {
        let text = |text: &str| options.redactor.text(text);
        let mut part = Self {
            place: item.stage.name(),
            money: item.side,
            name: text(&item.name),
            holds: "value",
            store: None,
            value: None,
            environment: None,
            class: None,
            masked: None,
            fingerprint: None,
            path: text(&item.origin.to_string()),
            line: item.line,
        };
        match &item.holds {
            Holds::Credential { environment, class, mask, fingerprint } => {
                part.holds = "credential";
                part.environment = Some(*environment);
                part.class = Some(class);
                part.masked = Some(masked(mask));
                part.fingerprint = options.fingerprints.may_show(Some(*class)).then(|| fingerprint.to_string());
            }
            Holds::Filled(filling) => {
                part.holds = filling.name();
                if let Filling::Reference(store) = filling {
                    part.store = Some(store);
                }
            }
            Holds::Plain(value) => part.value = Some(text(value)),
        }
        part
    }
}

/// An inventory as lines of JSON: its rows, what is the same, what is unresolved, and a summary.
pub fn inventory_lines(stocked: &Stocked<'_>, options: &Options<'_>) -> String {
    let text = |text: &str| options.redactor.text(text);
    let inventory = stocked.inventory;
    let rows = inventory.rows();
    let mut lines: Vec<String> = Vec::new();
    let mut push = |line: &Line<'_>| lines.push(serde_json::to_string(line).unwrap_or_default());
    for row in &rows {
        push(&Line::InventoryRow(RowPart {
            what: row.what.name(),
            provider: row.provider.map(Provider::as_str),
            name: text(row.name),
            only: row.only,
            items: row.items.iter().map(|item| ItemPart::new(item, options)).collect(),
        }));
    }
    for same in inventory.same() {
        push(&Line::InventorySame { items: same.items.iter().map(|item| ItemPart::new(item, options)).collect() });
    }
    for site in inventory.unresolved() {
        let (path, why, declare) = (text(&site.origin.to_string()), text(&site.why), text(&site.declare));
        push(&Line::Unresolved { path, line: site.line, why, declare });
    }
    for skipped in stocked.skipped {
        push(&Line::Skipped { path: text(&skipped.origin.to_string()), why: text(&skipped.why) });
    }
    push(&Line::InventorySummary {
        rows: rows.len(),
        items: inventory.items().len(),
        unresolved: inventory.unresolved().len(),
        files: stocked.files,
        skipped: stocked.skipped.len(),
        complete: stocked.skipped.is_empty(),
    });
    lines.join("\n") + "\n"
}
