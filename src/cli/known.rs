//! `keyfence known add` and `keyfence known list`.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context;
use keyfence::credential::{Class, Environment, FingerprintKey, Secret};
use keyfence::detect::known::{About, Known, LONGEST};
use keyfence::stream::clock;

use super::args::{Global, Known as Command, KnownAdd};
use super::descriptors::{Open, Standard};
use super::{Exit, config, output, stream, usage};

/// Length of a new key for fingerprints.
const KEY: usize = 32;

pub(super) fn run(global: &Global, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::Add(add) => add_key(global, add),
        Command::List { known } => {
            let known = stream::load_known(known, global.fp_key_file.as_deref())?;
            output::print(global.color, &list(&known))?;
            Ok(Exit::Clean)
        }
    }
}

fn list(known: &Known) -> String {
    let widest = known.entries().iter().map(|entry| entry.label.len()).max().unwrap_or(0);
    let mut text = String::new();
    for entry in known.entries() {
        let label = &entry.label;
        let (environment, class) = (entry.environment, entry.class);
        let _ = writeln!(text, "{label:widest$}  {environment:7}  {class:22}  {}  {}", entry.fingerprint(), entry.added);
    }
    text
}

fn add_key(global: &Global, args: &KnownAdd) -> anyhow::Result<Exit> {
    let environments = [Environment::Live, Environment::Sandbox, Environment::Unknown];
    let environment = config::one_of("--environment", &args.environment, &environments, Environment::name)?;
    let class = config::one_of("--class", &args.class, &Class::ALL, Class::name)?;
    let key = match (&global.fp_key_file, &args.new_key) {
        (Some(_), Some(_)) => return Err(usage("--new-key makes a key, --fp-key-file reads one: give one of them")),
        (Some(path), None) => config::secret_key_file(path)?,
        (None, Some(path)) => new_key(path)?,
        (None, None) => return Err(usage("known add wants --fp-key-file, or --new-key PATH to make one")),
    };
    let key = FingerprintKey::kept(&key);
    let mut known = match fs::read_to_string(&args.known) {
        Ok(text) => Known::parse(&text, key).map_err(|error| usage(format!("{}: {error}", args.known.display())))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Known::empty(key),
        Err(error) => return Err(usage(format!("{}: {error}", args.known.display()))),
    };
    let value = read_value()?;
    let today = clock::rfc3339(SystemTime::now());
    let about = About { environment, class, added: &today[..10] };
    let entry = known.add(&args.label, about, &value).map_err(|error| usage(error.to_string()))?;
    let told = format!("{} {} {} {}\n", entry.label, entry.environment, entry.class, entry.fingerprint());
    replace(&args.known, known.to_text().as_bytes())?;
    output::print(global.color, &told)?;
    Ok(Exit::Clean)
}

/// The key on standard input, without the line end behind it.
fn read_value() -> anyhow::Result<Secret> {
    let mut bytes = Vec::with_capacity(LONGEST + 3);
    Open(Standard::Input, io::stdin().lock()).take(LONGEST as u64 + 3).read_to_end(&mut bytes).context("standard input")?;
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let secret = Secret::new(text, 0);
    bytes.fill(0);
    Ok(secret)
}

fn new_key(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut key = vec![0; KEY];
    fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut key)).context("no random bytes for a key")?;
    // Never over an older one: the lists made with it would be worthless.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(|error| usage(format!("--new-key: {}: {error}", path.display())))?;
    file.write_all(&key).with_context(|| path.display().to_string())?;
    Ok(key)
}

/// Writes beside and renames, so that a list is never half written.
fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        fs::rename(&beside, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside))).with_context(|| path.display().to_string())
}
