//! Proves that a hook blocks: a generated key is staged beside everything that is staged in this very
//! repository, and committed or pushed. That happens in a folder of its own, with an index of its own, the
//! settings, the hooks and the tracked files of the repository; its objects are read. The repository itself
//! is not touched: a hook that does not block makes a commit, and hooks behind ours may do anything.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use keyfence::rule::examples;

use super::places::{LEFTHOOK, Place};
use super::{Name, Where, git, say};
use crate::cli::{Exit, output};

/// What hooks may need of the work tree.
const NEEDED: &[&str] = &[".pre-commit-config.yaml", ".keyfence.toml", ".gitattributes", "package.json", ".husky"];

/// So many tracked files are copied, none of them larger, all of them together no more.
const FILES: usize = 5000;
const LARGEST: u64 = 1 << 20;
const ROOM: u64 = 64 << 20;

pub(super) fn verify(whose: &Where) -> anyhow::Result<Exit> {
    let place = Place::find(whose)?;
    let names = whose.hook.map_or_else(|| Name::ALL.to_vec(), |name| vec![name]);
    let (mut proven, mut failed) = (0, 0);
    for name in names {
        // What is not there cannot be proven; asked for by name, that is the answer.
        if whose.hook.is_none() && !place.script(name).exists() {
            continue;
        }
        let copy = Copy::new(&place, name)?;
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
    fn new(place: &Place, name: Name) -> anyhow::Result<Self> {
        // Different in each run; it opens nothing, so that nobody has to guess it.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let seed = format!("{:08x}{:016x}", std::process::id(), now % (1 << 64));
        let folder = std::env::temp_dir().join(format!("keyfence-verify-{seed}"));
        let copy = Self { canary: format!("keyfence-canary-{}.py", &seed[seed.len() - 6..]), folder };
        let work = copy.work();
        fs::create_dir_all(&work).with_context(|| work.display().to_string())?;
        let hash = git(&place.top, &["rev-parse", "--show-object-format"]).unwrap_or_else(|_| "sha1".to_owned());
        let format = format!("--object-format={hash}");
        Self::git(&work, &["-c", "init.defaultRefFormat=files", "init", "-q", "-b", "canary", &format])?;
        // Hooks among the files of the project know where they are.
        let inside = place.hooks.strip_prefix(&place.top).ok().filter(|inside| !inside.starts_with(".git"));
        let inside = inside.filter(|inside| !inside.as_os_str().is_empty());
        let hooks = inside.map_or_else(|| copy.folder.join("hooks"), |inside| work.join(inside));
        copy_tracked(place, &work)?;
        copy_folder(&place.hooks, &hooks)?;
        let needed = NEEDED.iter().chain(LEFTHOOK);
        for name in needed.filter(|name| place.top.join(name).exists()) {
            copy_folder(&place.top.join(name), &work.join(name))?;
        }
        #[cfg(unix)]
        if place.top.join("node_modules").exists() && !work.join("node_modules").exists() {
            std::os::unix::fs::symlink(place.top.join("node_modules"), work.join("node_modules"))?;
        }
        let mut settings = copied_settings(&place.git.join("config"));
        let own = place.top.join(git(&place.top, &["rev-parse", "--git-dir"])?);
        settings += &copied_settings(&own.join("config.worktree"));
        settings += "[core]\n\tbare = false\n\trepositoryformatversion = 1\n";
        settings.extend(["[extensions]\n\tobjectFormat = ", &hash, "\n"]);
        fs::write(work.join(".git/config"), settings)?;
        Self::git(&work, &["config", "core.hooksPath", &hooks.display().to_string()])?;
        if name == Name::PreCommit {
            copy.stand_on(place)?;
        }
        let key = examples::expand("sk_live_{base62:24}", &seed).context("a generated key")?;
        fs::write(work.join(&copy.canary), format!("stripe_api_key = \"{key}\"\n"))?;
        Self::git(&work, &["add", "-f", "--", &copy.canary])?;
        if work.join(".pre-commit-config.yaml").exists() {
            Self::git(&work, &["add", "-f", "--", ".pre-commit-config.yaml"])?;
        }
        Ok(copy)
    }

    /// The commit that is checked out, and everything that is staged, without a copy of its objects.
    fn stand_on(&self, place: &Place) -> anyhow::Result<()> {
        let work = self.work();
        let objects = place.top.join(git(&place.top, &["rev-parse", "--git-path", "objects"])?);
        fs::write(work.join(".git/objects/info/alternates"), format!("{}\n", objects.display()))?;
        if place.git.join("shallow").exists() {
            fs::copy(place.git.join("shallow"), work.join(".git/shallow"))?;
        }
        // A branch without a commit has none here, either.
        if let Ok(head) = git(&place.top, &["rev-parse", "-q", "--verify", "HEAD^{commit}"]) {
            Self::git(&work, &["update-ref", "refs/heads/canary", &head])?;
        }
        let listed = Command::new("git").arg("-C").arg(&place.top).args(["ls-files", "-s", "-z"]).output().context("git")?;
        let (mut entries, mut names) = (Vec::new(), Vec::new());
        for record in listed.stdout.split(|&byte| byte == 0) {
            let Some(tab) = record.iter().position(|&byte| byte == b'\t') else { continue };
            let (head, path) = record.split_at(tab);
            // Of a conflict, our side.
            let Some(head) = head.strip_suffix(b" 0").or_else(|| head.strip_suffix(b" 2")) else { continue };
            entries.extend([head, b" 0", path, b"\0"].concat());
            // pre-commit wants its configuration to be staged as it is.
            if &path[1..] != b".pre-commit-config.yaml" {
                names.extend([&path[1..], b"\0"].concat());
            }
        }
        Self::fed(&work, &["update-index", "-z", "--index-info"], &entries)?;
        // Not every file is copied; none of them has changed.
        Self::fed(&work, &["update-index", "-z", "--skip-worktree", "--stdin"], &names)
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

    fn fed(folder: &Path, args: &[&str], input: &[u8]) -> anyhow::Result<()> {
        let mut child = Self::command(folder, args).stdin(Stdio::piped()).spawn().context("git")?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input).context("git")?;
        }
        let status = child.wait().context("git")?;
        if status.success() { Ok(()) } else { Err(anyhow::anyhow!("git {}: {status}", args[0])) }
    }

    fn run(folder: &Path, args: &[&str]) -> anyhow::Result<Output> {
        Self::command(folder, args).output().context("git")
    }

    fn command(folder: &Path, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        // A hook may have called us.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
            command.env_remove(name);
        }
        let who = [("GIT_AUTHOR_NAME", "keyfence"), ("GIT_COMMITTER_NAME", "keyfence")];
        let address = [("GIT_AUTHOR_EMAIL", "keyfence@localhost"), ("GIT_COMMITTER_EMAIL", "keyfence@localhost")];
        command.envs(who.into_iter().chain(address)).current_dir(folder);
        command.args(["-c", "commit.gpgSign=false", "-c", "push.gpgSign=false"]).args(args);
        command
    }
}

/// The settings of a repository that mean the same in another folder: not where its files are, how they are
/// kept, and who has what is missing.
fn copied_settings(file: &Path) -> String {
    const OF_CORE: &[&str] = &[
        "worktree",
        "bare",
        "repositoryformatversion",
        "hookspath",
        "sparsecheckout",
        "sparsecheckoutcone",
        "splitindex",
        "fsmonitor",
        "untrackedcache",
        "ignorestat",
    ];
    let text = fs::read(file).unwrap_or_default();
    let (mut section, mut kept) = (String::new(), String::new());
    for line in String::from_utf8_lossy(&text).lines() {
        let trimmed = line.trim();
        if let Some(head) = trimmed.strip_prefix('[') {
            section = head.split([']', ' ']).next().unwrap_or_default().to_ascii_lowercase();
        }
        let key = trimmed.split(['=', ' ', '\t']).next().unwrap_or_default().to_ascii_lowercase();
        let dropped = match &*section {
            "extensions" | "index" => true,
            "core" => OF_CORE.contains(&&*key),
            "remote" => matches!(&*key, "promisor" | "partialclonefilter"),
            _ => false,
        };
        if !dropped {
            kept.extend([line, "\n"]);
        }
    }
    kept
}

/// Copies the tracked files, as far as they are few and small: what hooks read and call.
fn copy_tracked(place: &Place, work: &Path) -> anyhow::Result<()> {
    let listed = Command::new("git").arg("-C").arg(&place.top).args(["ls-files", "-z"]).output().context("git")?;
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut room = ROOM;
    for name in names.split('\0').filter(|name| !name.is_empty()).take(FILES) {
        let from = place.top.join(name);
        let Ok(about) = fs::symlink_metadata(&from) else { continue };
        if !about.is_file() || about.len() > LARGEST || about.len() > room {
            continue;
        }
        room -= about.len();
        let to = work.join(name);
        let folder = to.parent().unwrap_or(work);
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        fs::copy(&from, &to).with_context(|| from.display().to_string())?;
    }
    Ok(())
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
