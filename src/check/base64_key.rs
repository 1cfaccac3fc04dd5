//! A body that is base64 of 24 to 64 bytes, as the Standard Webhooks specification asks of its
//! secrets.

use super::Check;

pub(super) const CHECK: Check = Check::new("base64-key", "base64 of a key of 24 to 64 bytes", is_base64_key);

fn is_base64_key(value: &[u8]) -> bool {
    let body = value.rsplit(|&byte| byte == b'_').next().unwrap_or_default();
    let digits = body.iter().rposition(|&byte| byte != b'=').map_or(0, |at| at + 1);
    let padding = body.len() - digits;
    body.iter().take(digits).all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        && digits % 4 != 1
        && (padding == 0 || (digits + padding).is_multiple_of(4) && padding <= 2)
        && (24..=64).contains(&(digits * 3 / 4))
}

#[cfg(test)]
mod tests {
    use super::is_base64_key;

    #[test]
    fn lengths_and_padding() {
        let body = |digits: usize, padding: &str| format!("p_{}{padding}", "Ab+/".repeat(40)[..digits].to_owned());
        assert!(is_base64_key(body(32, "").as_bytes()));
        assert!(is_base64_key(body(43, "=").as_bytes()));
        assert!(is_base64_key(body(43, "").as_bytes()));
        assert!(!is_base64_key(body(42, "=").as_bytes()));
        assert!(!is_base64_key(body(28, "").as_bytes()));
        assert!(!is_base64_key(body(120, "").as_bytes()));
        assert!(!is_base64_key(b"p_your-webhook-secret-goes-here--"));
    }
}
