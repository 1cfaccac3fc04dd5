//! Conditions: which environment an arm of a branch is for.

use super::words::{Counts, Words};
use crate::finding::Stage;
use crate::rule::name::words;

/// The longest condition.
const LONGEST: usize = 300;
/// A deployment variable, or a literal that is compared.
const DEPLOYMENT: u8 = 85;
/// How the code was built, or a variable of its own.
const RUNTIME: u8 = 80;
/// The other arm of a switch between two payment modes.
const OTHER: u8 = 60;

/// What an arm is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arm {
    pub(super) stage: Stage,
    pub(super) weight: u8,
}

impl Arm {
    /// What the other arm is for: not production is some lower environment; not the sandbox's mode is
    /// live; not staging is anything.
    fn inverted(self) -> Option<Self> {
        match self.stage {
            Stage::Production => Some(Self { stage: Stage::Dev, ..self }),
            Stage::Sandbox | Stage::Test | Stage::Dev => Some(Self { stage: Stage::Production, weight: OTHER }),
            _ => None,
        }
    }
}

/// What a block with this head is for; `before` is the head of the block before it, for an `else`.
pub(super) fn of_head(dictionary: &Words, head: &[u8], before: Option<&[u8]>) -> Option<Arm> {
    let head = head.trim_ascii();
    let head = head.strip_suffix(b"{").or_else(|| head.strip_suffix(b":")).unwrap_or(head).trim_ascii();
    if head.is_empty() || head.len() > LONGEST {
        return None;
    }
    let head = head.strip_prefix(b"}").unwrap_or(head).trim_ascii();
    let word = head.split(|byte| !byte.is_ascii_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default();
    let rest = |skip: &[u8]| &head[memchr::memmem::find(head, skip).map_or(0, |at| at + skip.len())..];
    match word {
        b"else" if head.len() > 6 && memchr::memmem::find(head, b"if").is_some() => of_condition(dictionary, rest(b"if")),
        b"if" | b"elif" | b"elsif" | b"elseif" => of_condition(dictionary, rest(word)),
        b"unless" => of_condition(dictionary, rest(word)).and_then(Arm::inverted),
        b"else" => of_head(dictionary, before?, None).and_then(Arm::inverted),
        b"case" | b"when" => of_literals(dictionary, rest(word)),
        // An arm of a shell's `case`: `production|prod)`
        _ if head.ends_with(b")") && !head.contains(&b'(') && !head.contains(&b' ') => of_literals(dictionary, head),
        _ => None,
    }
}

/// What is true where a condition holds.
pub(super) fn of_condition(dictionary: &Words, condition: &[u8]) -> Option<Arm> {
    if condition.len() > LONGEST {
        return None;
    }
    let text = String::from_utf8_lossy(condition).to_ascii_lowercase();
    let all = words(condition);
    let has = |wanted: &[&str]| wanted.iter().any(|wanted| text.contains(wanted));
    let arm = of_literals(dictionary, condition)
        .filter(|_| {
            has(&[
                "==",
                "===",
                " eq ",
                "eq(",
                " is ",
                " in ",
                "=",
                "includes",
                "equals",
                "environment(",
                "env(",
                "inworkspace",
                "?",
            ])
        })
        .map(|arm| Arm { weight: if is_runtime(&text) { RUNTIME } else { DEPLOYMENT }, ..arm })
        .or_else(|| of_flag(&all, &text))?;
    let negated = text.contains("!=")
        || text.contains(" ne ")
        || text.contains("ne(")
        || text.contains(" not ")
        || text.starts_with("not ")
        || text.trim_start_matches([' ', '(']).starts_with('!')
        || text.contains("is not");
    if negated { arm.inverted() } else { Some(arm) }
}

fn is_runtime(text: &str) -> bool {
    ["node_env", "rails_env", "rack_env", "rails.env", "mix_env", "flask_env", "aspnetcore", "import.meta.env.mode", "app.env"]
        .iter()
        .any(|name| text.contains(name))
}

/// `isProd`, `Rails.env.production?`, `IS_PRODUCTION`, `env.IsProduction()`, `liveMode`, `useSandbox`.
fn of_flag(all: &[String], text: &str) -> Option<Arm> {
    let has = |wanted: &[&str]| all.iter().any(|word| wanted.contains(&word.as_str()));
    let followed = |first: &[&str], second: &[&str]| {
        all.windows(2).any(|pair| first.contains(&pair[0].as_str()) && second.contains(&pair[1].as_str()))
    };
    let production = ["production", "prod"];
    let arm = |stage, weight| Some(Arm { stage, weight });
    match () {
        () if followed(&["is", "in", "env", "environment"], &production) || text.contains("production?") => {
            arm(Stage::Production, RUNTIME)
        }
        () if all.len() <= 2 && has(&production) => arm(Stage::Production, RUNTIME),
        () if followed(&["is", "use", "in"], &["live", "livemode"]) || followed(&["live"], &["mode"]) || has(&["livemode"]) => {
            arm(Stage::Production, OTHER)
        }
        () if followed(&["is", "use", "in", "env"], &["sandbox", "test"])
            || followed(&["sandbox", "test"], &["mode"])
            || has(&["testmode"]) =>
        {
            arm(Stage::Sandbox, OTHER)
        }
        () if all.len() <= 3 && has(&["sandbox"]) => arm(Stage::Sandbox, OTHER),
        () if followed(&["is", "env"], &["staging"]) || text.contains("staging?") => arm(Stage::Staging, RUNTIME),
        () if followed(&["is", "env"], &["dev", "development", "local"]) || text.contains("development?") => {
            arm(Stage::Dev, RUNTIME)
        }
        () if text.contains("__dev__") => arm(Stage::Dev, RUNTIME),
        () => None,
    }
}

/// The environment that literals name: `"production"`, `:staging`, `production|prod)`.
fn of_literals(dictionary: &Words, text: &[u8]) -> Option<Arm> {
    let quoted = text.split(|byte| b"\"'`".contains(byte)).enumerate().filter(|(at, _)| at % 2 == 1).map(|(_, part)| part);
    let symbols = text.split(|&byte| byte == b':').skip(1).map(|part| {
        let length = part.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        &part[..length]
    });
    let bare = text.split(|byte| b"|)( ,".contains(byte)).filter(|_| text.ends_with(b")") && !text.contains(&b'('));
    let stages: Vec<Stage> =
        quoted.chain(symbols).chain(bare).filter_map(|literal| dictionary.exact(literal.trim_ascii(), Counts::KEY)).collect();
    let first = *stages.first()?;
    stages.iter().all(|stage| stage.is_lower() == first.is_lower()).then_some(Arm { stage: first, weight: DEPLOYMENT })
}

/// The arm of a condition inside a statement: `c ? here : x`, `c ? x : here`, `here if c else x`,
/// `x if c else here`, `here if c`.
pub(super) fn inline(dictionary: &Words, before: &[u8], behind: &[u8]) -> Option<Arm> {
    let before = &before[before.len().saturating_sub(LONGEST)..];
    let behind = &behind[..behind.len().min(LONGEST)];
    if let Some(at) = question(before) {
        let condition = before[..at].rsplit(|byte| b";{},\n".contains(byte)).next().unwrap_or_default();
        // `x = c ? …`: what stands before the assignment is no condition.
        let condition = assigned_from(condition);
        let arm = of_condition(dictionary, condition)?;
        return if colon(&before[at + 1..]) { arm.inverted() } else { Some(arm) };
    }
    let end = behind.iter().position(|byte| b"\n;".contains(byte)).unwrap_or(behind.len());
    let rest = &behind[..end];
    if let Some(at) = memchr::memmem::find(rest, b" if ") {
        let condition = &rest[at + 4..];
        let condition = &condition[..memchr::memmem::find(condition, b" else ").unwrap_or(condition.len())];
        return of_condition(dictionary, condition);
    }
    if let Some(at) = memchr::memmem::find(rest, b" unless ") {
        return of_condition(dictionary, &rest[at + 8..]).and_then(Arm::inverted);
    }
    let at = memchr::memmem::rfind(before, b" if ")?;
    let otherwise = memchr::memmem::find(&before[at..], b" else ")?;
    of_condition(dictionary, &before[at + 4..at + otherwise]).and_then(Arm::inverted)
}

/// The last `?` of a conditional expression: not `?.`, `??`, `?:` or the query of a URL.
fn question(text: &[u8]) -> Option<usize> {
    (0..text.len()).rev().find(|&at| {
        text[at] == b'?'
            && text.get(at + 1).is_some_and(|next| next.is_ascii_whitespace() || b"\"'`".contains(next))
            && (at == 0 || text[at - 1] != b'?')
            && at.checked_sub(1).is_none_or(|before| {
                text[before].is_ascii_whitespace() || b")\"'".contains(&text[before]) || text[before].is_ascii_alphanumeric()
            })
    })
}

/// Whether the first arm has ended: a colon outside of quotes.
fn colon(text: &[u8]) -> bool {
    let mut quote = None;
    for &byte in text {
        match (quote, byte) {
            (None, b'"' | b'\'' | b'`') => quote = Some(byte),
            (Some(open), _) if byte == open => quote = None,
            (None, b':') => return true,
            _ => {}
        }
    }
    false
}

/// What follows a single `=`, where there is one.
fn assigned_from(text: &[u8]) -> &[u8] {
    let single = |at: &usize| {
        text[*at] == b'='
            && !at.checked_sub(1).is_some_and(|before| b"=!<>".contains(&text[before]))
            && !text.get(at + 1).is_some_and(|next| b"=>~".contains(next))
    };
    (0..text.len()).rev().find(single).map_or(text, |at| &text[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(head: &str, before: Option<&str>) -> Option<(Stage, u8)> {
        of_head(&Words::default(), head.as_bytes(), before.map(str::as_bytes)).map(|arm| (arm.stage, arm.weight))
    }

    #[test]
    fn heads_of_blocks() {
        use Stage::{Dev, Production, Sandbox, Staging};
        for (text, expected) in [
            ("if (process.env.NODE_ENV === 'production') {", Some((Production, 80))),
            ("if (process.env.APP_ENV === \"staging\") {", Some((Staging, 85))),
            ("if settings.ENV == \"prod\":", Some((Production, 85))),
            ("if ENV != 'production':", Some((Dev, 85))),
            ("if (!isProd) {", Some((Dev, 80))),
            ("if (isProduction) {", Some((Production, 80))),
            ("if Rails.env.production?", Some((Production, 80))),
            ("unless Rails.env.production?", Some((Dev, 80))),
            ("if config_env() == :prod do", Some((Production, 85))),
            ("if (app()->environment('production')) {", Some((Production, 85))),
            ("} else if (env === 'staging') {", Some((Staging, 85))),
            ("elif env == 'production':", Some((Production, 85))),
            ("when 'production'", Some((Production, 85))),
            ("case \"staging\":", Some((Staging, 85))),
            ("production|prod)", Some((Production, 85))),
            ("if [ \"$APP_ENV\" = \"production\" ]; then", Some((Production, 85))),
            ("if (config.sandbox) {", Some((Sandbox, 60))),
            ("if (this.liveMode) {", Some((Production, 60))),
            ("if (product === 'x') {", None),
            ("for (const x of production) {", None),
            ("if (order.isPaid) {", None),
        ] {
            assert_eq!(head(text, None), expected, "{text}");
        }
        assert_eq!(head("} else {", Some("if (isProd) {")), Some((Dev, 80)));
        assert_eq!(head("else:", Some("if ENV != 'production':")), Some((Production, 60)));
        assert_eq!(head("else", Some("if env == 'staging'")), None);
        assert_eq!(head("else {", None), None);
    }

    fn here(text: &str) -> Option<Stage> {
        let at = text.find('@').unwrap();
        inline(&Words::default(), &text.as_bytes()[..at], &text.as_bytes()[at + 1..]).map(|arm| arm.stage)
    }

    #[test]
    fn conditions_inside_statements() {
        use Stage::{Dev, Production, Sandbox};
        for (text, expected) in [
            ("const k = isProd ? '@' : 'x'", Some(Production)),
            ("const k = isProd ? 'x' : '@'", Some(Dev)),
            ("key = var.env == \"prod\" ? \"@\" : \"x\"", Some(Production)),
            ("key = var.env == \"prod\" ? \"x\" : \"@\"", Some(Dev)),
            ("KEY = '@' if ENV == 'production' else 'x'", Some(Production)),
            ("KEY = 'x' if ENV == 'production' else '@'", Some(Dev)),
            ("KEY = '@' if Rails.env.production?", Some(Production)),
            ("KEY = '@' unless Rails.env.production?", Some(Dev)),
            ("key: useSandbox ? '@' : 'x'", Some(Sandbox)),
            ("key: useSandbox ? 'x' : '@'", Some(Production)),
            ("k = a?.b ?? '@'", None),
            ("fetch('https://x.example/?key=@')", None),
            ("k = count > 1 ? '@' : 'x'", None),
            ("k = '@'", None),
        ] {
            assert_eq!(here(text), expected, "{text}");
        }
    }
}
