//! Encrypted connections: what the settings `tls-…` come to.
//!
//! The files are read at the start, and again when CONFIG SET names one of these settings.
//! Connections that are open go on with what they began with.

use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};

use crate::config::{Config, Setting};
use crate::error::ServerError;

/// Settings that [`Tls::load`] looks at.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting::TlsAuthClients,
    Setting::TlsCaCertDir,
    Setting::TlsCaCertFile,
    Setting::TlsCertFile,
    Setting::TlsCiphers,
    Setting::TlsCiphersuites,
    Setting::TlsKeyFile,
    Setting::TlsPreferServerCiphers,
    Setting::TlsProtocols,
    Setting::TlsSessionCacheSize,
    Setting::TlsSessionCaching,
];

/// Sessions kept where the setting says 0.
const SESSIONS_COUNT: usize = 20_480;

/// Ciphers of TLS 1.2 as OpenSSL, and hence redis.conf, calls them.
const OPENSSL_NAMES: &[(&str, &str)] = &[
    ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    ("ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    ("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
];

/// What new encrypted connections begin with.
#[derive(Debug, Default)]
pub(crate) struct Tls {
    current: RwLock<Option<Arc<ServerConfig>>>,
}

impl Tls {
    /// Reads the files that the settings name; if something is wrong, all stays as it was.
    pub(crate) fn load(&self, config: &Config) -> Result<(), ServerError> {
        let loaded = build(config)?;
        *self.current.write() = Some(Arc::new(loaded));
        Ok(())
    }

    /// `None` where nothing is encrypted.
    pub(crate) fn current(&self) -> Option<Arc<ServerConfig>> {
        self.current.read().clone()
    }
}

fn build(config: &Config) -> Result<ServerConfig, ServerError> {
    let provider = Arc::new(provider(config)?);
    let versions = versions(&config.text(Setting::TlsProtocols))?;
    let verifier = verifier(config, &provider)?;
    let (chain, key) = identity(config)?;
    let mut built = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| usage(&format!("tls-protocols: {error}")))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| usage(&format!("tls-cert-file and tls-key-file: {error}")))?;
    built.ignore_client_order = config.flag(Setting::TlsPreferServerCiphers);
    if config.flag(Setting::TlsSessionCaching) {
        let size = config.size(Setting::TlsSessionCacheSize);
        let size = if size == 0 { SESSIONS_COUNT } else { size };
        built.session_storage = ServerSessionMemoryCache::new(size);
    } else {
        built.session_storage = Arc::new(NoServerSessionStorage {});
        built.send_tls13_tickets = 0;
    }
    Ok(built)
}

fn usage(text: &str) -> ServerError {
    ServerError::Usage(text.to_owned())
}

/// The ciphers that the settings allow.
fn provider(config: &Config) -> Result<CryptoProvider, ServerError> {
    let mut provider = ring::default_provider();
    let older = allowed(config, Setting::TlsCiphers)?;
    let newer = allowed(config, Setting::TlsCiphersuites)?;
    provider.cipher_suites.retain(|suite| {
        let allowed = if suite.tls13().is_some() { &newer } else { &older };
        allowed.as_ref().is_none_or(|names| names.contains(&suite_name(*suite)))
    });
    Ok(provider)
}

fn suite_name(suite: rustls::SupportedCipherSuite) -> String {
    // TLS 1.3 names its ciphers TLS_…, which here is TLS13_….
    format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
}

/// The ciphers that a setting names; `None`: all.
fn allowed(config: &Config, setting: Setting) -> Result<Option<Vec<String>>, ServerError> {
    let text = config.text(setting);
    if text.is_empty() {
        return Ok(None);
    }
    let known: Vec<(String, String)> = if setting == Setting::TlsCiphers {
        OPENSSL_NAMES.iter().map(|&(name, suite)| (name.to_owned(), suite.to_owned())).collect()
    } else {
        let suites = ring::ALL_CIPHER_SUITES.iter().filter(|suite| suite.tls13().is_some());
        suites.map(|&suite| (suite_name(suite), suite_name(suite))).collect()
    };
    let mut names = Vec::new();
    for word in text.split([':', ',', ' ']).filter(|word| !word.is_empty()) {
        let Some((_, suite)) = known.iter().find(|(name, _)| name == word) else {
            let there = known.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
            let name = setting.row().name;
            return Err(usage(&format!("{name}: '{word}' is none of {there}")));
        };
        names.push(suite.clone());
    }
    Ok(Some(names))
}

/// The versions of the protocol that the words of `tls-protocols` name.
fn versions(text: &str) -> Result<Vec<&'static SupportedProtocolVersion>, ServerError> {
    let mut versions = Vec::new();
    for word in text.split_whitespace() {
        versions.push(match word.to_ascii_lowercase().as_str() {
            "tlsv1.2" => &version::TLS12,
            "tlsv1.3" => &version::TLS13,
            _ => {
                return Err(usage(&format!(
                    "tls-protocols: '{word}' is neither TLSv1.2 nor TLSv1.3"
                )));
            }
        });
    }
    if versions.is_empty() {
        versions.extend([&version::TLS12, &version::TLS13]);
    }
    Ok(versions)
}

/// Who looks at the certificates of clients.
fn verifier(
    config: &Config,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, ServerError> {
    let mode = config.text(Setting::TlsAuthClients);
    if mode == "no" {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let roots = Arc::new(roots(config)?);
    if roots.is_empty() {
        return Err(usage(
            "tls-auth-clients asks for certificates of clients, and neither tls-ca-cert-file nor \
             tls-ca-cert-dir says who vouches for them",
        ));
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
    if mode == "optional" {
        builder = builder.allow_unauthenticated();
    }
    builder.build().map_err(|error| usage(&format!("tls-ca-cert-file: {error}")))
}

/// The certificates that vouch for those of clients.
fn roots(config: &Config) -> Result<RootCertStore, ServerError> {
    let mut roots = RootCertStore::empty();
    let file = config.text(Setting::TlsCaCertFile);
    if !file.is_empty() {
        for certificate in certificates(Setting::TlsCaCertFile, Path::new(&file))? {
            roots.add(certificate).map_err(|error| usage(&format!("tls-ca-cert-file: {error}")))?;
        }
    }
    let folder = config.text(Setting::TlsCaCertDir);
    if !folder.is_empty() {
        let folder = Path::new(&folder);
        let entries = std::fs::read_dir(folder).map_err(|error| {
            ServerError::file("read the folder of tls-ca-cert-dir", folder, error)
        })?;
        // Other files may lie there.
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()) {
            let found = certificates(Setting::TlsCaCertDir, &path).unwrap_or_default();
            roots.add_parsable_certificates(found);
        }
    }
    Ok(roots)
}

/// The certificates in a file; there is at least one.
fn certificates(
    setting: Setting,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, ServerError> {
    let name = setting.row().name;
    let text = std::fs::read(path)
        .map_err(|error| ServerError::file("read the certificate", path, error))?;
    let found = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| usage(&format!("{name}: {}: {error}", path.display())))?;
    if found.is_empty() {
        return Err(usage(&format!("{name}: {} holds no certificate", path.display())));
    }
    Ok(found)
}

/// This server's certificate, with those between it and the one that is trusted, and its key.
fn identity(
    config: &Config,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), ServerError> {
    let [certificate, key] = [Setting::TlsCertFile, Setting::TlsKeyFile].map(|s| config.text(s));
    if certificate.is_empty() || key.is_empty() {
        return Err(usage("encrypted connections need tls-cert-file and tls-key-file"));
    }
    let chain = certificates(Setting::TlsCertFile, Path::new(&certificate))?;
    let path = Path::new(&key);
    let text =
        std::fs::read(path).map_err(|error| ServerError::file("read the key", path, error))?;
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| {
        usage(&format!("tls-key-file: {key} holds no private key, or an encrypted one"))
    })?;
    Ok((chain, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphers_are_found_by_the_names_of_redis_conf() {
        let config = Config::default();
        let names = |config: &Config| -> Vec<String> {
            let provider = provider(config).expect("valid");
            provider.cipher_suites.iter().map(|&suite| suite_name(suite)).collect()
        };
        assert_eq!(names(&config).len(), ring::ALL_CIPHER_SUITES.len());
        let older: Vec<&str> = OPENSSL_NAMES.iter().map(|&(name, _)| name).collect();
        config.set(Setting::TlsCiphers, &older.join(":")).expect("any text");
        assert_eq!(names(&config).len(), ring::ALL_CIPHER_SUITES.len(), "all have a name");
        config.set(Setting::TlsCiphers, "ECDHE-RSA-AES256-GCM-SHA384").expect("any text");
        config.set(Setting::TlsCiphersuites, "TLS_AES_128_GCM_SHA256").expect("any text");
        let mut left = names(&config);
        left.sort();
        assert_eq!(left, ["TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]);
        config.set(Setting::TlsCiphers, "HIGH:!aNULL").expect("any text");
        assert!(provider(&config).is_err());
    }

    #[test]
    fn protocols() {
        for (text, count) in [("", Some(2)), ("TLSv1.3", Some(1)), ("tlsv1.2 TLSv1.3", Some(2))] {
            assert_eq!(versions(text).ok().map(|versions| versions.len()), count, "{text}");
        }
        assert!(versions("TLSv1.1 TLSv1.2").is_err());
    }
}
