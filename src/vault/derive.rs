//! PBKDF2-HMAC-SHA256 on the compression function itself. Libraries keep a whole HMAC for each of the 30,000 rounds of a
//! vault; what a round needs is two blocks.

use hmac::{Hmac, KeyInit, Mac};
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

/// What SHA-256 begins with (FIPS 180-4, 5.3.3).
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Fills `out` with the key of a password and a salt (RFC 8018, 5.2).
pub fn derive(password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) {
    let (inner, outer) = (after_key(password, 0x36), after_key(password, 0x5c));
    for (number, part) in (1_u32..).zip(out.chunks_mut(32)) {
        let mut last = first_round(password, salt, number);
        let mut sum = last;
        for _ in 1..iterations {
            let (mut state, mut hash) = (inner, outer);
            compress256(&mut state, &[padded(last)]);
            compress256(&mut hash, &[padded(state)]);
            last = hash;
            for (sum, word) in sum.iter_mut().zip(last) {
                *sum ^= word;
            }
        }
        for (bytes, word) in part.chunks_mut(4).zip(sum) {
            bytes.copy_from_slice(word.to_be_bytes().get(..bytes.len()).unwrap_or_default());
        }
    }
}

fn first_round(password: &[u8], salt: &[u8], number: u32) -> [u32; 8] {
    let mut mac = Hmac::<Sha256>::new_from_slice(password).expect("HMAC takes keys of any length");
    mac.update(salt);
    mac.update(&number.to_be_bytes());
    let mut words = [0; 8];
    for (word, bytes) in words.iter_mut().zip(mac.finalize().into_bytes().chunks_exact(4)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    words
}

/// The hash's state once it has read HMAC's first block, which is the password's alone.
fn after_key(password: &[u8], pad: u8) -> [u32; 8] {
    let hashed = Sha256::digest(password);
    let key: &[u8] = if password.len() > 64 { &hashed } else { password };
    let mut block = [pad; 64];
    for (byte, key) in block.iter_mut().zip(key) {
        *byte ^= key;
    }
    let mut state = START;
    compress256(&mut state, &[block]);
    state
}

/// A hash as the last block of a text of two blocks less 32 bytes.
fn padded(hash: [u32; 8]) -> [u8; 64] {
    let mut block = [0; 64];
    for (bytes, word) in block.chunks_exact_mut(4).zip(hash) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    block[32] = 0x80;
    block[62..].copy_from_slice(&(96_u16 * 8).to_be_bytes());
    block
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use ring::pbkdf2::{self, PBKDF2_HMAC_SHA256};

    use super::derive;

    #[test]
    fn keys_are_those_of_another_implementation() {
        for length in [0, 1, 31, 63, 64, 65, 128, 1000] {
            let (password, salt) = (vec![b'p'; length], vec![b's'; length / 2 + 1]);
            for (iterations, size) in [(1, 80), (2, 32), (3, 33), (1000, 80)] {
                let (mut own, mut other) = (vec![0; size], vec![0; size]);
                derive(&password, &salt, iterations, &mut own);
                let rounds = NonZeroU32::new(iterations).expect("not zero");
                pbkdf2::derive(PBKDF2_HMAC_SHA256, rounds, &salt, &password, &mut other);
                assert_eq!(own, other, "{length} {iterations} {size}");
            }
        }
    }
}
