//! Keys that everybody knows: those that the documentation has shown, and those that need no guessing.

/// The keys that earlier editions of the README and of `dev` showed, ready to be copied. Whoever has read
/// them can forge receipts and webhooks of a function that uses them.
const PUBLISHED: [&str; 2] = [
    "receipts-of-this-machine-and-of-no-other",
    "whsec_bWVzc2FnZXMtb2YtdGhpcy1tYWNoaW5lLWFuZC1vZi1uby1vdGhlcg==",
];

/// What a error says of such a key. It does not show the key.
pub(super) const PROBLEM: &str = "everybody knows this key: it stood in the documentation, or is one byte repeated; draw a new one";

/// Tells whether a key is published, or one byte repeated, as it stands or as base64 of zero bytes.
pub(super) fn is_known(key: &str) -> bool {
    PUBLISHED.contains(&key) || is_one_byte_repeated(key.trim_end_matches('=').as_bytes())
}

/// Tells whether there is something, and all of it is the same byte.
fn is_one_byte_repeated(bytes: &[u8]) -> bool {
    bytes.split_first().is_some_and(|(first, rest)| rest.iter().all(|byte| byte == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_keys_and_repeated_bytes_are_known() {
        for key in PUBLISHED {
            assert!(is_known(key), "{key}");
        }
        assert!(is_known(&"a".repeat(32)));
        assert!(is_known(&"0".repeat(64)));
        assert!(is_known(&format!("{}=", "A".repeat(43))), "32 zero bytes in base64");
    }

    #[test]
    fn drawn_keys_are_not_known() {
        for key in
            ["", "=", "an example key of more than 32 bytes", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"]
        {
            assert!(!is_known(key), "{key}");
        }
    }
}
