//! Files whose name says what stands in them, because nothing in them does: all of `config/master.key` is a key, the
//! fifth field of each line of `.pgpass` a password.

use super::context;
use super::near::Around;
use super::resolve::Found;
use super::slot::Slot;
use crate::credential::Evidence;
use crate::rule::RuleSet;
use crate::span::Span;

/// How much of such a file is read.
pub(super) const LONGEST: usize = 64 * 1024;
/// The longest line that holds a value.
const LINE: usize = 1024;

/// What a file is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// How its path ends: the name of the file, and perhaps of folders; `*` is a part of a name.
    ends: &'static [&'static str],
    values: Values,
    /// What the slot would be called if there were one.
    slot: &'static [u8],
    /// What a person calls it.
    title: &'static str,
}

/// Where in a file the values stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    /// All of it.
    Whole,
    /// `host:port:database:user:password`.
    Pgpass,
    /// `https://user:password@host`.
    Urls,
    /// `client server secret addresses`, some of them in quotes.
    Chap,
    /// `host user:password`.
    Sasl,
    /// `user:password`.
    Colon,
    /// `encrypt = "v"` among much else.
    Gossip,
    /// `scheme://user:password@host` among much else.
    Links,
    /// `"user" "password"`.
    Userlist,
    /// What stands below hosts in blocks that are called after what they hold.
    Composer,
    /// `key = v` among much else.
    Rclone,
    /// The word behind `pass` or `password`.
    Mail,
    /// Lines of base64 behind a line that says how many.
    Putty,
}

const FORMS: &[Form] = &[
    Form {
        ends: &["config/master.key", "config/credentials/*.key"],
        values: Values::Whole,
        slot: b"rails_master_key",
        title: "a key of Rails",
    },
    Form {
        ends: &[".vault_pass", ".vault_pass.txt", ".vault-pass", ".vault_password", ".vault-password"],
        values: Values::Whole,
        slot: b"password",
        title: "a password of Ansible",
    },
    Form { ends: &[".pgpass", "pgpass.conf"], values: Values::Pgpass, slot: b"password", title: "passwords of PostgreSQL" },
    Form { ends: &[".git-credentials"], values: Values::Urls, slot: b"password", title: "passwords of Git" },
    Form { ends: &["chap-secrets", "pap-secrets"], values: Values::Chap, slot: b"password", title: "secrets of PPP" },
    Form { ends: &["sasl_passwd"], values: Values::Sasl, slot: b"password", title: "passwords of a mail server" },
    Form { ends: &["rsyncd.secrets"], values: Values::Colon, slot: b"password", title: "passwords of rsync" },
    Form {
        ends: &["consul.d/*.json", "consul.d/*.hcl", "nomad.d/*.hcl", "consul*.json", "consul*.hcl", "nomad*.hcl"],
        values: Values::Gossip,
        slot: b"encryption_key",
        title: "the gossip key of Consul or Nomad",
    },
    Form {
        ends: &["pip.conf", "pip.ini", ".condarc", ".gitconfig", ".git/config", ".gitmodules", ".yarnrc", "requirements*.txt"],
        values: Values::Links,
        slot: b"password",
        title: "addresses with a password",
    },
    Form { ends: &["rclone.conf"], values: Values::Rclone, slot: b"access_key", title: "keys of rclone" },
    Form { ends: &[".mbsyncrc", ".fetchmailrc"], values: Values::Mail, slot: b"password", title: "passwords of mail" },
    Form { ends: &["userlist.txt"], values: Values::Userlist, slot: b"password", title: "passwords of PgBouncer" },
    Form { ends: &["auth.json"], values: Values::Composer, slot: b"auth_token", title: "tokens of Composer" },
    Form { ends: &["*.ppk"], values: Values::Putty, slot: b"putty_private_key", title: "a private key of PuTTY" },
];

impl Form {
    /// What the file at a path is, if its name says so.
    pub fn of(path: &str) -> Option<Self> {
        let last = path.as_bytes().last_chunk::<2>()?;
        let may_end = |end: &str| end.as_bytes().last_chunk::<2>() == Some(last);
        FORMS.iter().find(|form| form.ends.iter().any(|end| may_end(end) && ends_with(path, end))).copied()
    }

    /// Every form that bytes without a name may have.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        FORMS.iter().copied()
    }

    /// The values of the file.
    pub(super) fn values(self, set: &RuleSet, around: &Around<'_>) -> Vec<Found> {
        let places = self.places(around.bytes);
        if places.is_empty() {
            return Vec::new();
        }
        let known = around.rules_named(self.slot);
        let found = places.into_iter().filter_map(|place| {
            let slot = Slot { name: Span::new(place.start, place.start), value: place.start, listed: false };
            let mut found =
                context::read(set, &around.until(place.end), slot, (&known, true)).filter(|found| found.span == place)?;
            let fact = format!("the file holds {}", self.title);
            found.because = vec![Evidence { fact, weight: None, span: None }];
            found.name = None;
            Some(found)
        });
        found.collect()
    }

    /// Where values may stand.
    fn places(self, bytes: &[u8]) -> Vec<Span> {
        if self.values == Values::Whole {
            let text = bytes.trim_ascii();
            let is_one = bytes.len() < LINE && !text.is_empty() && text.iter().all(u8::is_ascii_graphic);
            let start = bytes.len() - bytes.trim_ascii_start().len();
            return is_one.then(|| Span::new(start, start + text.len())).into_iter().collect();
        }
        match self.values {
            Values::Gossip => return memchr::memmem::find_iter(bytes, b"encrypt").filter_map(|at| gossip(bytes, at)).collect(),
            Values::Links => return memchr::memmem::find_iter(bytes, b"://").filter_map(|at| link(bytes, at + 3)).collect(),
            Values::Composer => return composer(bytes),
            Values::Rclone => return memchr::memmem::find_iter(bytes, b"\nkey = ").map(|at| word(bytes, at + 7)).collect(),
            Values::Mail => return mail(bytes),
            Values::Putty => return putty(bytes).into_iter().collect(),
            _ => {}
        }
        let mut start = 0;
        let mut places = Vec::new();
        for line in bytes.split(|&byte| byte == b'\n') {
            let at = start;
            start += line.len() + 1;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match if line.len() > LINE { None } else { self.values.of_line(line) } {
                Some(place) => places.push(place.shifted(at)),
                // What begins otherwise is no such file: most are asked because a name is not known yet.
                None if places.is_empty() && !line.is_empty() && !line.starts_with(b"#") => return places,
                None => {}
            }
        }
        places
    }
}

impl Values {
    /// Where the value of a line stands.
    fn of_line(self, line: &[u8]) -> Option<Span> {
        let value = match self {
            Self::Whole | Self::Gossip | Self::Links | Self::Composer | Self::Rclone | Self::Mail | Self::Putty => return None,
            Self::Userlist => {
                let mut parts = fields(line);
                let (user, password) = (parts.next()?, parts.next()?);
                password.clone().next().filter(|at| user.start == 1 && line[at - 1] == b'"')?;
                password
            }
            Self::Chap => fields(line).nth(2).filter(|_| !line.starts_with(b"#"))?,
            Self::Sasl => {
                let account = fields(line).nth(1).filter(|account| account.end == line.trim_ascii_end().len())?;
                account.start + memchr::memchr(b':', &line[account.clone()])? + 1..account.end
            }
            Self::Colon => {
                let user = line.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.@".contains(byte)).count();
                let password =
                    line.get(user..)?.strip_prefix(b":").filter(|rest| user > 0 && rest.iter().all(u8::is_ascii_graphic))?;
                line.len() - password.len()..line.len()
            }
            Self::Pgpass => {
                let mut colons = memchr::memchr_iter(b':', line);
                let port = &line[colons.next()? + 1..colons.next()?];
                let is_port = port == b"*" || !port.is_empty() && port.iter().all(u8::is_ascii_digit);
                colons.nth(1).filter(|_| is_port)? + 1..line.len()
            }
            Self::Urls => {
                let begin = [&b"https://"[..], b"http://"].iter().find(|scheme| line.starts_with(scheme))?.len();
                let end = memchr::memrchr(b'@', line)?;
                begin + memchr::memchr(b':', line.get(begin..end)?)? + 1..end
            }
        };
        Some(Span::new(value.start, value.end))
    }
}

/// The fields of a line with blanks between them, without their quotes.
fn fields(line: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += line[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let rest = line.get(at..).filter(|rest| !rest.is_empty())?;
        if let Some(length) = rest.strip_prefix(b"\"").and_then(|quoted| memchr::memchr(b'"', quoted)) {
            let field = at + 1..at + 1 + length;
            at = field.end + 1;
            return Some(field);
        }
        let field = at..at + rest.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        at = field.end;
        Some(field)
    })
}

/// The key behind a name that begins at `at`: sixteen or thirty-two bytes of base64, in quotes.
fn gossip(bytes: &[u8], at: usize) -> Option<Span> {
    let rest = &bytes[at + b"encrypt".len()..];
    let text = rest.strip_prefix(b"\"").unwrap_or(rest).trim_ascii_start();
    let text = text.strip_prefix(b"=").or_else(|| text.strip_prefix(b":"))?.trim_ascii_start().strip_prefix(b"\"")?;
    let length = memchr::memchr(b'"', &text[..text.len().min(LINE)]).filter(|length| matches!(length, 24 | 44))?;
    let is_key =
        text[..length].ends_with(b"=") && text[..length].iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte));
    let start = bytes.len() - text.len();
    is_key.then(|| Span::new(start, start + length))
}

/// The password of an address whose user begins at `at`.
fn link(bytes: &[u8], at: usize) -> Option<Span> {
    let rest = &bytes[at..bytes.len().min(at + LINE)];
    let is_part = |byte: &&u8| byte.is_ascii_graphic() && !b"/\"'<>`${}@".contains(byte);
    let length = rest.iter().take_while(is_part).count();
    let colon = memchr::memchr(b':', &rest[..length]).filter(|_| rest.get(length) == Some(&b'@'))?;
    Some(Span::new(at + colon + 1, at + length))
}

/// The word that begins at `at`.
fn word(bytes: &[u8], at: usize) -> Span {
    Span::new(at, at + bytes[at..].iter().take(LINE).take_while(|byte| byte.is_ascii_graphic()).count())
}

/// Every word behind `pass` and `password`, without its quotes.
fn mail(bytes: &[u8]) -> Vec<Span> {
    let words: Vec<_> = fields(bytes).collect();
    let names = |name: &[u8]| name.eq_ignore_ascii_case(b"pass") || name.eq_ignore_ascii_case(b"password");
    let behind = words.windows(2).filter(|pair| names(&bytes[pair[0].clone()]));
    behind.map(|pair| Span::new(pair[1].start, pair[1].end)).collect()
}

/// Blocks of Composer's `auth.json` that hold one token for each host.
const HOSTS: [&[u8]; 4] = [b"\"github-oauth\"", b"\"gitlab-oauth\"", b"\"gitlab-token\"", b"\"bearer\""];

/// The texts behind the hosts of those blocks.
fn composer(bytes: &[u8]) -> Vec<Span> {
    let mut places = Vec::new();
    for name in HOSTS {
        let Some(at) = memchr::memmem::find(bytes, name) else { continue };
        let block = &bytes[at + name.len()..];
        let block = &block[..memchr::memchr(b'}', block).unwrap_or(block.len())];
        let quotes: Vec<usize> = memchr::memchr_iter(b'"', block).map(|quote| at + name.len() + quote).collect();
        places.extend(quotes.chunks_exact(4).map(|host| Span::new(host[2] + 1, host[3])));
    }
    places.sort_unstable_by_key(|place| place.start);
    places
}

/// The first line of a private key that has no passphrase.
fn putty(bytes: &[u8]) -> Option<Span> {
    if !bytes.starts_with(b"PuTTY-User-Key-File-") || memchr::memmem::find(bytes, b"\nEncryption: none").is_none() {
        return None;
    }
    let head = memchr::memmem::find(bytes, b"\nPrivate-Lines: ")? + 1;
    let start = head + memchr::memchr(b'\n', &bytes[head..])? + 1;
    let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_graphic()).count();
    Some(Span::new(start, start + length))
}

/// Whether a path ends with these names.
fn ends_with(path: &str, end: &str) -> bool {
    let is_same = |name: &str, known: &str| match known.split_once('*') {
        Some((head, tail)) => name.len() > head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail),
        None => name == known,
    };
    let mut names = path.rsplit(['/', '\\']);
    end.rsplit('/').all(|known| names.next().is_some_and(|name| is_same(name, known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<'a>(path: &str, text: &'a str) -> Vec<&'a str> {
        let form = Form::of(path).unwrap_or_else(|| panic!("{path}"));
        form.places(text.as_bytes()).into_iter().map(|place| &text[place.range()]).collect()
    }

    #[test]
    fn the_name_of_a_file_says_where_its_values_stand() {
        assert_eq!(values("app/config/master.key", "V4LUE\n"), ["V4LUE"]);
        assert_eq!(values("config/credentials/production.key", "V4LUE"), ["V4LUE"]);
        assert_eq!(values("/home/a/.pgpass", "# host\nh:5432:d:u:V4:LUE\r\nh:*:*:u:W\n"), ["V4:LUE", "W"]);
        assert_eq!(values(".git-credentials", "https://u:V4LUE@h.example\nhttps://h.example/u:x\n"), ["V4LUE"]);
        assert_eq!(values("etc/ppp/chap-secrets", "# client server secret\na * V4LUE *\n\"b\" s \"W X\"\n"), ["V4LUE", "W X"]);
        assert_eq!(values("etc/postfix/sasl_passwd", "[smtp.h.example]:587 u@h.example:V4:LUE\n"), ["V4:LUE"]);
        assert_eq!(values("etc/rsyncd.secrets", "u:V4LUE\n"), ["V4LUE"]);
        let key = [&"V4LUE".repeat(8)[..], "V4L="].concat();
        let gossip = |text: &str| values("etc/consul.d/server.json", text).len();
        assert_eq!(gossip(&["{\"encrypt\": \"", &key, "\"}"].concat()), 1);
        assert_eq!(gossip("{\"encrypt\": \"V4LUE\", \"encrypt_verify\": true}"), 0);
        assert_eq!(values("pip.conf", "[global]\nindex-url = https://u:V4LUE@h.example/simple # https://h.example\n"), ["V4LUE"]);
        assert!(values(".git/config", "url = git@h.example:a/b\nurl = https://u:${PASSWORD}@h.example\n").is_empty());
        assert_eq!(values("pgbouncer/userlist.txt", "; users\n").len(), 0);
        assert_eq!(values("userlist.txt", "\"a\" \"V4LUE\"\n\"b\" \"W\"\n"), ["V4LUE", "W"]);
        let tokens = "{\"http-basic\": {\"h\": {\"password\": \"x\"}}, \"github-oauth\": {\n \"h\": \"V4LUE\", \"i\": \"W\"}, \"bearer\": {}}";
        assert_eq!(values("auth.json", tokens), ["V4LUE", "W"]);
        assert_eq!(values("rclone/rclone.conf", "[a]\ntype = b2\nkey = V4LUE\n"), ["V4LUE"]);
        assert_eq!(values(".mbsyncrc", "IMAPAccount a\nPass V4LUE\nPassCmd \"x y\"\n"), ["V4LUE"]);
        assert_eq!(values(".fetchmailrc", "poll h proto imap user \"a\" pass \"V4LUE\" is a here\n"), ["V4LUE"]);
        let key = |cipher: &str| {
            let head = "PuTTY-User-Key-File-3: ssh-rsa\r\nEncryption: ";
            [head, cipher, "\r\nPublic-Lines: 1\r\nX\r\nPrivate-Lines: 2\r\nV4LUE\r\nW\r\nPrivate-MAC: 0\r\n"].concat()
        };
        assert_eq!(values("a.ppk", &key("none")), ["V4LUE"]);
        assert!(values("a.ppk", &key("aes256-cbc")).is_empty());
        assert!(values("etc/rsyncd.secrets", "two words: no\n").is_empty());
        assert!(values("config/master.key", "two words\n").is_empty());
        assert!(values(".pgpass", "a:b:c:d:e\n\nx\n").is_empty());
        for path in ["master.key", "docs/.pgpass.md", "xconfig/master.key", "config/credentials/.key"] {
            assert_eq!(Form::of(path), None, "{path}");
        }
    }
}
