//! The end of a Mercury token: 44 to 46 base58 digits in every token that was seen, then the name
//! backwards. The digits are seen, not documented, so they may raise confidence and never reject.

use super::Check;

pub(super) const CHECK: Check = Check::new("mercury-suffix", "a body as Mercury's are", has_suffix);

fn has_suffix(value: &[u8]) -> bool {
    let Some(rest) = value.strip_suffix(b"_yrucrem") else { return false };
    let body = rest.rsplit(|&byte| byte == b'_').next().unwrap_or_default();
    let base58 = |byte: &u8| byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l');
    (44..=46).contains(&body.len()) && body.iter().all(base58)
}

#[cfg(test)]
mod tests {
    use super::has_suffix;

    #[test]
    fn alphabet_length_and_end() {
        let token = |body: &str, end: &str| format!("mercury_production_wma_{body}{end}").into_bytes();
        let body = "q7Zp2LxW9vK".repeat(4);
        assert!(has_suffix(&token(&body, "_yrucrem")) && has_suffix(&token(&(body.clone() + "ab"), "_yrucrem")));
        assert!(!has_suffix(&token(&body, "_mercury")));
        assert!(!has_suffix(&token(&body[1..], "_yrucrem")));
        assert!(!has_suffix(&token(&body.replace('7', "0"), "_yrucrem")));
    }
}
