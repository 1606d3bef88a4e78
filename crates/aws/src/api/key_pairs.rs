//! Key pairs: find, create, import, delete, and the fingerprint that AWS gives to a public key.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::primitives::Blob;
use aws_sdk_ec2::types::{KeyPairInfo, KeyType, ResourceType, TagSpecification};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use md5::Md5;
use sha2::{Digest, Sha256};

use super::tags::{self, Tags};
use crate::connection::Secret;
use crate::error::{ApiError, api_error};

pub async fn find(client: &Client, name: &str) -> Result<Option<KeyPairInfo>, ApiError> {
    let answer = client.describe_key_pairs().key_names(name).send().await.map_err(api_error("DescribeKeyPairs"));
    match answer {
        Ok(answer) => Ok(answer.key_pairs.unwrap_or_default().into_iter().next()),
        Err(err) if err.is("InvalidKeyPair.NotFound") => Ok(None),
        Err(err) => Err(err),
    }
}

fn specification(wanted: &Tags) -> Option<Vec<TagSpecification>> {
    let tags = Some(tags::to_ec2(wanted));
    let builder = TagSpecification::builder().resource_type(ResourceType::KeyPair).set_tags(tags);
    (!wanted.is_empty()).then(|| vec![builder.build()])
}

/// Lets AWS make a key pair; the private key is told this once only.
pub async fn create(client: &Client, name: &str, kind: Option<&str>, wanted: &Tags) -> Result<Secret, ApiError> {
    let created = client
        .create_key_pair()
        .key_name(name)
        .set_key_type(kind.map(KeyType::from))
        .set_tag_specifications(specification(wanted))
        .send()
        .await
        .map_err(api_error("CreateKeyPair"))?;
    Ok(Secret::new(created.key_material.unwrap_or_default()))
}

pub async fn import(client: &Client, name: &str, material: &str, wanted: &Tags) -> Result<Option<String>, ApiError> {
    let imported = client
        .import_key_pair()
        .key_name(name)
        .public_key_material(Blob::new(material.as_bytes()))
        .set_tag_specifications(specification(wanted))
        .send()
        .await
        .map_err(api_error("ImportKeyPair"))?;
    Ok(imported.key_fingerprint)
}

pub async fn delete(client: &Client, name: &str) -> Result<(), ApiError> {
    client.delete_key_pair().key_name(name).send().await.map_err(api_error("DeleteKeyPair"))?;
    Ok(())
}

/// The fingerprint that AWS gives to an imported OpenSSH public key; none for other formats.
pub fn fingerprint(material: &str) -> Option<String> {
    let mut words = material.split_whitespace();
    let (kind, blob) = (words.next()?, STANDARD.decode(words.next()?).ok()?);
    match kind {
        "ssh-rsa" => {
            let mut fields = SshFields(&blob);
            let (_, exponent, modulus) = (fields.next()?, fields.next()?, fields.next()?);
            let digest = Md5::digest(rsa_public_key(exponent, modulus));
            let pairs: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            Some(pairs.join(":"))
        }
        "ssh-ed25519" => Some(STANDARD_NO_PAD.encode(Sha256::digest(&blob))),
        _ => None,
    }
}

/// Whether two fingerprints mean the same key; AWS pads the digests of Ed25519 keys.
pub fn same_fingerprint(a: &str, b: &str) -> bool {
    let bare = |text: &str| text.trim_start_matches("SHA256:").trim_end_matches('=').to_owned();
    bare(a) == bare(b)
}

/// The fields of an OpenSSH key blob, each preceded by its length.
struct SshFields<'a>(&'a [u8]);

impl<'a> Iterator for SshFields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let field = rest.get(..length)?;
        self.0 = rest.get(length..)?;
        Some(field)
    }
}

/// An RSA public key as X.509 has it (SubjectPublicKeyInfo in DER), which is what AWS digests.
fn rsa_public_key(exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
    const RSA_ENCRYPTION: &[u8] =
        &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let key = der(0x30, &[der(0x02, modulus), der(0x02, exponent)].concat());
    let bits = der(0x03, &[&[0x00], key.as_slice()].concat());
    der(0x30, &[RSA_ENCRYPTION, bits.as_slice()].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.iter().copied().skip_while(|byte| *byte == 0).collect();
    let mut encoded = vec![tag];
    match significant.as_slice() {
        [] => encoded.push(0),
        [short] if *short < 0x80 => encoded.push(*short),
        long => {
            encoded.push(0x80 | u8::try_from(long.len()).unwrap_or(0x08));
            encoded.extend_from_slice(long);
        }
    }
    encoded.extend_from_slice(content);
    encoded
}

#[cfg(test)]
mod tests {
    use super::{fingerprint, same_fingerprint};

    // Made with ssh-keygen for this test; digests by `openssl rsa -pubout -outform DER | openssl md5 -c` and
    // `ssh-keygen -l`.
    const RSA: (&str, &str) = (
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC9H3sJRlcWtKH91vcMrb86uqpLB2z+GQypwrGVY16xGQGPhF5REDI7jya8VN9JUfXJTFRRT5AUoURSHDQdx7wGwPB9zhC4BwcptM82qmL4cfbFLey+flEDQeTmJcRhrBNcDrYsPPraagexv4nRusZb9AgB1+MMvqwUbG4UXMWCxQ== test",
        "35:bb:99:8f:46:86:30:b6:82:05:ca:02:ef:d5:b6:88",
    );
    const ED25519: (&str, &str) = (
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICDBuOgQV2uasDq44MHtL0SbtX3pLdPw6z9mK8ymbljv test",
        "tKPY7o31TNGa6ZTt5EvcxRG1PqCjQoRDrhw2Zv6YUTA",
    );

    #[test]
    fn fingerprints_are_those_of_aws() {
        assert_eq!(fingerprint(RSA.0).as_deref(), Some(RSA.1));
        assert_eq!(fingerprint(ED25519.0).as_deref(), Some(ED25519.1));
        assert!(same_fingerprint(&format!("{}=", ED25519.1), ED25519.1));
    }

    #[test]
    fn other_texts_have_none() {
        for text in ["", "ssh-rsa", "ssh-rsa !!!", "ssh-rsa AAAA", "-----BEGIN PUBLIC KEY-----", "ecdsa-sha2 AAAA"] {
            assert_eq!(fingerprint(text), None, "{text}");
        }
    }
}
