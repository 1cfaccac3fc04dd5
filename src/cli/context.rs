//! What is said of environments, on the command line and in `.keyfence.toml`.

use std::fs;
use std::path::{Path, PathBuf};

use keyfence::environment::declared::{DeclaredPlace, Globs};
use keyfence::finding::Stage;
use keyfence::policy::{CONFIG, Config, Date};
use keyfence::rule::Addition;
use keyfence::scan;

use super::args::{Environments, Global};
use super::{output, usage};

/// Names of the variable that says the branch, in pipelines.
const BRANCHES: &[&str] =
    &["GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BRANCH_NAME", "BITBUCKET_BRANCH", "CIRCLE_BRANCH"];

/// The context of a scan of `paths`, and what is added to the rules.
pub(super) fn context(global: &Global, said: &Environments, paths: &[PathBuf]) -> anyhow::Result<(scan::Context, Vec<Addition>)> {
    let folder = folder_of(paths.first().map_or(Path::new("."), PathBuf::as_path));
    let (mut config, file) = config(global, &folder)?;
    let mut declared = std::mem::take(&mut config.declared);
    let beside = file.as_deref().and_then(Path::parent).map(Path::to_owned);
    declared.root = Config::root(&folder).or(beside).and_then(|root| std::path::absolute(root).ok());
    declared.forced = said.force_env.as_deref().map(|name| stage("--force-env", name)).transpose()?;
    declared.default = said.env.as_deref().map(|name| stage("--env", name)).transpose()?;
    let mut places = Vec::new();
    for map in &said.env_map {
        places.push(mapped(map)?);
    }
    declared.places.splice(0..0, places);
    let branch = said.branch.clone().or_else(|| branch_of(declared.root.as_deref()));
    declared.branch = branch.map(|name| {
        let stage = config.branches.iter().find(|(globs, _)| globs.matches(&name)).map(|(_, stage)| *stage);
        (name, stage)
    });
    let tracked = match said.tracked.as_deref() {
        None | Some("auto") => None,
        Some("all") => Some(true),
        Some("none") => Some(false),
        Some(other) => return Err(usage(format!("--tracked: {other:?} is none of auto, all, none"))),
    };
    for ended in config.policy.ended(Date::today()) {
        let what = ended.kind.map_or(ended.fingerprint.as_deref().unwrap_or_default(), |kind| kind.id());
        output::complain(&format!("warning: {CONFIG}: the allow for {what} ended on {}", ended.until));
    }
    Ok((scan::Context { declared, policy: config.policy, tracked, ..scan::Context::default() }, config.additions))
}

/// The configuration that was named, or the one that is found, and its file.
fn config(global: &Global, folder: &Path) -> anyhow::Result<(Config, Option<PathBuf>)> {
    let named = global
        .config
        .clone()
        .or_else(|| std::env::var_os("KEYFENCE_CONFIG").map(PathBuf::from).filter(|path| !path.as_os_str().is_empty()));
    let Some(file) = named.or_else(|| Config::find(folder)) else { return Ok((Config::default(), None)) };
    let shown = std::env::current_dir().ok().and_then(|here| file.strip_prefix(here).ok().map(Path::to_owned));
    let shown = shown.as_deref().unwrap_or(&file).display().to_string();
    let text = fs::read_to_string(&file).map_err(|error| usage(super::config::unreadable(&file, &error)))?;
    let config = Config::parse(&shown, &text).map_err(|error| usage(error.to_string()))?;
    Ok((config, Some(file)))
}

fn folder_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        path.to_owned()
    } else {
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
    }
}

/// The environment of that name; a word of the dictionary is one as well.
pub(super) fn stage(flag: &str, name: &str) -> anyhow::Result<Stage> {
    let words = keyfence::environment::words::Words::default();
    let known = Stage::named(name).or_else(|| words.exact(name.as_bytes(), keyfence::environment::words::Counts::KEY));
    known.ok_or_else(|| {
        let names = Stage::ALL.iter().map(|stage| stage.name()).collect::<Vec<_>>().join(", ");
        usage(format!("{flag}: {name:?} is none of {names}"))
    })
}

/// `GLOB=E`
fn mapped(map: &str) -> anyhow::Result<DeclaredPlace> {
    let (glob, name) = map.rsplit_once('=').ok_or_else(|| usage(format!("--env-map: {map:?} wants GLOB=ENVIRONMENT")))?;
    let globs = Globs::new(&[glob]).map_err(|why| usage(format!("--env-map: {why}")))?;
    let stage = Some(stage("--env-map", name)?);
    Ok(DeclaredPlace { globs, source: glob.to_owned(), stage, kind: None, backend: false, lock: false })
}

/// The branch that is checked out, or that a pipeline says it builds.
fn branch_of(root: Option<&Path>) -> Option<String> {
    let said = BRANCHES.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    said.or_else(|| {
        let head = fs::read_to_string(root?.join(".git/HEAD")).ok()?;
        head.trim().strip_prefix("ref: refs/heads/").map(ToOwned::to_owned)
    })
}
