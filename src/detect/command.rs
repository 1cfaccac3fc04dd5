//! Commands that are given a password on their line: `sshpass -p v`, `smbclient -U 'user%v'`.

/// How far behind the name of a command its password is looked for.
const LINE: usize = 256;

/// Commands that take a password, and where.
pub(super) struct Command {
    name: &'static [u8],
    /// What stands before it.
    option: &'static [u8],
    place: Place,
}

/// Where a password stands behind the option of a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is the next word.
    Next,
    /// It follows without a blank.
    Glued,
    /// It follows who logs in, and this.
    After(u8),
    /// It is the last word of the command.
    Last,
}

const fn command(name: &'static str, option: &'static str, place: Place) -> Command {
    Command { name: name.as_bytes(), option: option.as_bytes(), place }
}

const COMMANDS: &[Command] = &[
    command("sshpass", "-p", Place::Next),
    command("docker login", "-p", Place::Next),
    command("podman login", "-p", Place::Next),
    command("registry login", "-p", Place::Next),
    command("oc login", "-p", Place::Next),
    command("az login", "-p", Place::Next),
    command("mongo -u", "-p", Place::Next),
    command("mongosh -u", "-p", Place::Next),
    command("mongodump", "-p", Place::Next),
    command("mongorestore", "-p", Place::Next),
    command("cqlsh", "-p", Place::Next),
    command("ipmitool", "-P", Place::Next),
    command("redis-cli", "-a", Place::Next),
    command("ldapsearch", "-w", Place::Next),
    command("sqlcmd", "-P", Place::Next),
    command("osql -", "-P", Place::Next),
    command("openssl enc", "-k", Place::Next),
    command("signtool sign", "/p", Place::Next),
    command("smbclient", "-U", Place::After(b'%')),
    command("lftp -u", "", Place::After(b',')),
    command("net use", "/user:", Place::After(b' ')),
    command("sqlplus", "", Place::After(b'/')),
    command("htpasswd -", "", Place::Last),
    command("wandb login", "", Place::Last),
    command("mysql -h", "-p", Place::Glued),
    command("mysql -u", "-p", Place::Glued),
    command("mysqldump -h", "-p", Place::Glued),
    command("mysqldump -u", "-p", Place::Glued),
];

impl Command {
    /// The command that a name is.
    pub(super) fn named(name: &[u8]) -> Option<&'static Self> {
        COMMANDS.iter().find(|command| name.starts_with(command.name))
    }

    /// Where its password begins, behind the name of the command.
    pub(super) fn password(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let line = &bytes[at..bytes.len().min(at + LINE)];
        let line = &line[..line.iter().position(|byte| b"\n|;>".contains(byte)).unwrap_or(line.len())];
        let option = at + self.behind_option(line)?;
        let rest = &bytes[option..at + line.len()];
        let value = option
            + match self.place {
                Place::Next => rest.len() - rest.strip_prefix(b" ")?.len(),
                Place::Glued => 0,
                Place::After(mark) => memchr::memchr(mark, rest)? + 1,
                Place::Last => memchr::memrchr(b' ', rest.trim_ascii_end()).map_or(0, |blank| blank + 1),
            };
        Some(value + usize::from(matches!(bytes.get(value), Some(b'\'' | b'"'))))
    }

    /// Where the option ends that the password stands behind, in the rest of the command.
    fn behind_option(&self, line: &[u8]) -> Option<usize> {
        let finder = memchr::memmem::Finder::new(self.option);
        let stands = |&found: &usize| {
            let before = found.checked_sub(1).is_none_or(|before| line[before] == b' ');
            let spaced = line.get(found + self.option.len()) == Some(&b' ');
            before && (spaced || self.place != Place::Next) && !(spaced && self.place == Place::Glued)
        };
        if self.option.is_empty() { Some(0) } else { Some(finder.find_iter(line).find(stands)? + self.option.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::slot::value_of;
    use super::*;
    use crate::span::Span;

    fn name(text: &str) -> Span {
        Span::new(0, Command::named(text.as_bytes()).unwrap().name.len())
    }

    #[test]
    fn commands_take_passwords() {
        for text in [
            "sshpass -p 'V4LUE' ssh me@host",
            "docker login -u me -p V4LUE registry.acme.example",
            "mysqldump -u root -pV4LUE ledger > ledger.sql",
            "mysql -uroot -p'V4LUE' ledger",
            "mysql -h db -u root -pV4LUE ledger",
            "redis-cli -h cache -a V4LUE ping",
            "az login --service-principal -u 1 -p V4LUE --tenant 2",
            "registry login -u me -p V4LUE r.acme.example",
            "mongodump -h db -u root -p 'V4LUE' -d ledger",
            "mongo -u root -p V4LUE admin",
            "osql -S db -U sa -P V4LUE",
            "openssl enc -aes-256-cbc -salt -k V4LUE",
            "signtool sign /f acme.pfx /p V4LUE /t x",
            "smbclient //host/share -U 'me%V4LUE' -c ls",
            "lftp -u me,V4LUE -e x",
            "net use Z: \\\\host\\share /user:me V4LUE",
            "sqlplus -s me/V4LUE",
            "htpasswd -bc .htpasswd me V4LUE > x",
            "wandb login V4LUE",
        ] {
            let slot = value_of(text.as_bytes(), name(text)).unwrap_or_else(|| panic!("{text}"));
            assert!(text[slot.value..].starts_with("V4LUE"), "{text}: {}", &text[slot.value..]);
        }
        for text in [
            "sshpass -e ssh me@host",
            "mysql -u root -p ledger",
            "docker login -u me\n-p x",
            "smbclient //host/share -U me",
            "net use Z: \\\\host\\share",
            "sshpass; x -p V4LUE",
        ] {
            assert_eq!(value_of(text.as_bytes(), name(text)), None, "{text}");
        }
    }
}
