//! What the folders around a file say of it: the package it belongs to, and what stands beside a folder
//! called `live`. Looked up once for each folder.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::environment::path::Surroundings;
use crate::environment::words::{Counts, Words};

/// Folders above a file that are looked at.
const ABOVE: usize = 32;
/// How much of a package file is read.
const READ: u64 = 512 * 1024;
/// Entries of a folder that are looked at.
const ENTRIES: usize = 1000;
/// What a package for browsers or apps depends on.
const FRONT: &[&str] = &["react", "vue", "svelte", "@angular/core", "solid-js", "preact", "react-native", "expo"];

/// What is known of folders; shared by all threads.
#[derive(Debug, Default)]
pub struct Folders {
    known: Mutex<HashMap<PathBuf, Arc<Folder>>>,
}

/// What stands in one folder.
#[derive(Debug, Default)]
struct Folder {
    /// Whether its package is a front end's, and Electron's.
    package: Option<(bool, bool)>,
    flutter: Option<bool>,
    extension: Option<bool>,
    android: Option<bool>,
    top: bool,
}

impl Folders {
    /// What the folders around a file say.
    pub fn around(&self, path: &Path) -> Surroundings {
        let mut around = Surroundings::default();
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        if matches!(ending.as_str(), "js" | "ts" | "mjs" | "cjs" | "mts" | "cts" | "dart" | "json" | "kt" | "java") {
            self.packages(path, &mut around);
        }
        let is_live = |part: &std::path::Component<'_>| part.as_os_str().eq_ignore_ascii_case("live");
        if path.parent().is_some_and(|parent| parent.components().any(|part| is_live(&part))) {
            let live =
                path.ancestors().skip(1).find(|above| above.file_name().is_some_and(|name| name.eq_ignore_ascii_case("live")));
            if let Some(live) = live {
                let above = live.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
                around.live_beside = holds_environment(above, live);
                around.live_container = holds_environment(live, Path::new(""));
            }
        }
        around
    }

    fn packages(&self, path: &Path, around: &mut Surroundings) {
        let (mut package, mut flutter, mut extension, mut android) = (None, None, None, None);
        for above in path.ancestors().skip(1).take(ABOVE) {
            let folder = self.folder(if above.as_os_str().is_empty() { Path::new(".") } else { above });
            package = package.or(folder.package);
            flutter = flutter.or(folder.flutter);
            extension = extension.or(folder.extension);
            android = android.or(folder.android);
            if folder.top {
                break;
            }
        }
        (around.front_end, around.electron) = package.unwrap_or_default();
        around.flutter = flutter.unwrap_or_default();
        around.extension = extension.unwrap_or_default();
        around.android = android.unwrap_or_default();
    }

    fn folder(&self, path: &Path) -> Arc<Folder> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Arc::clone(known);
        }
        let package = text(&path.join("package.json")).map(|text| {
            let depends = |name: &str| text.contains(&format!("\"{name}\""));
            (FRONT.iter().any(|name| depends(name)), depends("electron"))
        });
        let folder = Arc::new(Folder {
            package,
            flutter: text(&path.join("pubspec.yaml")).map(|text| text.contains("flutter:")),
            extension: text(&path.join("manifest.json")).map(|text| text.contains("\"manifest_version\"")),
            android: is_android(path),
            top: path.join(".git").exists(),
        });
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), Arc::clone(&folder));
        folder
    }
}

/// Whether what stands in a folder says that it is an Android app's, or another program's.
fn is_android(folder: &Path) -> Option<bool> {
    if folder.join("AndroidManifest.xml").is_file() {
        return Some(true);
    }
    let script = ["build.gradle", "build.gradle.kts"].iter().find_map(|name| text(&folder.join(name)))?;
    Some(script.contains("com.android.application") || script.lines().any(|line| line.starts_with("android {")))
}

fn text(path: &Path) -> Option<String> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(READ).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether a folder holds another one, not `but`, that is named after an environment.
fn holds_environment(folder: &Path, but: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let words = Words::default();
    let mut named = entries.take(ENTRIES).filter_map(Result::ok).filter(|entry| entry.path() != but).filter(|entry| {
        let counts = Counts { live: false, stage: true, pro: false };
        words.exact(entry.file_name().to_string_lossy().as_bytes(), counts).is_some()
    });
    named.any(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_package_counts() {
        let tree = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("package.json", r#"{"dependencies":{"react":"19"}}"#);
        write("api/package.json", r#"{"dependencies":{"express":"5"}}"#);
        write("app/pubspec.yaml", "dependencies:\n  flutter:\n    sdk: flutter\n");
        write("ext/manifest.json", r#"{"manifest_version":3}"#);
        write("live/dev/x.hcl", "");
        write("money/live/x.yml", "");
        write("money/sandbox/x.yml", "");
        let folders = Folders::default();
        let around = |path: &str| folders.around(&tree.path().join(path));
        assert!(around("src/pay.ts").front_end);
        assert!(!around("api/src/pay.ts").front_end);
        assert!(around("app/lib/pay.dart").flutter);
        assert!(around("ext/popup.js").extension);
        assert!(around("live/x.hcl").live_container);
        assert!(around("money/live/x.yml").live_beside && !around("money/live/x.yml").live_container);
        assert!(!around("src/pay.rs").front_end);
    }
}
