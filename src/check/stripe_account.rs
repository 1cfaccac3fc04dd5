//! The account segment of a modern Stripe key: `5`, the account id (which starts with `1`), and
//! `00` ten bytes before the end. Seen in every sampled key and documented nowhere, so it may
//! raise confidence and never reject.

use super::Check;

pub(super) const CHECK: Check = Check::new("stripe-account", "a body with Stripe's account segment", has_account_segment);

fn has_account_segment(value: &[u8]) -> bool {
    let body = &value[memchr::memrchr(b'_', value).map_or(0, |at| at + 1)..];
    body.len() == 99 && body.starts_with(b"51") && &body[89..91] == b"00"
}

#[cfg(test)]
mod tests {
    use super::has_account_segment;

    #[test]
    fn length_head_and_zeros() {
        let body = |head: &str, zeros: &str| format!("sk_live_{head}{}{zeros}{}", "x".repeat(87), "y".repeat(8));
        assert!(has_account_segment(body("51", "00").as_bytes()));
        assert!(!has_account_segment(body("51", "01").as_bytes()));
        assert!(!has_account_segment(body("52", "00").as_bytes()));
        assert!(!has_account_segment(b"sk_live_51"));
    }
}
