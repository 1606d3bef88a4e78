//! Each cipher that is offered, with both kinds of MACs, in both directions: the libssh2 that is linked calls them in a way of its own
//! (`vendor/patches`).

use super::*;

const CIPHERS: &[&str] = &[
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "chacha20-poly1305@openssh.com",
];
const MACS: &[&str] = &["hmac-sha2-256", "hmac-sha2-256-etm@openssh.com"];

#[tokio::test]
async fn every_cipher_carries_what_it_is_given() {
    for cipher in CIPHERS {
        // Those with a MAC of their own need no other.
        let macs = if cipher.contains("-ctr") { MACS } else { MACS.get(..1).unwrap_or_default() };
        for mac in macs {
            let sshd = Sshd::start_with(&format!("Ciphers {cipher}\nMACs {mac}\n"), "ed25519");
            let client = connect(&sshd.endpoint()).await.expect("connects");
            for length in [1, 10, 11, 12, 13, 27, 4000, 32_699, 32_700, 200_003] {
                let sent: Vec<u8> = (0..251).cycle().take(length).collect();
                let output = client.raw_with_input("cat", None, &sent).await.expect("cat runs");
                assert_eq!(output.rc, 0, "{cipher} {mac} {length}");
                assert!(output.stdout == sent, "{cipher} {mac} {length}");
            }
        }
    }
}
