//! Passwords in addresses: `https://user:password@host`, and `user:password@tcp(host:3306)/name` of Go's data sources.
//! Addresses of databases are credentials as a whole, and have a rule. And passwords that are piped into a command.

use std::ops::Range;

use super::context;
use super::near::Around;
use super::resolve::Found;
use super::slot::Slot;
use crate::check::is_own_machine;
use crate::rule::RuleSet;
use crate::span::Span;

/// The longest user and password together.
const LONGEST: usize = 256;
/// What the password would be called as a variable.
const NAME: &[u8] = b"url_password";

/// The passwords before each `@` of the range.
pub(super) fn passwords(set: &RuleSet, around: &Around<'_>, range: Range<usize>) -> impl Iterator<Item = Found> {
    let ats = memchr::memchr_iter(b'@', &around.bytes[range.clone()]);
    ats.filter_map(move |at| password_before(set, around, range.start + at))
}

fn password_before(set: &RuleSet, around: &Around<'_>, end: usize) -> Option<Found> {
    let bytes = around.bytes;
    let start = start_of_pair(bytes, end);
    let host = &bytes[end + 1..];
    if host.starts_with(b"tcp(") {
        // `DSN=user:…`.
        let user = bytes[start..end].split(|&byte| byte == b':').next().unwrap_or_default();
        let start = start + memchr::memrchr(b'=', user).map_or(0, |at| at + 1);
        return password_of_pair(set, around, Span::new(start, end), start);
    }
    // What makes it an address may have been encoded, and not the rest.
    if is_address(&bytes[..start]) && !is_own_machine(host) {
        password_of_pair(set, around, Span::new(start, end), start - b"://".len())
    } else {
        None
    }
}

/// The command that takes users and their passwords from a pipe: `echo 'user:password' | chpasswd`.
pub(super) const CHPASSWD: &str = "chpasswd";

/// The password that is piped into the command at `at`.
pub(super) fn piped_password(set: &RuleSet, around: &Around<'_>, at: usize) -> Option<Found> {
    // What is farther away may not be in the window.
    let floor = at.saturating_sub(LONGEST);
    let before = around.bytes[floor..at].trim_ascii_end();
    let before = before.strip_suffix(b"sudo").unwrap_or(before).trim_ascii_end().strip_suffix(b"|")?.trim_ascii_end();
    let quoted = before.strip_suffix(b"\"").or_else(|| before.strip_suffix(b"'"));
    let end = floor + quoted.unwrap_or(before).len();
    let start = start_of_pair(around.bytes, end);
    password_of_pair(set, around, Span::new(start, end), start)
}

/// Where a user and a password begin that end at `end`.
fn start_of_pair(bytes: &[u8], end: usize) -> usize {
    let is_part = |byte: &&u8| byte.is_ascii_graphic() && !b"\"'`@/<>{}()".contains(byte);
    end - bytes[..end].iter().rev().take(LONGEST).take_while(is_part).count()
}

/// The password of `user:password`; what names it begins at `name`.
fn password_of_pair(set: &RuleSet, around: &Around<'_>, pair: Span, name: usize) -> Option<Found> {
    let bytes = around.bytes;
    let value = pair.start + memchr::memchr(b':', &bytes[pair.range()])? + 1;
    let slot = Slot { name: Span::new(name, value - 1), value, listed: false };
    let found = context::read(set, &around.until(pair.end), slot, (&around.rules_named(NAME), true))?;
    (found.span.end == pair.end && bytes[pair.start..value - 1] != bytes[value..pair.end]).then_some(found)
}

/// What an address begins with that holds a user and a password, and is not a credential as a whole.
const SCHEMES: &[&[u8]] = &[
    b"http",
    b"https",
    b"cloudinary",
    b"mysqli",
    b"mqtt",
    b"mqtts",
    b"nats",
    b"imap",
    b"imaps",
    b"socks5",
    b"rtsp",
    b"ws",
    b"wss",
    b"ldap",
    b"svn",
    b"neo4j",
    b"bolt",
];

/// Whether an address begins here: `https://`, `git+https://`.
fn is_address(before: &[u8]) -> bool {
    let scheme = before.strip_suffix(b"://");
    scheme.is_some_and(|scheme| SCHEMES.iter().any(|known| ends_in(scheme, known)))
}

fn ends_in(text: &[u8], end: &[u8]) -> bool {
    text.len() >= end.len() && text[text.len() - end.len()..].eq_ignore_ascii_case(end)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::detect::Scanner;
    use crate::detect::index::Index;

    fn found(scanner: &Scanner, text: &str) -> Option<String> {
        let seen = scanner.scan(text.as_bytes());
        seen.first().map(|seen| text[seen.span().range()].to_owned())
    }

    #[test]
    fn addresses_of_the_web_hold_a_password() {
        let scanner = Scanner::new(Arc::new(RuleSet::builtin()));
        for drawn in [["x7Kq2Lm9", "Rt4Wz8Bn"].concat(), ["x7Kq", "2Lm9"].concat(), ["x7Kq2Lm9", "Rt4Wz8Bn", "Zq3Vd6Hs"].concat()]
        {
            let one = Some(drawn.clone());
            assert_eq!(found(&scanner, &format!("git clone https://ci:{drawn}@git.acme.io/pay.git")), one);
            assert_eq!(found(&scanner, &format!("HTTPS_PROXY=http://pay%40acme:{drawn}@proxy.acme.io:3128\n")), one);
            assert_eq!(found(&scanner, &format!("{{\"url\": \"https:\\/\\/ci:{drawn}@git.acme.io\"}}")), one);
            assert_eq!(found(&scanner, &format!("GET /?next=https%3A%2F%2Fci%3A{drawn}%40git.acme.io HTTP/1.1\n")), one);
            for other in [
                format!("http://ci:{drawn}@localhost:9200"),
                format!("https://{drawn}:{drawn}@git.acme.io"),
                format!("https://git.acme.io/x:{drawn}@3"),
                format!("mailto:{drawn}@acme.io"),
            ] {
                assert_eq!(found(&scanner, &other), None, "{other}");
            }
        }
        for other in [
            "https://user:password@git.acme.io",
            "https://user:${TOKEN}@git.acme.io",
            "https://user:$TOKEN@git.acme.io",
            "https://user:correct-horse@git.acme.io",
            "https://%s:%s@git.acme.io",
        ] {
            assert_eq!(found(&scanner, other), None, "{other}");
        }
    }

    #[test]
    fn data_sources_of_go_hold_a_password() {
        let scanner = Scanner::new(Arc::new(RuleSet::builtin()));
        let drawn = ["x7Kq2Lm9", "Rt4Wz8Bn"].concat();
        assert_eq!(
            found(&scanner, &format!("db, err := sql.Open(\"mysql\", \"app:{drawn}@tcp(db:3306)/x\")")),
            Some(drawn.clone())
        );
        assert_eq!(found(&scanner, &format!("DSN=app:{drawn}@tcp(10.0.0.7:3306)/x?parseTime=true\n")), Some(drawn));
        for other in
            ["\"user:password@tcp(db:3306)/x\"", "\"%s:%s@tcp(%s)/%s\"", "\"app:@tcp(db)/x\"", "@tcp(db)", "\"app@tcp(db)/x\""]
        {
            assert_eq!(found(&scanner, other), None, "{other}");
        }
    }

    #[test]
    fn what_is_piped_into_a_command_holds_a_password() {
        let scanner = Scanner::new(Arc::new(RuleSet::builtin()));
        let drawn = ["x7Kq2Lm9", "Rt4Wz8Bn"].concat();
        for (head, tail) in
            [("RUN echo 'root:", "' | chpasswd\n"), ("echo \"deploy:", "\" | sudo chpasswd"), ("echo root:", "|chpasswd && rm x")]
        {
            assert_eq!(found(&scanner, &format!("{head}{drawn}{tail}")).as_ref(), Some(&drawn), "{head}");
        }
        for other in ["echo 'root:root' | chpasswd", "echo \"root:$PW\" | chpasswd", "cat users | chpasswd", "chpasswd"] {
            assert_eq!(found(&scanner, other), None, "{other}");
        }
    }

    #[test]
    fn the_name_of_a_password_is_known() {
        let index = Index::new(&RuleSet::builtin().into());
        assert!(index.rules(NAME).iter().any(|known| known.own.is_some()));
    }
}
