//! The key of a vault: PBKDF2-HMAC-SHA256. With the processor's SHA instructions it costs half of what it costs in OpenSSL, which copies a
//! context for every hash; without them about the same.

use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;

/// Fills `out` with the key of a password and a salt (RFC 8018, 5.2).
pub fn derive(password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) {
    pbkdf2_hmac::<Sha256>(password, salt, iterations, out);
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
