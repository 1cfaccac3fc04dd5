//! A URL that carries a user and a password: only the password must look like one.

use super::{Check, placeholder, words};

pub(super) const CHECK: Check =
    Check::new("url-password", "a URL with a password", has_password).random_in(|value| password(value).unwrap_or_default());

/// Shorter ones are `root`, `guest`, `postgres` on somebody's own machine.
const SHORTEST: usize = 8;

/// The sum of votes (see `words`) below which letters alone read like nothing.
const NOISE: f64 = -4.0;

/// The same for the labels of hosts, which are shorter.
const DRAWN: f64 = -2.0;

/// Hosts that nobody else can reach.
const LOCAL: &[&[u8]] = &[b"localhost", b"127.0.0.1", b"0.0.0.0", b"[::1]", b"host.docker.internal", b"example.com"];

/// The shortest that counts where the host is one that somebody really has.
const HOSTED: usize = 6;

/// Who hosts databases: a label before the name is drawn for each customer.
const HOSTERS: &[&[u8]] = &[
    b".mongodb.net",
    b".mlab.com",
    b".rds.amazonaws.com",
    b".cache.amazonaws.com",
    b".compute-1.amazonaws.com",
    b".compute.amazonaws.com",
    b".neon.tech",
    b".supabase.co",
    b".supabase.com",
    b".psdb.cloud",
    b".redislabs.com",
    b".redns.redis-cloud.com",
    b".upstash.io",
    b".elephantsql.com",
    b".cloudamqp.com",
    b".aivencloud.com",
    b".ondigitalocean.com",
    b".render.com",
    b".rlwy.net",
    b".railway.app",
    b".clever-cloud.com",
    b".cockroachlabs.cloud",
    b".database.windows.net",
    b".database.azure.com",
    b".cosmos.azure.com",
    b".scalegrid.io",
    b".compose.io",
];

/// Parts of the passwords of examples, which stand before real hosts, too.
const EXAMPLES: [&[u8]; 7] = [b"your", b"pass", b"pword", b"pwd", b"secret", b"senha", b"user"];

/// Characters that make a template of what they stand in.
const TEMPLATE: &[u8] = b"$<>{}*[]";

fn has_password(value: &[u8]) -> bool {
    let Some((user, password, host)) = parts(value) else { return false };
    let local = is_own_machine(host) || host.contains(&b'$');
    let template =
        password.iter().any(|byte| TEMPLATE.contains(byte)) || password.first() == Some(&b'%') && password.last() == Some(&b'%');
    // A word with a year behind it is a password too, but not one that can be told from an example.
    let mixed = [u8::is_ascii_digit as fn(&u8) -> bool, u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_punctuation];
    let kinds = mixed.iter().filter(|kind| password.iter().any(kind)).count();
    let chosen = password.len() >= SHORTEST
        && password != user
        && (kinds >= 2 || words::score(password) <= NOISE)
        && !looks_named(password);
    !local && !template && (chosen || is_hosted(host) && is_any_password(password))
}

/// Whether a host is one that a hoster has made for somebody: `cluster0.x7k2q.mongodb.net`, not
/// `cluster0.abcde.mongodb.net`.
fn is_hosted(host: &[u8]) -> bool {
    let host = &host[..memchr::memchr2(b':', b'/', host).unwrap_or(host.len())];
    let Some(hoster) = HOSTERS.iter().find(|hoster| host.ends_with(hoster)) else { return false };
    let labels = host[..host.len() - hoster.len()].split(|byte| matches!(byte, b'.' | b'-'));
    let shown = [&b"abc"[..], b"xxx", b"xyz", b"123", b"exam"];
    let mut own = labels.filter(|label| label.len() >= 5 && !shown.iter().any(|part| label.starts_with(part)));
    own.any(|label| words::score(label) <= DRAWN)
}

/// Whether somebody may have a password that is as weak as that.
fn is_any_password(password: &[u8]) -> bool {
    let lower = password.to_ascii_lowercase();
    let shown = EXAMPLES.iter().any(|part| memchr::memmem::find(&lower, part).is_some());
    let repeated = password.iter().all(|byte| byte == &password[0]);
    password.len() >= HOSTED && !repeated && !shown && !placeholder::is_placeholder(password)
}

/// Whether a host is one that nobody else can reach, or that of an example.
pub(crate) fn is_own_machine(host: &[u8]) -> bool {
    LOCAL.iter().any(|name| host.len() >= name.len() && host[..name.len()].eq_ignore_ascii_case(name))
}

/// `password`, `secret`, `changeme` with something around them.
fn looks_named(password: &[u8]) -> bool {
    const NAMES: [&[u8]; 7] = [b"tiger", b"pass", b"pwd", b"secret", b"admin", b"postgres", b"test"];
    let lower = password.to_ascii_lowercase();
    NAMES.iter().any(|name| memchr::memmem::find(&lower, name).is_some())
}

fn password(value: &[u8]) -> Option<&[u8]> {
    parts(value).map(|(_, password, _)| password)
}

/// User, password and host of `scheme://user:password@host`.
fn parts(value: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let begin = memchr::memmem::find(value, b"://")? + 3;
    let rest = &value[begin..];
    let at = memchr::memrchr(b'@', rest)?;
    let colon = memchr::memchr(b':', &rest[..at])?;
    Some((&rest[..colon], &rest[colon + 1..at], &rest[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(password: &str, host: &str) -> bool {
        has_password(["scheme://user:", password, "@", host].concat().as_bytes())
    }

    #[test]
    fn passwords_that_somebody_chose_or_drew() {
        assert!(url("q7Zp2LxW9vKc", "db.acme.internal"));
        assert!(url("correct-horse-7", "10.0.0.5"));
        for host in
            ["cluster0.x7k2q.mongodb.net", "cluster0.qkzvb.mongodb.net", "ledger.c7x2k9qmzvb4.eu-west-1.rds.amazonaws.com"]
        {
            assert!(has_password(["scheme://ledger:ledger@", host].concat().as_bytes()), "{host}");
        }
        assert_eq!(password(b"s://u:p:q@h"), Some(&b"p:q"[..]));
    }

    #[test]
    fn templates_examples_and_one_s_own_machine() {
        for password in
            ["password", "${DB_PASSWORD}", "<password>", "%PASSWORD%", "short1", "mysecretpassword1", "lettersonly", "***"]
        {
            assert!(!url(password, "db.acme.internal"), "{password}");
        }
        assert!(!url("q7Zp2LxW9vKc", "localhost") && !url("q7Zp2LxW9vKc", "127.0.0.1") && !url("q7Zp2LxW9vKc", "$HOST"));
        assert!(!has_password(b"scheme://user12345:user12345@db"));
        for host in
            ["cluster0.abcde.mongodb.net", "cluster0.xxxxx.mongodb.net", "cluster0.mongodb.net", "cluster.example.mongodb.net"]
        {
            assert!(!has_password(["scheme://ledger:ledger@", host].concat().as_bytes()), "{host}");
        }
        for password in
            ["password", "<password>", "yourpassword", "your_password", "secret", "xxxx", "abc", "PASSWORD", "{{password}}"]
        {
            assert!(!url(password, "cluster0.x7k2q.mongodb.net"), "{password}");
        }
        assert!(!has_password(b"scheme://host/path") && !has_password(b""));
    }
}
