//! Conditions: which environment an arm of a branch is for.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::words::{Counts, Words};
use crate::finding::Stage;
use crate::rule::name::{NameWords, is_one_of};

/// What stands before a condition behind its statement.
static IF: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b" if "));
static UNLESS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b" unless "));
static ENDIF: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"#endif"));

/// The longest condition, and as far from its sign as an arm of it is looked for.
pub(super) const LONGEST: usize = 300;
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
    pub(super) fn inverted(self) -> Option<Self> {
        match self.stage {
            Stage::Production => Some(Self { stage: Stage::Dev, ..self }),
            Stage::Sandbox | Stage::Test | Stage::Dev => Some(Self { stage: Stage::Production, weight: OTHER }),
            _ => None,
        }
    }
}

/// What a block with this head is for; `before` is the head of the block before it, for an `else`.
pub(super) fn of_head(dictionary: &Words, head: &[u8], before: Option<&[u8]>) -> Option<Arm> {
    let head = bare(head);
    if head.is_empty() || head.len() > LONGEST {
        return None;
    }
    // `key = if production?`: the arms are what is assigned.
    let value = if memchr::memchr(b'=', head).is_some() { assigned_from(head).trim_ascii_start() } else { head };
    let chooses = [&b"if "[..], b"if(", b"unless ", b"case "].iter().any(|word| value.starts_with(word));
    let head = if chooses { value } else { head };
    let word = first_word(head);
    let rest = |skip: &[u8]| &head[memchr::memmem::find(head, skip).map_or(0, |at| at + skip.len())..];
    match word {
        b"else" if is_else_if(head) => of_condition(dictionary, rest(b"if")),
        b"if" | b"elif" | b"elsif" | b"elseif" => of_condition(dictionary, rest(word)),
        b"unless" => of_condition(dictionary, rest(word)).and_then(Arm::inverted),
        b"else" => of_head(dictionary, before?, None).and_then(Arm::inverted),
        b"case" | b"when" => of_literals(dictionary, rest(word)),
        // An arm of a shell's `case`: `production|prod)`
        _ if head.ends_with(b")") && !head.contains(&b'(') && !head.contains(&b' ') => of_literals(dictionary, head),
        _ => None,
    }
}

/// A head without the braces or the colon around it.
fn bare(head: &[u8]) -> &[u8] {
    let head = head.trim_ascii();
    let head = head.strip_suffix(b"{").or_else(|| head.strip_suffix(b":")).unwrap_or(head).trim_ascii();
    head.strip_prefix(b"}").unwrap_or(head).trim_ascii()
}

/// Whether the block with this head is for everything that the one before it is not for.
pub(super) fn is_else(head: &[u8]) -> bool {
    let head = bare(head);
    head.len() <= LONGEST && first_word(head) == b"else" && !is_else_if(head)
}

fn is_else_if(head: &[u8]) -> bool {
    head.len() > 6 && memchr::memmem::find(head, b"if").is_some()
}

fn first_word(head: &[u8]) -> &[u8] {
    head.split(|byte| !byte.is_ascii_alphanumeric()).find(|word| !word.is_empty()).unwrap_or_default()
}

/// What is true where a condition holds.
pub(super) fn of_condition(dictionary: &Words, condition: &[u8]) -> Option<Arm> {
    if condition.len() > LONGEST {
        return None;
    }
    let all = NameWords::of(condition);
    // Most conditions speak of something else.
    if !all.iter().any(|word| dictionary.may_say(word) || is_one_of(word, &["debug", "livemode", "testmode"])) {
        return None;
    }
    let text = String::from_utf8_lossy(condition).to_ascii_lowercase();
    let has = |wanted: &[&str]| wanted.iter().any(|wanted| text.contains(wanted));
    let arm = of_literals(dictionary, condition)
        .filter(|_| {
            // What compares mostly does so with a sign of equality.
            text.contains(['=', '?'])
                || has(&[" eq ", "eq(", " is ", " in ", "includes", "equals", "environment(", "env(", "inworkspace"])
        })
        .map(|arm| Arm { weight: if is_runtime(&text) { RUNTIME } else { DEPLOYMENT }, ..arm })
        .or_else(|| of_flag(&all, &text))?;
    if is_negated(&all, &text) { arm.inverted() } else { Some(arm) }
}

fn is_negated(all: &NameWords, text: &str) -> bool {
    let signed = || text.contains("!=") || text.trim_start_matches([' ', '(']).starts_with('!');
    let worded = || text.contains(" not ") || text.starts_with("not ") || text.contains("is not");
    text.contains('!') && signed()
        || all.has(&["not"]) && worded()
        || all.has(&["ne"]) && text.contains(" ne ")
        || text.contains("ne(")
}

fn is_runtime(text: &str) -> bool {
    // All of them have one or the other.
    text.contains(['_', '.'])
        && [
            "node_env",
            "rails_env",
            "rack_env",
            "rails.env",
            "mix_env",
            "flask_env",
            "aspnetcore",
            "import.meta.env.mode",
            "app.env",
        ]
        .iter()
        .any(|name| text.contains(name))
}

/// `isProd`, `Rails.env.production?`, `IS_PRODUCTION`, `env.IsProduction()`, `liveMode`, `useSandbox`.
fn of_flag(all: &NameWords, text: &str) -> Option<Arm> {
    let has = |wanted: &[&str]| all.has(wanted);
    let followed = |first: &[&str], second: &[&str]| {
        all.iter().zip(all.iter().skip(1)).any(|(one, next)| is_one_of(one, first) && is_one_of(next, second))
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
        // `settings.DEBUG`, `kDebugMode`.
        () if all.len() <= 3 && has(&["debug"]) => arm(Stage::Dev, OTHER),
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

/// Which arm of a condition of the preprocessor holds from where on: `#if DEBUG`, `#else`, `#endif`.
pub(super) fn directives(dictionary: &Words, bytes: &[u8]) -> Vec<(usize, Option<Arm>)> {
    let mut arms: Vec<Option<Arm>> = Vec::new();
    let mut found = Vec::new();
    // Most files have no such condition, and many a `#`.
    if ENDIF.find(bytes).is_none() {
        return found;
    }
    for at in memchr::memchr_iter(b'#', bytes) {
        let before = &bytes[..at];
        let indent = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if !matches!(before[..at - indent].last(), None | Some(b'\n')) {
            continue;
        }
        let line = &bytes[at + 1..];
        let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len()).min(LONGEST)];
        let word = line.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (word, condition) = (&line[..word], line[word..].trim_ascii());
        let arm = || of_condition(dictionary, condition);
        match word {
            b"if" | b"ifdef" => arms.push(arm()),
            b"ifndef" => arms.push(arm().and_then(Arm::inverted)),
            b"elif" | b"elseif" => arms.last_mut().map_or((), |last| *last = arm()),
            b"else" => arms.last_mut().map_or((), |last| *last = last.and_then(Arm::inverted)),
            b"endif" => drop(arms.pop()),
            _ => continue,
        }
        found.push((at, arms.iter().rev().copied().flatten().next()));
    }
    found
}

/// Where something stands without which no value near it is an arm of a condition inside a statement.
pub(super) fn signs(bytes: &[u8]) -> Vec<usize> {
    let mut signs: Vec<usize> = memchr::memchr_iter(b'?', bytes).collect();
    for sign in [&b" if "[..], b" unless ", b"then", b"->"] {
        signs.extend(memchr::memmem::find_iter(bytes, sign));
    }
    signs.sort_unstable();
    signs
}

/// The arm of a condition inside a statement: `c ? here : x`, `c ? x : here`, `here if c else x`,
/// `x if c else here`, `here if c`; or one arm in a line of its own: `when "staging" then here`.
pub(super) fn inline(dictionary: &Words, before: &[u8], behind: &[u8]) -> Option<Arm> {
    let before = &before[before.len().saturating_sub(LONGEST)..];
    let behind = &behind[..behind.len().min(LONGEST)];
    if let Some((condition, second)) = ternary(before) {
        let arm = of_condition(dictionary, &before[condition])?;
        return if second { arm.inverted() } else { Some(arm) };
    }
    let line = &before[memchr::memrchr(b'\n', before).map_or(0, |at| at + 1)..];
    if let Some(pattern) = pattern(line) {
        return of_literals(dictionary, pattern);
    }
    let rest = &behind[..memchr::memchr2(b'\n', b';', behind).unwrap_or(behind.len())];
    if let Some(at) = IF.find(rest) {
        let condition = &rest[at + 4..];
        let condition = &condition[..memchr::memmem::find(condition, b" else ").unwrap_or(condition.len())];
        return of_condition(dictionary, condition);
    }
    if let Some(at) = UNLESS.find(rest) {
        return of_condition(dictionary, &rest[at + 8..]).and_then(Arm::inverted);
    }
    IF.find(line)?;
    let at = memchr::memmem::rfind(line, b" if ")?;
    let otherwise = memchr::memmem::find(&line[at..], b" else ")?;
    of_condition(dictionary, &line[at + 4..at + otherwise]).and_then(Arm::inverted)
}

/// What a value is assigned to that is the arm of a ternary: where the condition begins, which is where
/// a plain value would stand.
pub(super) fn assigned_at(before: &[u8]) -> Option<usize> {
    let floor = before.len().saturating_sub(LONGEST);
    let before = &before[floor..];
    let (condition, _) = ternary(before)?;
    let text = &before[condition.clone()];
    let colon = memchr::memmem::find(text, b": ").map_or(0, |at| at + 1);
    let start = text.len() - text[colon..].trim_ascii_start().len();
    Some(floor + condition.start + start)
}

/// The pattern of an arm in a line of its own: what stands before `then` or `->`.
fn pattern(line: &[u8]) -> Option<&[u8]> {
    let text = unopened(line);
    let text = text.strip_suffix(b"then").or_else(|| text.strip_suffix(b"->"))?.trim_ascii();
    let text = text.strip_prefix(b"when ").or_else(|| text.strip_prefix(b"case ")).unwrap_or(text).trim_ascii();
    text.first().is_some_and(|byte| b"\"':".contains(byte)).then_some(text)
}

/// A line up to a value, without the quote that opens the value.
fn unopened(line: &[u8]) -> &[u8] {
    let text = line.trim_ascii();
    match text.last() {
        Some(b'"' | b'\'' | b'`') => text[..text.len() - 1].trim_ascii_end(),
        _ => text,
    }
}

/// Whether a value stands in the arm for everything else of a switch between environments, whose arms
/// have lines of their own: `else -> here`, `_ => here`. `before` ends where the value begins.
pub(super) fn is_otherwise(dictionary: &Words, before: &[u8]) -> bool {
    let before = &before[before.len().saturating_sub(4 * LONGEST)..];
    let mut lines = before.rsplit(|&byte| byte == b'\n');
    let own = unopened(lines.next().unwrap_or_default());
    let own = own.strip_suffix(b"->").or_else(|| own.strip_suffix(b"=>")).unwrap_or(own).trim_ascii();
    if !matches!(own, b"else" | b"default" | b"_") {
        return false;
    }
    let arm = |line: &[u8]| {
        let line = line.trim_ascii();
        let end = [&b" then "[..], b"->", b"=>"].iter().filter_map(|sign| memchr::memmem::find(line, sign)).min()?;
        of_literals(dictionary, &line[..end])
    };
    lines.take(12).take_while(|line| !line.trim_ascii().is_empty()).any(|line| arm(line).is_some())
}

/// The condition of the last ternary whose arms hold the end of a text, and whether it is the second arm.
fn ternary(text: &[u8]) -> Option<(std::ops::Range<usize>, bool)> {
    let at = question(text)?;
    let second = second_arm(&text[at + 1..])?;
    let head = text[..at].trim_ascii_end();
    let start = head.iter().rposition(|byte| b";{},\n".contains(byte)).map_or(0, |at| at + 1);
    // `x = c ? …`: what stands before the assignment is no condition.
    let condition = assigned_from(&head[start..]);
    Some((head.len() - condition.len()..head.len(), second))
}

/// The last `?` of a conditional expression: not `?.`, `??`, `?:`, the query of a URL or the end of a
/// predicate's name.
fn question(text: &[u8]) -> Option<usize> {
    memchr::memrchr_iter(b'?', text).find(|&at| {
        let rest = &text[at + 1..];
        let opens = rest.trim_ascii_start().first().is_some_and(|next| b"\"'`".contains(next));
        rest.first().is_some_and(|next| next.is_ascii_whitespace() || b"\"'`".contains(next))
            && at.checked_sub(1).is_none_or(|before| match text[before] {
                b')' | b'"' | b'\'' => true,
                // `production? && x` asks; `isLive? 'x' : 'y'` chooses.
                byte if byte.is_ascii_alphanumeric() => opens && !rest.starts_with(b"\n"),
                byte => byte.is_ascii_whitespace(),
            })
    })
}

/// Whether the end of what follows a `?` is in its second arm; nothing if it is behind both.
fn second_arm(text: &[u8]) -> Option<bool> {
    let (mut quote, mut depth, mut second, mut at) = (None, 0usize, false, 0);
    while at < text.len() {
        match (quote, text[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (None, open @ (b'"' | b'\'' | b'`')) => quote = Some(open),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.checked_sub(1)?,
            (None, b';' | b',') if depth == 0 => return None,
            (None, b':') if depth == 0 => second = true,
            (None, b'\n') if depth == 0 && !goes_on(&text[..at], &text[at..]) => return None,
            _ => {}
        }
        at += 1;
    }
    Some(second)
}

/// Whether an expression goes on over the end of a line.
fn goes_on(before: &[u8], behind: &[u8]) -> bool {
    let last = before.trim_ascii_end().last();
    let next = behind.trim_ascii_start().first();
    last.is_none_or(|byte| b"?:=+(&|".contains(byte)) || next.is_none_or(|byte| b"?:.+&|)".contains(byte))
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
            ("Stripe.api_key = if Rails.env.production?", Some((Production, 80))),
            ("val key = if (env == \"staging\") {", Some((Staging, 85))),
            ("key = unless production?", Some((Dev, 80))),
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

    #[test]
    fn what_an_arm_is_assigned_to() {
        for (text, rest) in [
            ("const k = isProd ? '", "isProd ? '"),
            ("key = var.env == \"prod\" ? \"x\" : \"", "var.env == \"prod\" ? \"x\" : \""),
            ("  key: useSandbox ? '", "useSandbox ? '"),
        ] {
            let at = assigned_at(text.as_bytes()).unwrap();
            assert_eq!(&text[at..], rest);
        }
        assert_eq!(assigned_at(b"const k = '"), None);
    }

    #[test]
    fn the_arm_for_everything_else() {
        let words = Words::default();
        for text in ["when \"production\" then \"x\"\nelse \"", "\"prod\" -> \"x\"\nelse -> \"", "\"prod\" => 1,\n_ => \""] {
            assert!(is_otherwise(&words, text.as_bytes()), "{text}");
        }
        for text in ["a = 1\nelse \"", "\"blue\" -> 1\nelse -> \"", "\"prod\" -> 1\n\nelse -> \"", "\"prod\" -> \""] {
            assert!(!is_otherwise(&words, text.as_bytes()), "{text}");
        }
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
            ("const k = ENV === 'production'\n  ? '@'\n  : 'x'", Some(Production)),
            ("const k = ENV === 'production'\n  ? 'x'\n  : '@'", Some(Dev)),
            ("const o = isProd ? { key: '@' } : {}", Some(Production)),
            ("const a = isProd ? 'x' : 'y';\nconst b = '@'", None),
            ("const a = isProd ? 'x' : 'y'\nconst b = '@'", None),
            ("f(isProd ? 'x' : 'y', '@')", None),
            ("if Rails.env.production?\n  a = '@'", None),
            ("when \"production\" then \"@", Some(Production)),
            ("\"staging\" -> \"@", Some(Stage::Staging)),
            ("items.map(x -> \"@", None),
        ] {
            assert_eq!(here(text), expected, "{text}");
        }
    }
}
