//! The key of a vault: PBKDF2-HMAC-SHA256 of the cryptographic library that is linked for SSH anyway, which has it in assembly.

use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;

/// Fills `out` with the key of a password and a salt (RFC 8018, 5.2).
pub fn derive(password: &[u8], salt: &[u8], iterations: usize, out: &mut [u8]) {
    pbkdf2_hmac(password, salt, iterations, MessageDigest::sha256(), out).expect("SHA-256 is built in");
}

#[cfg(test)]
mod tests {
    use super::derive;

    /// RFC 7914, 11.
    #[test]
    fn keys_are_those_of_the_standard() {
        let mut key = [0; 64];
        derive(b"passwd", b"salt", 1, &mut key);
        assert_eq!(hex::encode(&key[..16]), "55ac046e56e3089fec1691c22544b605");
        derive(b"Password", b"NaCl", 80000, &mut key);
        assert_eq!(hex::encode(&key[..16]), "4ddcd8f60b98be21830cee5ef22701f9");
    }
}
