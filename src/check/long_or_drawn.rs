//! Whether a password in a slot that names its provider is long, or short and drawn at random: providers hand out
//! passwords of eight characters, and examples are as short.

use super::Check;
use super::password_like::is_expected_password;

pub(super) const CHECK: Check = Check::new("long-or-drawn", "long, or drawn at random", is_long_or_drawn);

/// From this length on, the name is enough.
const LONG: usize = 12;

fn is_long_or_drawn(value: &[u8]) -> bool {
    value.len() >= LONG || is_expected_password(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ones_must_be_drawn() {
        for drawn in ["x0l73pf6", "N0wYZrmDkv", "3a9f15c2", "k7$Wq2z!", "summer and winter"] {
            assert!(is_long_or_drawn(drawn.as_bytes()), "{drawn}");
        }
        for chosen in ["abcd1234", "Welcome1", "hunter22", "P@ssw0rd", "1qaz2wsx", "merchant1", "88888888", "letmein", "q7q7q7q7"]
        {
            assert!(!is_long_or_drawn(chosen.as_bytes()), "{chosen}");
        }
    }
}
