//! The vault's cryptography: PBKDF2-HMAC-SHA256, AES-256 in counter mode, HMAC-SHA256 over the ciphertext.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use ring::hmac;

use super::derive::derive;

const ITERATIONS: usize = 10_000;
const BLOCK: usize = 16;
/// More vaults than this at a time, and the first ones' keys are derived again.
const MOST_KEYS: usize = 4096;

pub struct Encrypted {
    pub hmac: Vec<u8>,
    pub ciphertext: Vec<u8>,
}

/// What a password and a salt lead to: keys of cipher and HMAC, and the nonce.
struct Keys([u8; 80]);

impl Keys {
    fn apply_keystream(&self, text: &mut [u8]) {
        let (mut key, mut nonce) = ([0; 32], [0; 16]);
        key.copy_from_slice(&self.0[..32]);
        nonce.copy_from_slice(&self.0[64..]);
        Ctr128BE::<Aes256>::new(&key.into(), &nonce.into()).apply_keystream(text);
    }

    fn mac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0[32..64])
    }
}

type Known = HashMap<(Vec<u8>, Vec<u8>), Arc<OnceLock<Arc<Keys>>>>;

/// The keys of a password and a salt. Deriving them is nearly all that a vault costs, so it is done once for each pair,
/// also when several threads ask.
fn keys(password: &[u8], salt: &[u8]) -> Arc<Keys> {
    static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);
    let slot = {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KEYS {
            known.clear();
        }
        Arc::clone(known.entry((password.to_owned(), salt.to_owned())).or_default())
    };
    Arc::clone(slot.get_or_init(|| {
        let mut all = [0; 80];
        derive(password, salt, ITERATIONS, &mut all);
        Arc::new(Keys(all))
    }))
}

/// The plaintext, or nothing when the password is wrong.
pub fn decrypt(password: &[u8], salt: &[u8], hmac: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
    let keys = keys(password, salt);
    hmac::verify(&keys.mac(), ciphertext, hmac).ok()?;
    let mut plain = ciphertext.to_vec();
    keys.apply_keystream(&mut plain);
    // PKCS#7 padding, which counter mode would not need.
    let padding = usize::from(*plain.last()?);
    let length = plain.len().checked_sub(padding).filter(|_| (1..=BLOCK).contains(&padding))?;
    plain.truncate(length);
    Some(plain)
}

pub fn encrypt(password: &[u8], salt: &[u8], plain: &[u8]) -> Encrypted {
    let padding = BLOCK - plain.len() % BLOCK;
    let mut ciphertext = plain.to_vec();
    ciphertext.resize(plain.len() + padding, u8::try_from(padding).unwrap_or(0));
    let keys = keys(password, salt);
    keys.apply_keystream(&mut ciphertext);
    Encrypted { hmac: hmac::sign(&keys.mac(), &ciphertext).as_ref().to_vec(), ciphertext }
}
