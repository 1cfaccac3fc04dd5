//! Proves that a hook blocks: a generated key is committed or pushed in a copy of the repository that
//! has its settings and its hooks and shares nothing else. The repository itself is not touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use keyfence::rule::examples;

use super::places::{LEFTHOOK, Place};
use super::{Name, Where, git, say};
use crate::cli::{Exit, output};

/// What hooks may need of the work tree.
const NEEDED: &[&str] = &[".pre-commit-config.yaml", ".keyfence.toml", ".gitattributes", "package.json", ".husky"];

pub(super) fn verify(whose: &Where) -> anyhow::Result<Exit> {
    let place = Place::find(whose)?;
    let names = whose.hook.map_or_else(|| Name::ALL.to_vec(), |name| vec![name]);
    let (mut proven, mut failed) = (0, 0);
    for name in names {
        // What is not there cannot be proven; asked for by name, that is the answer.
        if whose.hook.is_none() && !place.script(name).exists() {
            continue;
        }
        let copy = Copy::new(&place)?;
        let tried = if name == Name::PreCommit { copy.commit()? } else { copy.push(name)? };
        if tried.blocked {
            proven += 1;
            say(&format!("{}: a planted live key was blocked\n", name.file()))?;
        } else {
            failed += 1;
            let why = if tried.succeeded { "went through" } else { "was stopped, but not by keyfence" };
            output::complain(&format!("{}: a planted live key {why}", name.file()));
            let said: Vec<&str> = tried.said.lines().take(12).collect();
            if !said.is_empty() {
                let scanner = keyfence::detect::Scanner::new(keyfence::rule::RuleSet::builtin().into());
                for line in said {
                    output::complain(&output::masked(&scanner, &format!("  {line}")));
                }
            }
        }
    }
    if proven + failed == 0 {
        output::complain("there is no hook here: `keyfence hook install` makes one");
    }
    Ok(if proven > 0 && failed == 0 { Exit::Clean } else { Exit::Findings(1) })
}

/// How it ended.
struct Tried {
    succeeded: bool,
    /// It was keyfence that stopped it.
    blocked: bool,
    said: String,
}

/// A repository of its own with the settings and the hooks of another.
struct Copy {
    folder: PathBuf,
    canary: String,
}

impl Drop for Copy {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

impl Copy {
    fn new(place: &Place) -> anyhow::Result<Self> {
        // Different in each run; it opens nothing, so that nobody has to guess it.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let seed = format!("{:08x}{:016x}", std::process::id(), now % (1 << 64));
        let folder = std::env::temp_dir().join(format!("keyfence-verify-{seed}"));
        let copy = Self { canary: format!("keyfence-canary-{}.py", &seed[seed.len() - 6..]), folder };
        let work = copy.work();
        fs::create_dir_all(&work).with_context(|| work.display().to_string())?;
        Self::git(&work, &["init", "-q", "-b", "canary"])?;
        fs::copy(place.git.join("config"), work.join(".git/config"))?;
        let hooks = copy.folder.join("hooks");
        copy_folder(&place.hooks, &hooks)?;
        let needed = NEEDED.iter().chain(LEFTHOOK);
        for name in needed.filter(|name| place.top.join(name).exists()) {
            copy_folder(&place.top.join(name), &work.join(name))?;
        }
        #[cfg(unix)]
        if place.top.join("node_modules").exists() {
            std::os::unix::fs::symlink(place.top.join("node_modules"), work.join("node_modules"))?;
        }
        // husky's scripts are beside the folder that git looks into.
        let beside = place.hooks.strip_prefix(&place.top).ok().filter(|inside| inside.starts_with(".husky"));
        let hooks = beside.map_or(hooks, |inside| work.join(inside));
        for (key, value) in [("core.hooksPath", hooks.display().to_string()), ("core.bare", "false".to_owned())] {
            Self::git(&work, &["config", key, &value])?;
        }
        drop(Self::git(&work, &["config", "--unset", "core.worktree"]));
        let key = examples::expand("sk_live_{base62:24}", &seed).context("a generated key")?;
        fs::write(work.join(&copy.canary), format!("stripe_api_key = \"{key}\"\n"))?;
        Self::git(&work, &["add", "-f", "--", &copy.canary])?;
        if work.join(".pre-commit-config.yaml").exists() {
            Self::git(&work, &["add", "-f", "--", ".pre-commit-config.yaml"])?;
        }
        Ok(copy)
    }

    fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// Makes a commit as anybody would.
    fn commit(&self) -> anyhow::Result<Tried> {
        let output = Self::run(&self.work(), &["commit", "-q", "-m", "canary"])?;
        Ok(self.tried(&output))
    }

    /// Pushes a commit to a repository beside it.
    fn push(&self, name: Name) -> anyhow::Result<Tried> {
        let (work, remote) = (self.work(), self.folder.join("remote.git"));
        let shown = remote.display().to_string();
        Self::git(&work, &["init", "-q", "--bare", &shown])?;
        Self::git(&work, &["commit", "-q", "--no-verify", "-m", "canary"])?;
        if name == Name::PreReceive {
            let hooks = git(&work, &["config", "core.hooksPath"])?;
            Self::git(&remote, &["config", "core.hooksPath", &hooks])?;
            Self::git(&work, &["config", "core.hooksPath", "/nowhere"])?;
        }
        let output = Self::run(&work, &["push", "-q", &shown, "HEAD:refs/heads/canary"])?;
        Ok(self.tried(&output))
    }

    fn tried(&self, output: &Output) -> Tried {
        let said = [&output.stdout[..], &output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let succeeded = output.status.success();
        let blocked = !succeeded && said.contains(&self.canary) && said.contains("sk_live_");
        Tried { succeeded, blocked, said }
    }

    fn git(folder: &Path, args: &[&str]) -> anyhow::Result<()> {
        let output = Self::run(folder, args)?;
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(anyhow::anyhow!("git {}: {}", args[0], why.trim())) }
    }

    fn run(folder: &Path, args: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new("git");
        // A hook may have called us.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
            command.env_remove(name);
        }
        let who = [("GIT_AUTHOR_NAME", "keyfence"), ("GIT_COMMITTER_NAME", "keyfence")];
        let address = [("GIT_AUTHOR_EMAIL", "keyfence@localhost"), ("GIT_COMMITTER_EMAIL", "keyfence@localhost")];
        command.envs(who.into_iter().chain(address)).current_dir(folder);
        command.args(["-c", "commit.gpgSign=false", "-c", "push.gpgSign=false"]).args(args).output().context("git")
    }
}

/// Copies a file, or a folder with everything in it. Links are followed.
fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    let shown = || from.display().to_string();
    if !from.is_dir() {
        if from.exists() {
            fs::copy(from, to).with_context(shown)?;
        }
        return Ok(());
    }
    fs::create_dir_all(to).with_context(shown)?;
    for entry in fs::read_dir(from).with_context(shown)? {
        let entry = entry.with_context(shown)?;
        copy_folder(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
