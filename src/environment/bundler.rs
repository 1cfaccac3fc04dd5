//! What the configuration of a bundler puts into what clients are given, whatever its names are.

use super::survey::Survey;
use crate::span::Span;

/// Whether a file is by its path the configuration of a bundler, which may inline what it is given.
pub fn is_bundler_config(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let stems = [
        "next.config.",
        "vite.config.",
        "webpack.",
        "esbuild.",
        "rollup.config.",
        "nuxt.config.",
        "app.config.",
        "rspack.config.",
        "rsbuild.config.",
    ];
    is_angular_environment(path) || stems.iter().any(|stem| name.starts_with(stem))
}

/// Whether a file is one of those that Angular puts into its bundle: `environments/environment*.ts`.
fn is_angular_environment(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    let stem = name.strip_prefix("environment").and_then(|rest| rest.strip_suffix(".ts"));
    folder.rsplit('/').next() == Some("environments") && stem.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

impl Survey<'_> {
    /// Whether the file is the configuration of a bundler, which may inline what it is given.
    pub fn is_bundler_config(&self) -> bool {
        *self.bundler.get_or_init(|| is_bundler_config(self.path()))
    }

    /// Whether what stands at `at` is inlined into what clients are given.
    pub fn inlines(&self, at: usize) -> bool {
        if !self.is_bundler_config() {
            return false;
        }
        if is_angular_environment(self.path()) {
            return true;
        }
        let Some(structure) = self.structure().filter(|structure| !structure.doubtful) else { return false };
        let name = self.path().rsplit('/').next().unwrap_or_default();
        let keys = structure.chain(at).map(|block| String::from_utf8_lossy(structure.key(block)).into_owned());
        let keys: Vec<String> = keys.collect();
        let has = |wanted: &str| keys.iter().any(|key| key == wanted || key.ends_with(wanted));
        match () {
            () if name.starts_with("next.config.") => has("env") || has("publicRuntimeConfig") || has("DefinePlugin"),
            () if name.starts_with("nuxt.config.") => has("public") || has("publicRuntimeConfig") || has("define"),
            () if name.starts_with("app.config.") => has("extra"),
            () => has("define") || has("DefinePlugin") || has("EnvironmentPlugin"),
        }
    }

    /// What bundler configuration publishes under a name that says it is secret.
    pub fn inlined(&self) -> Vec<(String, Span)> {
        if !self.is_bundler_config() {
            return Vec::new();
        }
        let Some(structure) = self.structure() else { return Vec::new() };
        let mut found = Vec::new();
        for block in 0..structure.blocks.len().min(2000) {
            let span = structure.blocks[block].span;
            if !self.inlines(span.start.max(structure.blocks[block].head.end)) {
                continue;
            }
            for entry in structure.entries(block) {
                let name = entry.name.rsplit(|&byte| byte == b'.').next().unwrap_or(entry.name);
                if crate::detect::is_secret_name(name) && !entry.commented {
                    found.push((String::from_utf8_lossy(name).into_owned(), entry.span));
                }
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        found.dedup_by(|a, b| a.0 == b.0);
        found
    }
}
