//! Version and variant of a UUID, with or without dashes. Rejects time-based ids, the nil UUID and
//! most that were made up by hand; it does not tell a secret from an id.

use super::Check;

pub(super) const CHECK: Check = Check::new("uuid4", "a random (version 4) UUID", is_uuid4);

fn is_uuid4(value: &[u8]) -> bool {
    let hex: Vec<u8> = value.iter().copied().filter(|&byte| byte != b'-').collect();
    let dashes = value.iter().enumerate().filter(|&(_, &byte)| byte == b'-').map(|(at, _)| at);
    hex.len() == 32
        && hex.iter().all(u8::is_ascii_hexdigit)
        && (value.len() == 32 || dashes.eq([8, 13, 18, 23]))
        && hex[12] == b'4'
        && matches!(hex[16].to_ascii_lowercase(), b'8' | b'9' | b'a' | b'b')
}

#[cfg(test)]
mod tests {
    use super::is_uuid4;

    #[test]
    fn versions_and_variants() {
        let with = |version: char, variant: char| format!("0f1e2d3c-4b5a-{version}978-{variant}695-a4b3c2d1e0f9");
        assert!(is_uuid4(with('4', '8').as_bytes()));
        assert!(is_uuid4(with('4', 'B').as_bytes()));
        assert!(is_uuid4(with('4', 'a').replace('-', "").as_bytes()));
        for (version, variant) in [('1', '8'), ('7', 'b'), ('4', 'c'), ('4', '0')] {
            assert!(!is_uuid4(with(version, variant).as_bytes()), "{version} {variant}");
        }
        assert!(!is_uuid4(b"00000000-0000-0000-0000-000000000000"));
        assert!(!is_uuid4(b"0f1e2d3c4-b5a-4978-8695-a4b3c2d1e0f9"));
        assert!(!is_uuid4(b"short"));
    }
}
