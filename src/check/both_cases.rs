//! Letters in both cases: a long random value has them, a variable and a key in capitals have not.

use super::Check;

pub(super) const CHECK: Check = Check::new("both-cases", "letters in both cases", |value| {
    value.iter().any(u8::is_ascii_uppercase) && value.iter().skip_while(|byte| **byte != b'_').any(u8::is_ascii_lowercase)
});

#[cfg(test)]
mod tests {
    use super::CHECK;

    #[test]
    fn a_prefix_is_no_part_of_it() {
        assert!((CHECK.test)(b"live_q7Zp2LxW9v"));
        assert!(!(CHECK.test)(b"live_Q7ZP2LXW9V"));
        assert!(!(CHECK.test)(b"live_q7zp2lxw9v"));
    }
}
