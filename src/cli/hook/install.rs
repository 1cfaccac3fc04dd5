//! Writes our lines into hooks, takes them out, tells whether they are there. Each file is replaced
//! at once: whatever happens, the old hook or the new one is there, never half of one.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::places::{BEGIN, END, Manager, Place};
use super::{Name, Where, say};
use crate::cli::output::is_one_device;
use crate::cli::{Exit, usage};

/// Shells whose scripts our lines can be a part of.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "zsh", "ksh"];

pub(super) fn install(whose: &Where) -> anyhow::Result<Exit> {
    let (place, name) = (Place::find(whose)?, whose.hook.unwrap_or(Name::PreCommit));
    if let Some(advice) = place.advice(name) {
        if place.is_in_configuration() {
            say("keyfence is in the configuration already\n")?;
            return Ok(Exit::Clean);
        }
        return Err(usage(advice));
    }
    let script = place.script(name);
    let old = read(&script)?;
    if old.as_deref().is_some_and(|old| contains(old, BEGIN)) {
        say(&format!("{} runs keyfence already\n", script.display()))?;
        return Ok(Exit::Clean);
    }
    let folder = script.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    match old {
        None => replace(&place, &script, new_script(&place, name).as_bytes())?,
        Some(old) if is_ours_to_edit(&script, &old, name) => replace(&place, &script, with_lines(&old, name).as_bytes())?,
        Some(_) => {
            let before = aside(&script);
            put_aside(&place, &script, &before)?;
            replace(&place, &script, wrapper(&before, name).as_bytes())?;
        }
    }
    say(&format!("{} runs keyfence; `keyfence hook verify` proves it\n", script.display()))?;
    Ok(Exit::Clean)
}

pub(super) fn uninstall(whose: &Where) -> anyhow::Result<Exit> {
    let place = Place::find(whose)?;
    let names = whose.hook.map_or_else(|| Name::ALL.to_vec(), |name| vec![name]);
    let mut done = false;
    for name in names {
        let script = place.script(name);
        let Some(old) = read(&script)?.filter(|old| contains(old, BEGIN)) else { continue };
        let before = aside(&script);
        let rest = without_lines(&old);
        if fs::symlink_metadata(&before).is_ok() {
            fs::rename(&before, &script).with_context(|| before.display().to_string())?;
        } else if rest.lines().all(|line| line.trim().is_empty() || line.starts_with("#!")) {
            fs::remove_file(&script).with_context(|| script.display().to_string())?;
        } else {
            replace(&place, &script, rest.as_bytes())?;
        }
        say(&format!("{} no longer runs keyfence\n", script.display()))?;
        done = true;
    }
    if !done {
        say("keyfence is in no hook here\n")?;
    }
    if place.is_in_configuration() {
        return Err(usage("keyfence stands in the configuration of whoever writes the hooks here; take it out there"));
    }
    Ok(Exit::Clean)
}

pub(super) fn status(whose: &Where) -> anyhow::Result<Exit> {
    let place = Place::find(whose)?;
    let names = whose.hook.map_or_else(|| Name::ALL.to_vec(), |name| vec![name]);
    let mut any = false;
    for name in names {
        let script = place.script(name);
        let (state, here) = state(&place, name, &script)?;
        any |= here;
        say(&format!("{:11}  {state}\n", name.file()))?;
    }
    Ok(if any { Exit::Clean } else { Exit::Findings(1) })
}

fn state(place: &Place, name: Name, script: &Path) -> anyhow::Result<(String, bool)> {
    let shown = script.display();
    Ok(match read(script)? {
        Some(text) if contains(&text, "keyfence") && !is_executable(script) && place.manager != Manager::Husky => {
            (format!("{shown} names keyfence, but git does not run it: it is not executable"), false)
        }
        Some(text) if contains(&text, BEGIN) => (format!("{shown} runs keyfence"), true),
        Some(text) if contains(&text, "keyfence") => (format!("{shown} names keyfence"), true),
        _ if name != Name::PreReceive && place.is_in_configuration() => {
            (format!("keyfence is in the configuration of the tool that writes {shown}"), true)
        }
        Some(_) => (format!("{shown} does not run keyfence"), false),
        None => ("no hook".to_owned(), false),
    })
}

fn contains(bytes: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(bytes).contains(text)
}

/// The bytes of a script, if there is one.
fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        // A link to nothing is no hook.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Where an old hook stays that ours runs.
fn aside(script: &Path) -> PathBuf {
    let mut name = script.file_name().unwrap_or_default().to_owned();
    name.push(".before-keyfence");
    script.with_file_name(name)
}

/// Whether our lines may stand in a script: a shell reads it, git runs it, it is no link to something
/// that is tracked, and nothing in it wants the standard input that we read.
fn is_ours_to_edit(script: &Path, old: &[u8], name: Name) -> bool {
    let first = old.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(first).into_owned();
    let shell = match first.strip_prefix("#!") {
        Some(line) => line.split_whitespace().any(|word| SHELLS.contains(&word.rsplit('/').next().unwrap_or_default())),
        // husky runs scripts without a first line.
        None => is_of_husky(script),
    };
    // A hook that was switched off stays off.
    let runs = is_executable(script) || is_of_husky(script);
    let is_link = fs::symlink_metadata(script).is_ok_and(|about| about.is_symlink());
    shell && runs && !is_link && name == Name::PreCommit && std::str::from_utf8(old).is_ok()
}

/// Whether husky runs it, as a script and not as a program.
fn is_of_husky(script: &Path) -> bool {
    script.parent().is_some_and(|folder| folder.ends_with(".husky"))
}

/// The program as a shell finds it: on the path, else where it is now.
fn program() -> String {
    let here = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("keyfence"));
    let quoted = here.display().to_string().replace('\'', r"'\''");
    format!("keyfence=$(command -v keyfence || printf %s '{quoted}')\n")
}

/// Our lines. Without the program nothing is let through: an unseen commit is no clean one.
fn lines(name: Name) -> String {
    let run = match name {
        Name::PreCommit => "\"$keyfence\" staged || exit $?",
        Name::PrePush => "printf '%s\\n' \"$keyfence_refs\" | \"$keyfence\" hook run pre-push -- \"$@\" || exit $?",
        Name::PreReceive => "printf '%s\\n' \"$keyfence_refs\" | \"$keyfence\" hook run pre-receive || exit $?",
    };
    let read = if name == Name::PreCommit { "" } else { "keyfence_refs=$(cat)\n" };
    format!(
        "{BEGIN} `keyfence hook uninstall` takes these lines out\n{}{read}if ! [ -x \"$keyfence\" ]; then\n    \
         echo \"keyfence is not installed, so nothing was checked; git's --no-verify goes on without it\" >&2\n    exit 1\nfi\n\
         {run}\n{END}\n",
        program()
    )
}

fn new_script(place: &Place, name: Name) -> String {
    // husky's own scripts have no first line.
    let first = if place.manager == Manager::Husky && place.hooks.ends_with("_") { "" } else { "#!/bin/sh\n" };
    format!("{first}{}", lines(name))
}

/// Our lines go first: a hook that ends early must not end before them.
fn with_lines(old: &[u8], name: Name) -> String {
    let old = String::from_utf8_lossy(old);
    match old.split_once('\n') {
        Some((first, rest)) if first.starts_with("#!") => format!("{first}\n{}{rest}", lines(name)),
        None if old.starts_with("#!") => format!("{old}\n{}", lines(name)),
        _ => format!("{}{old}", lines(name)),
    }
}

fn without_lines(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let (before, rest) = text.split_once(BEGIN).unwrap_or((&text, ""));
    let after = rest.split_once(END).map_or("", |(_, after)| after.strip_prefix('\n').unwrap_or(after));
    format!("{before}{after}")
}

/// A script that runs ours and then the old hook, with the same arguments and the same input.
fn wrapper(before: &Path, name: Name) -> String {
    let file = before.file_name().unwrap_or_default().to_string_lossy().replace('\'', r"'\''");
    let old = format!("\"$(dirname \"$0\")\"/'{file}'");
    let run = if name == Name::PreCommit {
        format!("exec {old} \"$@\"\n")
    } else {
        format!("printf '%s\\n' \"$keyfence_refs\" | {old} \"$@\"\n")
    };
    format!("#!/bin/sh\n{}if [ -x {old} ]; then\n    {run}fi\n", lines(name))
}

/// Keeps a hook, or the link that it is, under another name. What is there already stays, unless it is the
/// same: left behind by somebody who was stopped in between.
fn put_aside(place: &Place, from: &Path, to: &Path) -> anyhow::Result<()> {
    let shown = || to.display().to_string();
    if fs::symlink_metadata(to).is_ok() {
        let same = match (fs::read_link(from), fs::read_link(to)) {
            (Ok(from), Ok(to)) => from == to,
            (Err(_), Err(_)) => fs::read(from)? == fs::read(to).with_context(shown)?,
            _ => false,
        };
        return if same {
            Ok(())
        } else {
            Err(usage(format!("{} is in the way: an older hook is kept there; move it away", to.display())))
        };
    }
    let part = beside(place, to);
    let made = match fs::read_link(from) {
        #[cfg(unix)]
        Ok(target) => std::os::unix::fs::symlink(target, &part),
        #[cfg(not(unix))]
        Ok(_) => fs::copy(from, &part).map(drop),
        Err(_) => fs::copy(from, &part).map(drop),
    };
    made.and_then(|()| fs::rename(&part, to)).inspect_err(|_| drop(fs::remove_file(&part))).with_context(shown)
}

/// Where a file is written before it is put in its place: in git's own folder, so that nobody finds half
/// of one among the files of the project; beside its place where that is another device.
fn beside(place: &Place, path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let folder = path.parent().unwrap_or(Path::new("."));
    if is_one_device(&place.git, folder) { place.git.join(name) } else { folder.join(name) }
}

/// Puts a script in the place of what is there, at once.
fn replace(place: &Place, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let part = beside(place, path);
    let write = || -> io::Result<()> {
        let mut file = fs::File::create(&part)?;
        file.write_all(bytes)?;
        make_executable(&file, path)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&part))).with_context(|| path.display().to_string())
}

#[cfg(unix)]
fn make_executable(file: &fs::File, like: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(like).map_or(0o755, |about| about.permissions().mode() | 0o111);
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn make_executable(_: &fs::File, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_in_first_and_come_out_again() {
        for old in ["#!/bin/sh\nmake lint\n", "#!/usr/bin/env bash\nexit 0", "npm test\n", "#!/bin/sh"] {
            let new = with_lines(old.as_bytes(), Name::PreCommit);
            let (ours, theirs) = (new.find(BEGIN).unwrap(), new.find("make").or(new.find("exit 0")).or(new.find("npm")));
            assert!(theirs.is_none_or(|theirs| ours < theirs), "{new}");
            assert_eq!(without_lines(new.as_bytes()).trim_end(), old.trim_end());
        }
    }
}
