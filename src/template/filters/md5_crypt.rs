//! crypt(3)'s oldest scheme with a salt (`$1$`), which old systems and some appliances still ask for.

use md5::{Digest, Md5};

use super::digests::crypt64;

const ROUNDS: usize = 1000;

/// The salt has at most eight characters.
pub fn md5_crypt(password: &[u8], salt: &str) -> String {
    let salt_bytes = salt.as_bytes();
    let second = Md5::digest([password, salt_bytes, password].concat());
    let mut first = Md5::new();
    first.update(password);
    first.update(b"$1$");
    first.update(salt_bytes);
    first.update(second.iter().copied().cycle().take(password.len()).collect::<Vec<u8>>());
    // One byte for each bit of the length: a zero byte where it is set, else the first of the password.
    let mut length = password.len();
    while length > 0 {
        first.update(if length & 1 == 1 { &[0][..] } else { password.get(..1).unwrap_or(&[]) });
        length >>= 1;
    }
    let mut digest = first.finalize().to_vec();
    for round in 0..ROUNDS {
        let mut next = Md5::new();
        next.update(if round % 2 == 1 { password } else { &digest });
        if round % 3 != 0 {
            next.update(salt_bytes);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if round % 2 == 1 { &digest } else { password });
        digest = next.finalize().to_vec();
    }
    let mut order: Vec<[Option<usize>; 3]> = (0..4).map(|at| [at, at + 6, at + 12].map(Some)).collect();
    order.push([4, 10, 5].map(Some));
    order.push([None, None, Some(11)]);
    format!("$1${salt}${}", crypt64(&digest, &order))
}

#[cfg(test)]
mod tests {
    use super::md5_crypt;

    #[test]
    fn hashes_as_crypt_does() {
        assert_eq!(md5_crypt(b"secret", "mysalt12"), "$1$mysalt12$J4maadj8grGUvPcTTE3QY1");
    }
}
