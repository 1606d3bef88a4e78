//! The vault's cryptography: PBKDF2-HMAC-SHA256, AES-256 in counter mode, HMAC-SHA256 over the ciphertext.

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const ITERATIONS: u32 = 10_000;
const BLOCK: usize = 16;

pub struct Encrypted {
    pub hmac: Vec<u8>,
    pub ciphertext: Vec<u8>,
}

struct Keys {
    cipher: [u8; 32],
    hmac: [u8; 32],
    nonce: [u8; 16],
}

fn derive(password: &[u8], salt: &[u8]) -> Keys {
    let mut all = [0; 80];
    pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, ITERATIONS, &mut all);
    let mut keys = Keys { cipher: [0; 32], hmac: [0; 32], nonce: [0; 16] };
    keys.cipher.copy_from_slice(&all[..32]);
    keys.hmac.copy_from_slice(&all[32..64]);
    keys.nonce.copy_from_slice(&all[64..]);
    keys
}

fn mac(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length")
}

/// The plaintext, or nothing when the password is wrong.
pub fn decrypt(password: &[u8], salt: &[u8], hmac: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
    let keys = derive(password, salt);
    let mut mac = mac(&keys.hmac);
    mac.update(ciphertext);
    mac.verify_slice(hmac).ok()?;
    let mut plain = ciphertext.to_vec();
    Ctr128BE::<Aes256>::new(&keys.cipher.into(), &keys.nonce.into()).apply_keystream(&mut plain);
    // PKCS#7 padding, which counter mode would not need.
    let padding = usize::from(*plain.last()?);
    let length = plain.len().checked_sub(padding).filter(|_| (1..=BLOCK).contains(&padding))?;
    plain.truncate(length);
    Some(plain)
}

pub fn encrypt(password: &[u8], salt: &[u8], plain: &[u8]) -> Encrypted {
    let keys = derive(password, salt);
    let padding = BLOCK - plain.len() % BLOCK;
    let mut ciphertext = plain.to_vec();
    ciphertext.resize(plain.len() + padding, u8::try_from(padding).unwrap_or(0));
    Ctr128BE::<Aes256>::new(&keys.cipher.into(), &keys.nonce.into()).apply_keystream(&mut ciphertext);
    let mut mac = mac(&keys.hmac);
    mac.update(&ciphertext);
    Encrypted { hmac: mac.finalize().into_bytes().to_vec(), ciphertext }
}
