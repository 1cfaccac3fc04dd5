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
];

impl Form {
    /// What the file at a path is, if its name says so.
    pub fn of(path: &str) -> Option<Self> {
        FORMS.iter().find(|form| form.ends.iter().any(|end| ends_with(path, end))).copied()
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
            let mut found = context::read(set, around, slot, (&known, true)).filter(|found| found.span == place)?;
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
            Self::Whole => return None,
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
        assert!(values("config/master.key", "two words\n").is_empty());
        assert!(values(".pgpass", "a:b:c:d:e\n\nx\n").is_empty());
        for path in ["master.key", "docs/.pgpass.md", "xconfig/master.key", "config/credentials/.key"] {
            assert_eq!(Form::of(path), None, "{path}");
        }
    }
}
