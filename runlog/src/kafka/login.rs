//! How to be let in: TLS and SASL, checked before librdkafka sees them, because it would only say that
//! some setting of its own failed.

use std::fs;
use std::path::Path;

use rdkafka::ClientConfig;
use secrecy::{ExposeSecret, SecretString};

use super::KafkaConfig;

/// What is shown to the brokers, and what they must show.
pub(super) struct Login {
    tls: Option<Tls>,
    sasl: Option<Sasl>,
}

struct Tls {
    ca: String,
    /// Our own certificate and its key.
    own: Option<(String, SecretString)>,
}

struct Sasl {
    mechanism: Mechanism,
    user: String,
    password: SecretString,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    ScramSha256,
    ScramSha512,
    Plain,
}

impl Login {
    /// The error is the reason, with its remedy.
    pub(super) fn read(config: &KafkaConfig) -> Result<Self, String> {
        let tls = read_tls(config)?;
        let sasl = read_sasl(config)?;
        if tls.is_none()
            && sasl
                .as_ref()
                .is_some_and(|sasl| sasl.mechanism == Mechanism::Plain)
        {
            return Err(
                "mechanism PLAIN would send the password readable by all; add `ca` for TLS".to_owned(),
            );
        }
        Ok(Self { tls, sasl })
    }

    pub(super) fn apply(&self, client: &mut ClientConfig) {
        let protocol = match (&self.tls, &self.sasl) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        client.set("security.protocol", protocol);
        if let Some(tls) = &self.tls {
            client.set("ssl.ca.pem", &tls.ca);
            if let Some((certificate, key)) = &tls.own {
                client
                    .set("ssl.certificate.pem", certificate)
                    .set("ssl.key.pem", key.expose_secret());
            }
        }
        if let Some(sasl) = &self.sasl {
            client
                .set("sasl.mechanism", sasl.mechanism.as_str())
                .set("sasl.username", &sasl.user)
                .set("sasl.password", sasl.password.expose_secret());
        }
    }
}

impl Mechanism {
    fn as_str(self) -> &'static str {
        match self {
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::Plain => "PLAIN",
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        [Self::ScramSha256, Self::ScramSha512, Self::Plain]
            .into_iter()
            .find(|mechanism| mechanism.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                format!("unknown mechanism {text:?}; choose SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN")
            })
    }
}

fn read_tls(config: &KafkaConfig) -> Result<Option<Tls>, String> {
    let own = match (&config.certificate, &config.key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            let certificate = read_pem(certificate, "certificate", "CERTIFICATE-----")?;
            Some((
                certificate,
                SecretString::from(read_pem(key, "key", "PRIVATE KEY-----")?),
            ))
        }
        (Some(_), None) => return Err("`certificate` has no `key`; add the PEM file of its key".to_owned()),
        (None, Some(_)) => return Err("`key` has no `certificate`; add its PEM file".to_owned()),
    };
    match &config.ca {
        Some(ca) => Ok(Some(Tls {
            ca: read_pem(ca, "ca", "BEGIN CERTIFICATE-----")?,
            own,
        })),
        None if own.is_some() => Err(
            "there is a certificate but no `ca`; add the file of who signed the brokers' certificates"
                .to_owned(),
        ),
        None => Ok(None),
    }
}

fn read_sasl(config: &KafkaConfig) -> Result<Option<Sasl>, String> {
    let mechanism = config
        .mechanism
        .as_deref()
        .map_or(Ok(Mechanism::ScramSha256), Mechanism::parse)?;
    let Some(user) = &config.user else {
        let password = config.password.is_some() || config.password_file.is_some();
        return if password {
            Err("there is a password but no user; add `user`".to_owned())
        } else {
            Ok(None)
        };
    };
    let password = match (&config.password, &config.password_file) {
        (Some(password), _) => password.clone(),
        (None, Some(path)) => {
            let text = fs::read_to_string(path)
                .map_err(|error| format!("cannot read the password file {}: {error}", path.display()))?;
            SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        (None, None) => return Err(format!("user {user:?} has no password; add `password-file`")),
    };
    if password.expose_secret().is_empty() {
        return Err(format!(
            "the password of user {user:?} is empty; write it into `password-file`"
        ));
    }
    Ok(Some(Sasl {
        mechanism,
        user: user.clone(),
        password,
    }))
}

fn read_pem(path: &Path, setting: &str, sign: &str) -> Result<String, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("cannot read the file {} (`{setting}`): {error}", path.display()))?;
    if text.contains(sign) {
        Ok(text)
    } else {
        Err(format!(
            "{} (`{setting}`) is no PEM file: it has no line with {sign}",
            path.display()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(config: KafkaConfig) -> String {
        match Login::read(&config) {
            Ok(_) => panic!("accepted: {config:?}"),
            Err(reason) => reason,
        }
    }

    #[test]
    fn what_a_person_got_wrong_is_named_with_its_remedy() {
        let none = KafkaConfig::default;
        let ada = || KafkaConfig {
            user: Some("ada".into()),
            password: Some("x".into()),
            ..none()
        };
        for (config, part) in [
            (
                KafkaConfig {
                    user: Some("ada".into()),
                    ..none()
                },
                "add `password-file`",
            ),
            (
                KafkaConfig {
                    password: Some("x".into()),
                    ..none()
                },
                "add `user`",
            ),
            (
                KafkaConfig {
                    password: Some("".into()),
                    ..ada()
                },
                "is empty",
            ),
            (
                KafkaConfig {
                    mechanism: Some("GSSAPI".into()),
                    ..ada()
                },
                "choose SCRAM-SHA-256",
            ),
            (
                KafkaConfig {
                    mechanism: Some("plain".into()),
                    ..ada()
                },
                "add `ca` for TLS",
            ),
            (
                KafkaConfig {
                    ca: Some("/no/such/ca.pem".into()),
                    ..none()
                },
                "/no/such/ca.pem",
            ),
            (
                KafkaConfig {
                    ca: Some("/etc/hostname".into()),
                    ..none()
                },
                "is no PEM file",
            ),
            (
                KafkaConfig {
                    key: Some("k".into()),
                    ..none()
                },
                "`key` has no `certificate`",
            ),
            (
                KafkaConfig {
                    certificate: Some("c".into()),
                    ..none()
                },
                "`certificate` has no `key`",
            ),
        ] {
            let reason = refused(config);
            assert!(reason.contains(part), "{part}: {reason}");
        }
    }

    #[test]
    fn the_password_file_may_end_with_a_newline() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "s3cret\r\n").unwrap();
        let config = KafkaConfig {
            user: Some("ada".into()),
            password_file: Some(file.path().to_owned()),
            mechanism: Some("SCRAM-SHA-512".into()),
            ..KafkaConfig::default()
        };
        let mut client = ClientConfig::new();
        Login::read(&config).unwrap().apply(&mut client);
        assert_eq!(client.get("sasl.password"), Some("s3cret"));
        assert_eq!(client.get("sasl.mechanism"), Some("SCRAM-SHA-512"));
        assert_eq!(client.get("security.protocol"), Some("sasl_plaintext"));
    }
}
