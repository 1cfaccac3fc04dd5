//! Named, pure tests of a secret's bytes. A test knows bytes, not which rule asks.
//!
//! Every value passes [`is_plausible`]; rules name the others in `checks` (the value is dropped
//! when one fails) and `supports` (the value is believed more when one passes).

mod base64_key;
mod entropy;
mod placeholder;
mod stripe_account;
mod test_card;
mod uuid4;
mod words;

pub use test_card::{test_card, test_card_heads};

/// A test of the bytes of a value, by name.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// The name in rule files.
    pub name: &'static str,
    /// What a value that passes is, for the evidence of a finding.
    pub shows: &'static str,
    /// Whether the whole value passes.
    pub test: fn(&[u8]) -> bool,
}

/// Every check that a rule can name.
pub const CHECKS: &[Check] = &[base64_key::CHECK, stripe_account::CHECK, uuid4::CHECK];

/// The check of that name.
pub fn named(name: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.name == name)
}

/// Whether a body drawn from `alphabet` different bytes may be a real secret: not a placeholder,
/// not words, not less random than one body in a million would be by chance.
pub fn is_plausible(body: &[u8], alphabet: usize) -> bool {
    let body = without_armour(body);
    !placeholder::is_placeholder(body) && !words::reads_like_words(body) && entropy::is_random(body, alphabet)
}

/// What stands between the lines of dashes of a PEM block; all of anything else.
fn without_armour(body: &[u8]) -> &[u8] {
    const DASHES: &[u8] = b"-----";
    match memchr::memmem::find(body, DASHES) {
        Some(begin) => {
            let inner = &body[begin + DASHES.len()..];
            &inner[..memchr::memmem::find(inner, DASHES).unwrap_or(inner.len())]
        }
        None => body,
    }
}
