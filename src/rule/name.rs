//! Names of variables, keys and headers, compared without case and separators.

/// A name as it is compared: letters and digits only, lower case.
pub fn normalise(name: &[u8]) -> String {
    name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// The words of a name, lower case: split where letters, digits and separators meet and at the
/// humps of camel case.
pub fn words(name: &[u8]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = 0u8;
    for (at, &byte) in name.iter().enumerate() {
        let next_is_lower = name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        let hump = byte.is_ascii_uppercase() && (last.is_ascii_lowercase() || last.is_ascii_uppercase() && next_is_lower);
        let begins = !last.is_ascii_alphanumeric() || hump || last.is_ascii_digit() != byte.is_ascii_digit();
        if byte.is_ascii_alphanumeric() {
            if begins {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.push(char::from(byte.to_ascii_lowercase()));
            }
        }
        last = byte;
    }
    words
}

/// A name with `*` for anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    source: String,
    parts: Vec<String>,
}

impl NamePattern {
    /// Reads a pattern; it needs at least three letters or digits.
    pub fn parse(source: &str) -> Result<Self, String> {
        let parts: Vec<_> = source.split('*').map(|part| normalise(part.as_bytes())).collect();
        let pattern = Self { source: source.to_owned(), parts };
        if pattern.specificity() < 3 {
            return Err(format!("{source:?} has fewer than three letters or digits"));
        }
        Ok(pattern)
    }

    /// The pattern as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The beginning that every name of the pattern has; all of it where there is no `*`.
    pub fn head(&self) -> &str {
        &self.parts[0]
    }

    /// Whether it holds a `*`.
    pub fn is_open(&self) -> bool {
        self.parts.len() > 1
    }

    /// How many letters and digits it asks for: the more, the better it knows what it names.
    pub fn specificity(&self) -> usize {
        self.parts.iter().map(String::len).sum()
    }

    /// Whether a normalised name fits.
    pub fn matches(&self, name: &str) -> bool {
        let [first, middle @ .., last] = &self.parts[..] else {
            return self.parts[0] == name;
        };
        // The last byte decides most of the time, and costs no call.
        if name.as_bytes().last() != last.as_bytes().last() && !last.is_empty() {
            return false;
        }
        let Some(mut rest) = name.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_without_case_and_separators() {
        assert_eq!(normalise(b"X-Client_Secret"), "xclientsecret");
        assert_eq!(words(b"payCA_clientSecretV2"), ["pay", "ca", "client", "secret", "v", "2"]);
        assert_eq!(words(b"STRIPE_LIVE_SECRET_KEY"), ["stripe", "live", "secret", "key"]);
        assert_eq!(words(b"APIKeyLive"), ["api", "key", "live"]);
    }

    #[test]
    fn patterns() {
        let matches = |pattern: &str, name: &str| NamePattern::parse(pattern).unwrap().matches(&normalise(name.as_bytes()));
        assert!(matches("PAYCA_CLIENT_SECRET", "payca.client-secret"));
        assert!(!matches("PAYCA_CLIENT_SECRET", "MY_PAYCA_CLIENT_SECRET"));
        assert!(matches("*_CLIENT_SECRET", "MY_PAYCA_CLIENT_SECRET"));
        assert!(matches("*_CLIENT_SECRET", "clientSecret"));
        assert!(matches("paychain*payout*key", "PAYCHAIN_HQ_PAYOUT_API_KEY"));
        assert!(!matches("paychain*payout*key", "PAYCHAIN_API_KEY"));
        assert!(matches("STRIPE_*", "stripe_key"));
        assert!(!matches("ab*ba", "aba"), "the ends do not share a letter");
        assert!(NamePattern::parse("k*").is_err());
    }
}
