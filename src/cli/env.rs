//! `keyfence env`: why a place is where it is, and what stands in each environment.

use std::fs::File;
use std::path::{Path, PathBuf};

use keyfence::report::{self, By, Fingerprints, Options, Redactor, Skipped, Stocked};
use keyfence::scan::{self, ExplainError};

use super::args::{Env, EnvReport, Global, Report, Scan};
use super::config::{Config, one_of};
use super::scan::on_every_core;
use super::{Exit, output, usage};

pub(super) fn run(global: &Global, args: &Env) -> anyhow::Result<Exit> {
    match (&args.report, &args.place) {
        (Some(EnvReport::Report(report)), _) => inventory(global, report),
        (None, Some(place)) => explain(global, args, place),
        (None, None) => Err(usage("which place? `keyfence env PATH[:LINE]`, or `keyfence env report`")),
    }
}

fn explain(global: &Global, args: &Env, place: &Path) -> anyhow::Result<Exit> {
    let (path, line) = place_of(place);
    if path.is_dir() {
        let folder = path.display();
        return Err(usage(format!("{folder} is a folder: `keyfence env report {folder}` lists what stands in it")));
    }
    let scan = Scan {
        paths: vec![path.clone()],
        rules: args.rules.clone(),
        environments: args.environments.clone(),
        place: args.kind.clone(),
        ..Scan::default()
    };
    let config = Config::new(global, &scan)?;
    let scanner = config.scanner(false);
    let explained = scan::explain(scanner, &path, line, &config.settings, &config.gate);
    let explanation = explained.map_err(|error| match error {
        ExplainError::Line { .. } => usage(error.to_string()),
        ExplainError::Source(error) => error.into(),
    })?;
    let find = |bytes: &[u8]| output::masks(scanner, bytes);
    let options = options(global, &config, Redactor::new(&find));
    write(global, &config, &|name| match name {
        "jsonl" => report::explanation_line(&explanation, &options),
        _ => report::explanation_text(&explanation, &options),
    })?;
    Ok(Exit::Clean)
}

fn inventory(global: &Global, args: &Report) -> anyhow::Result<Exit> {
    let by = one_of("--by", &args.by, &By::ALL, By::name)?;
    let scan = Scan {
        paths: args.paths.clone(),
        rules: args.rules.clone(),
        walk: args.walk.clone(),
        environments: args.environments.clone(),
        ..Scan::default()
    };
    let config = Config::new(global, &scan)?;
    if config.stdin {
        return Err(usage("standard input is no tree: name files and folders"));
    }
    let scanner = config.scanner(false);
    let (inventory, ledger) = on_every_core(global, &|progress| {
        let taken = scan::inventory(scanner, &config.paths, &config.settings, progress);
        taken.map_err(|error| usage(format!("--exclude: {error}")))
    })?;
    let skipped = ledger.skipped.iter().map(|error| Skipped { origin: error.origin.clone(), why: error.why.clone() });
    let skipped: Vec<Skipped> = skipped.collect();
    let stocked = Stocked { inventory: &inventory, rules: scanner.rules(), by, files: ledger.files, skipped: &skipped };
    let find = |bytes: &[u8]| output::masks(scanner, bytes);
    let options = options(global, &config, Redactor::new(&find));
    write(global, &config, &|name| match name {
        "jsonl" => report::inventory_lines(&stocked, &options),
        _ => report::inventory_text(&stocked, &options),
    })?;
    Ok(if ledger.is_complete() { Exit::Clean } else { Exit::Incomplete })
}

/// `deploy/prod.env:3`, also with a column behind, as findings are printed. A file of that very name goes first.
fn place_of(place: &Path) -> (PathBuf, Option<u64>) {
    let whole = (place.to_owned(), None);
    let Some(text) = place.to_str().filter(|_| !place.exists()) else { return whole };
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let parts: Vec<&str> = text.rsplitn(3, ':').collect();
    match parts[..] {
        [column, line, path] if number(column).is_some() && number(line).is_some() => (PathBuf::from(path), number(line)),
        [_, _, _] | [_, _] => match text.rsplit_once(':') {
            Some((path, line)) if number(line).is_some() && !path.is_empty() => (PathBuf::from(path), number(line)),
            _ => whole,
        },
        _ => whole,
    }
}

fn options<'a>(global: &Global, config: &'a Config, redactor: Redactor<'a>) -> Options<'a> {
    let root = config.settings.context.declared.root.as_deref();
    let fingerprints = Fingerprints::of(&config.settings.fingerprints);
    Options { redactor, fingerprints, root, quiet: global.quiet, width: output::width() }
}

/// Writes each format where it is wanted.
fn write(global: &Global, config: &Config, text: &dyn Fn(&str) -> String) -> anyhow::Result<()> {
    for wanted in &config.outputs {
        let mut writer = match &wanted.path {
            None => output::stdout(global.color),
            Some(path) => output::file(File::create(path).map_err(|error| usage(format!("{}: {error}", path.display())))?),
        };
        writer.write_all(text(wanted.format.name).as_bytes())?;
        writer.flush()?;
    }
    Ok(())
}
