//! Values for where the environment has none: `password = os.getenv("DB_PW", "v")`, `${DB_PW:-v}`.

/// How far a look-up reaches.
const REACH: usize = 128;
/// How far into an expression it says that it looks something up.
const CALLEE: usize = 24;
/// What stands between what is looked up and a text.
const OPERATORS: &[&[u8]] = &[b" ?: ", b" ?? ", b" || ", b" or ", b".unwrap_or("];

/// The length of what leads to the text behind what is looked up, which ends here: `) ?: "v"`.
pub(super) fn behind(rest: &[u8]) -> Option<usize> {
    let rest = rest.strip_prefix(b")")?;
    operator(rest).map(|length| length + 1)
}

/// Where the value begins that an expression which looks something up has for want of it: at its quote, if it has one.
pub(super) fn of(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at.min(bytes.len())..bytes.len().min(at + REACH)];
    if rest.starts_with(b"${") {
        return in_braces(rest).map(|length| at + length);
    }
    // Most values are none, which must cost little to see.
    if !rest.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'$')
        || !looks_up(&rest[..rest.len().min(CALLEE)])
    {
        return None;
    }
    let callee = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.:$>-!".contains(byte)).count();
    if !looks_up(&rest[..callee]) {
        return None;
    }
    let length = match rest.get(callee)? {
        b'(' | b'[' => {
            let end = callee + 1 + text(&rest[callee + 1..])?;
            let closes = usize::from(matches!(rest.get(end)?, b')' | b']'));
            // `.get("NAME", "v")`.
            let next = rest[end..].strip_prefix(b", ").filter(|next| is_text(next) && rest[callee] == b'(');
            match next {
                Some(_) => end + 2,
                None => end + closes + operator(&rest[end + closes..])?,
            }
        }
        _ => callee + operator(&rest[callee..])?,
    };
    Some(at + length)
}

/// Whether what stands between a name and its value is nothing but such an expression.
pub(super) fn leads(bytes: &[u8], name_end: usize, value: usize) -> bool {
    let assigns = |byte: &&u8| b"\"'`]) \t=:?>".contains(byte);
    let at = name_end + bytes[name_end..value].iter().take_while(assigns).count();
    of(bytes, at).is_some_and(|begins| begins == value || begins + 1 == value)
}

/// `${NAME:-` and `${NAME-`.
fn in_braces(rest: &[u8]) -> Option<usize> {
    let name = rest[2..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let behind = &rest[2 + name..];
    let dash = if behind.starts_with(b":-") { 2 } else { 1 };
    (name > 0 && behind.get(dash - 1) == Some(&b'-')).then_some(2 + name + dash)
}

/// `process.env.NAME`, `System.getenv`, `std::env::var`, `ENV`.
fn looks_up(callee: &[u8]) -> bool {
    let is_env = |n: usize| n > 0 && callee[n - 1] | 0x20 == b'e' && callee.get(n + 1).is_some_and(|next| next | 0x20 == b'v');
    memchr::memchr2_iter(b'n', b'N', callee).any(is_env)
}

fn operator(rest: &[u8]) -> Option<usize> {
    let operator = OPERATORS.iter().find(|operator| rest.starts_with(operator))?;
    is_text(&rest[operator.len()..]).then_some(operator.len())
}

pub(super) fn is_text(rest: &[u8]) -> bool {
    matches!(rest.first(), Some(b'"' | b'\''))
}

/// The length of a text with its quotes.
fn text(rest: &[u8]) -> Option<usize> {
    let quote = *rest.first().filter(|_| is_text(rest))?;
    rest[1..].iter().position(|&byte| byte == quote).map(|length| length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_up_may_have_a_value_beside_it() {
        for text in [
            "System.getenv(\"PW\") ?: \"",
            "os.environ.get(\"PW\") or \"",
            "os.environ.get(\"PW\", \"",
            "os.getenv('DB_PW', '",
            "process.env.PW || '",
            "process.env[\"PW\"] ?? '",
            "getenv('X') ?: '",
            "getEnv(\"PW\", \"",
            "ENV.fetch('PW', '",
            "std::env::var(\"PW\").unwrap_or(\"",
            "Environment.GetEnvironmentVariable(\"PW\") ?? \"",
            "${PG:-",
            "${PG-",
        ] {
            let quote = usize::from(!text.ends_with('-'));
            assert_eq!(of(format!("{text}V4LUE").as_bytes(), 0), Some(text.len() - quote), "{text}");
            let assigned = format!("password = {text}");
            assert!(leads(assigned.as_bytes(), 8, assigned.len()), "{text}");
        }
    }

    #[test]
    fn other_expressions_have_none() {
        for text in [
            "process.env.PW",
            "os.getenv(\"PW\")",
            "getenv(name, \"",
            "hash(\"PW\", \"",
            "${PG}",
            "${PG:?",
            "a.b || '",
            "env(\"A",
            "",
        ] {
            assert_eq!(of(text.as_bytes(), 0), None, "{text}");
        }
    }
}
