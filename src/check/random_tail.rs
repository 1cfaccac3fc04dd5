//! For values of several parts with an alphabet each, and for URLs: only what stands behind the last
//! separator must look random.

use super::Check;

pub(super) const CHECK: Check = Check::new("random-tail", "a random end", |_| true).random_in(tail);

fn tail(value: &[u8]) -> &[u8] {
    value.rsplit(|byte| matches!(byte, b'.' | b'-' | b'_' | b'/' | b':')).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn the_tail_is_what_follows_the_last_separator() {
        assert_eq!(tail(b"pat12.ab-cd_ef"), b"ef");
        assert_eq!(tail(b"https://h/a/bc"), b"bc");
        assert_eq!(tail(b"plain"), b"plain");
    }
}
