//! Which environment the names of a file and its folders speak for.

use super::{CONFIG, CONFIG_FOLDERS, CONFIG_STEMS, Name, Surroundings};
use crate::environment::declared::Declared;
use crate::environment::resolve::Clue;
use crate::environment::words::{Counts, Words};
use crate::finding::{PlaceKind, Stage};
use crate::rule::name::{NameWords, words};

/// What a path says of the environment: the file's name, the nearest folder that is named after one,
/// and conventions.
pub fn clues(path: &str, kind: PlaceKind, declared: &Declared, around: Surroundings) -> Vec<Clue> {
    let lower = path.to_ascii_lowercase();
    let name = Name::of(&lower);
    // Where the humps of a name are is seen in its own case.
    let own: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let Some((file, folders)) = own.split_last() else { return Vec::new() };
    match kind {
        PlaceKind::Test => return vec![Clue::new("P31", Stage::Test, 90, "a place of tests")],
        PlaceKind::Doc | PlaceKind::Template => return Vec::new(),
        _ => {}
    }
    let reading = Reading { words: &declared.words, name: &name, around };
    let mut clues = reading.file(file, folders);
    clues.extend(reading.folder(folders));
    clues.extend(reading.convention());
    clues
}

struct Reading<'a> {
    words: &'a Words,
    name: &'a Name<'a>,
    around: Surroundings,
}

impl Reading<'_> {
    /// P30 and P32: whole segments of a name of configuration, and single words of any name.
    fn file(&self, file: &str, folders: &[&str]) -> Vec<Clue> {
        let dotenv = self.name.is_dotenv();
        let config = dotenv || self.name.is_config() || self.name.is_ci() || self.name.is_log();
        let by_folder = folders.last().is_some_and(|folder| CONFIG_FOLDERS.contains(&folder.to_ascii_lowercase().as_str()));
        let glued = self.name.segments[0].split('_').any(|part| CONFIG_STEMS.contains(&part));
        // The ending is no word of the name, unless the name is `.env.live`, `prod.env` or `Procfile.dev`.
        let plain = self.name.segments[0].ends_with("file");
        let ending = file.rfind('.').filter(|&at| at > 0 && !file.starts_with(".env") && !plain);
        let stem = ending.map_or(file, |at| &file[..at]);
        let separators: &[char] = if glued || dotenv { &['.', '-', '_'] } else { &['.', '-'] };
        let segments: Vec<&str> = stem.split(separators).filter(|segment| !segment.is_empty()).collect();
        let known = ["application", "appsettings", "values", "config", "settings", "bootstrap", "env", "", "docker", "database"];
        let known = known.contains(&self.name.segments[0].split(['-', '_']).next().unwrap_or_default());
        let pro = config && known && segments.len() > 1 && segments.last().is_some_and(|last| last.eq_ignore_ascii_case("pro"));
        let live = config && (dotenv || by_folder || self.around.live_beside || segments.len() > 1);
        let counts = Counts { live, stage: config, pro };
        let parts: Vec<Vec<String>> = segments.iter().map(|segment| words(segment.as_bytes())).collect();
        let all: Vec<String> = parts.concat();
        let mut spots = self.words.spots(&NameWords::of(all.join("_").as_bytes()), counts);
        // `.env.production.local` is production's, on somebody's machine.
        if spots.len() > 1 && dotenv && spots.last().is_some_and(|(stage, _)| *stage == Stage::Local) {
            spots.pop();
        }
        let clue = |(stage, range): (Stage, std::ops::Range<usize>)| {
            let exact = config
                && is_whole(&parts, &range)
                && (segments.len() > 1 || by_folder || dotenv || self.name.is_log() || ends_plainly(self.name));
            let word = all[range].join("-");
            if exact {
                Clue::new("P30", stage, 90, format!("file name segment \"{word}\""))
            } else {
                Clue::new("P32", stage, 60, format!("file name word \"{word}\""))
            }
        };
        // `live` is an environment as a whole segment only.
        let loose_live = |spot: &(Stage, std::ops::Range<usize>)| all[spot.1.clone()] == ["live"] && !is_whole(&parts, &spot.1);
        spots.retain(|spot| !loose_live(spot));
        spots.into_iter().map(clue).collect()
    }

    /// P31 and P32: the nearest folder that is named after an environment, exactly or in a word.
    fn folder(&self, folders: &[&str]) -> Option<Clue> {
        let config = self.name.is_dotenv() || self.name.is_config() || self.name.is_ci() || self.name.is_log();
        folders.iter().enumerate().rev().find_map(|(at, folder)| {
            let is_config_folder = |folder: &&str| CONFIG_FOLDERS.contains(&folder.to_ascii_lowercase().as_str());
            let live =
                config && !self.around.live_container && (self.around.live_beside || folders[..at].iter().any(is_config_folder));
            let whole = self.words.exact(folder.as_bytes(), Counts { live, stage: config, pro: false });
            if let Some(stage) = whole {
                return Some(Clue::new("P31", stage, 75, format!("folder \"{folder}\"")));
            }
            let stage = self.words.loose(folder.as_bytes(), Counts { live: false, stage: config, pro: false })?;
            Some(Clue::new("P32", stage, 50, format!("word in folder \"{folder}\"")))
        })
    }

    /// P35 and the part of P28 that is a file name.
    fn convention(&self) -> Option<Clue> {
        let name = self.name;
        let clue = |id, stage, weight, fact: &str| Some(Clue::new(id, stage, weight, fact));
        match name.whole {
            // `.env.local` says so by its name.
            "launch.json" if name.in_folder(&[".vscode"]) => clue("P35", Stage::Local, 80, "debugger configuration"),
            "launchsettings.json" => clue("P35", Stage::Local, 80, "launchSettings.json"),
            "docker-compose.override.yml" | "docker-compose.override.yaml" | "compose.override.yml" | "compose.override.yaml" => {
                clue("P35", Stage::Local, 70, "an override of docker compose")
            }
            ".dev.vars" => clue("P35", Stage::Local, 80, ".dev.vars"),
            "release.xcconfig" | "web.release.config" | "app.release.config" => {
                clue("P28", Stage::Production, 60, "the release configuration")
            }
            "debug.xcconfig" | "web.debug.config" | "app.debug.config" => clue("P28", Stage::Dev, 60, "the debug configuration"),
            _ if name.is_of_build_type("release") => clue("P28", Stage::Production, 60, "the release build type"),
            _ if name.is_of_build_type("debug") => clue("P28", Stage::Dev, 60, "the debug build type"),
            _ if name.in_folder(&[".devcontainer"]) => clue("P35", Stage::Local, 80, "a development container"),
            _ if name.below(&[".idea", "runconfigurations"]) || name.in_folder(&[".run"]) => {
                clue("P35", Stage::Local, 80, "a run configuration")
            }
            _ => None,
        }
    }
}

/// Whether the words are all the words of one or more segments; numbers do not count.
fn is_whole(parts: &[Vec<String>], range: &std::ops::Range<usize>) -> bool {
    let is_number = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
    let mut at = 0;
    let mut touched = parts.iter().map(|part| {
        let start = at;
        at += part.len();
        (start..at, part)
    });
    touched.all(|(segment, part)| {
        let overlaps = segment.start < range.end && range.start < segment.end;
        !overlaps || segment.zip(part).all(|(at, word)| range.contains(&at) || is_number(word))
    })
}

/// `prod.tfvars`: nothing but the environment and an ending of plain configuration.
fn ends_plainly(name: &Name<'_>) -> bool {
    name.ends_in(CONFIG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::path::kind_with;

    fn rows(path: &str) -> Vec<String> {
        rows_with(path, Surroundings::default())
    }

    fn rows_with(path: &str, around: Surroundings) -> Vec<String> {
        let declared = Declared::default();
        let clues = clues(path, kind_with(path, &declared, around), &declared, around);
        clues.into_iter().map(|clue| format!("{} {} {}", clue.id, clue.stage, clue.weight)).collect()
    }

    #[test]
    fn names_of_files_and_folders() {
        for (path, expected) in [
            (".env.production", &["P30 production 90"][..]),
            (".env.production.local", &["P30 production 90"]),
            (".env.local", &["P30 local 90"]),
            (".env.live", &["P30 production 90"]),
            (".env.pro", &["P30 production 90"]),
            ("prod.env", &["P30 production 90"]),
            (".env", &[]),
            ("deploy/values-prod.yaml", &["P30 production 90"]),
            ("values-pre-prod.yaml", &["P30 staging 90"]),
            ("values-prod1.yaml", &["P30 production 90"]),
            ("docker-compose.prod.yml", &["P30 production 90"]),
            ("application-pro.yml", &["P30 production 90"]),
            ("tool-pro.yml", &[]),
            ("appsettings.Production.json", &["P30 production 90"]),
            ("config/environments/production.rb", &["P30 production 90"]),
            ("settings/prod.py", &["P30 production 90"]),
            ("settings_prod.py", &["P30 production 90"]),
            ("prod.tfvars", &["P30 production 90"]),
            ("envs/prod/main.tf", &["P31 production 75"]),
            ("envs/prod/staging.tfvars", &["P30 staging 90", "P31 production 75"]),
            ("envs/prod-eu/main.tf", &["P32 production 50"]),
            ("production/staging/main.tf", &["P31 staging 75"]),
            ("environments/live/main.tf", &["P31 production 75"]),
            ("live/main.tf", &[]),
            ("lib/shop_web/live/pay.ex", &[]),
            ("config/live.yml", &["P30 production 90"]),
            ("src/live_orders.py", &[]),
            ("src/StagingClient.php", &["P32 staging 60"]),
            ("src/product.yml", &[]),
            ("products-api.yml", &[]),
            (".env.production.sample", &[]),
            ("docs/production.yml", &[]),
            ("tests/production.yml", &["P31 test 90"]),
            (".vscode/launch.json", &["P35 local 80"]),
            ("docker-compose.override.yml", &["P35 local 70"]),
            (".devcontainer/devcontainer.json", &["P35 local 80"]),
            ("Properties/launchSettings.json", &["P35 local 80"]),
            (".idea/runConfigurations/x.xml", &["P35 local 80"]),
            ("ios/Release.xcconfig", &["P28 production 60"]),
            ("app/src/debug/res/values/keys.xml", &["P28 dev 60"]),
            ("app/src/release/java/io/shop/Keys.java", &["P28 production 60"]),
            ("src/debug/print.c", &[]),
            (".github/workflows/deploy-prod.yml", &["P30 production 90"]),
            ("log/production.log", &["P30 production 90"]),
            ("staging-backup.zip/config/app.yml", &["P32 staging 50"]),
        ] {
            assert_eq!(rows(path), expected, "{path}");
        }
        let beside = Surroundings { live_beside: true, ..Surroundings::default() };
        assert_eq!(rows_with("live/main.tf", beside), ["P31 production 75"]);
        assert_eq!(rows_with("envs/live/main.tf", Surroundings { live_container: true, ..beside }), [""; 0]);
    }
}
