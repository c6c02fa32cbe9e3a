//! Encrypted connections: certificates of either side, settings, what goes wrong.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::client::ClientSessionMemoryCache;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};
use tempfile::TempDir;

use crate::harness::{Server, check, error, free_port, run};
use crate::startup::failure;

type Issuer = CertifiedIssuer<'static, KeyPair>;
type Stream = BufReader<StreamOwned<ClientConnection, TcpStream>>;

/// Certificates in a folder: of two authorities, and of servers and clients that they vouch for.
struct Certificates {
    folder: TempDir,
}

impl Certificates {
    fn new() -> Self {
        let made = Self { folder: tempfile::tempdir().expect("a folder") };
        let (authority, stranger) = (issuer("authority"), issuer("stranger"));
        made.write("ca.crt", &authority.pem());
        made.write("stranger-ca.crt", &stranger.pem());
        made.issue("server", &authority);
        made.issue("renewed", &authority);
        made.issue("client", &authority);
        made.issue("stranger", &stranger);
        made
    }

    fn issue(&self, name: &str, issuer: &Issuer) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, issuer).expect("a certificate");
        self.write(&format!("{name}.crt"), &certificate.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Settings of a server with these certificates.
    fn settings(&self, more: &[&str]) -> Vec<String> {
        let mut settings = vec!["--tls-port".to_owned(), free_port().to_string()];
        for (name, file) in [
            ("--tls-cert-file", "server.crt"),
            ("--tls-key-file", "server.key"),
            ("--tls-ca-cert-file", "ca.crt"),
        ] {
            settings.extend([name.to_owned(), self.path(file)]);
        }
        settings.extend(more.iter().map(|&word| word.to_owned()));
        settings
    }

    /// A server that listens on nothing but encrypted connections.
    fn start(&self, more: &[&str]) -> Server {
        let settings = self.settings(more);
        Server::start(&settings.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn chain(&self, name: &str) -> Vec<CertificateDer<'static>> {
        let path = self.path(&format!("{name}.crt"));
        vec![CertificateDer::from_pem_file(path).expect("a certificate")]
    }

    /// What a client that trusts the authority and shows this certificate, if any, begins with.
    fn client(
        &self,
        name: Option<&str>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.chain("ca").remove(0)).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match name {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key")));
                builder
                    .with_client_auth_cert(self.chain(name), key.expect("a key"))
                    .expect("they fit")
            }
        };
        config.resumption =
            rustls::client::Resumption::store(Arc::new(ClientSessionMemoryCache::new(8)));
        Arc::new(config)
    }
}

fn issuer(name: &str) -> Issuer {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("a certificate")
}

fn connect(port: u16, config: &Arc<ClientConfig>) -> Stream {
    let name = "localhost".try_into().expect("a name");
    let session = ClientConnection::new(Arc::clone(config), name).expect("a session");
    let socket = TcpStream::connect(("127.0.0.1", port)).expect("the server accepts");
    BufReader::new(StreamOwned::new(session, socket))
}

/// Sends an inline command; replies the first line of its reply, or why there is none.
fn line(stream: &mut Stream, command: &str) -> Result<String, String> {
    let text = |error: std::io::Error| error.to_string();
    stream.get_mut().write_all(format!("{command}\r\n").as_bytes()).map_err(text)?;
    let mut line = String::new();
    match stream.read_line(&mut line) {
        Ok(0) => Err("closed".to_owned()),
        Ok(_) => Ok(line.trim_end().to_owned()),
        Err(error) => Err(text(error)),
    }
}

#[test]
fn requests_and_large_replies() {
    let certificates = Certificates::new();
    let plain = free_port().to_string();
    let server = certificates.start(&["--port", &plain]);
    let config = certificates.client(Some("client"), rustls::ALL_VERSIONS);
    let tls_port = server.info("listener2").rsplit_once('=').expect("a port").1.to_owned();
    let stream = &mut connect(tls_port.parse().expect("a port"), &config);
    assert_eq!(line(stream, "PING").as_deref(), Ok("+PONG"));
    assert_eq!(server.info("listener0"), format!("name=tcp,bind=127.0.0.1,bind=-::1,port={plain}"));
    let value: String = ('a'..='z').cycle().take(3_000_000).collect();
    let request = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n{value}\r\n", value.len());
    stream.get_mut().write_all(request.as_bytes()).expect("the server takes it");
    let mut reply = String::new();
    stream.read_line(&mut reply).expect("a reply");
    assert_eq!(reply, "+OK\r\n");
    // The replies of a pipeline that is sent before anything is read.
    stream.get_mut().write_all(b"GET k\r\nGET k\r\nPING\r\n").expect("the server takes it");
    for _ in 0..2 {
        let (mut head, mut body) = (String::new(), String::new());
        stream.read_line(&mut head).expect("a reply");
        stream.read_line(&mut body).expect("a reply");
        assert_eq!(head, format!("${}\r\n", value.len()));
        assert!(body.trim_end() == value);
    }
    let mut pong = String::new();
    stream.read_line(&mut pong).expect("a reply");
    assert_eq!(pong, "+PONG\r\n");
    // Its own goodbye comes before the end.
    assert_eq!(line(stream, "QUIT").as_deref(), Ok("+OK"));
    assert_eq!(line(stream, "PING").err().as_deref(), Some("closed"));
    check(&mut server.client(), &[("STRLEN k", "3000000")]);
}

#[test]
fn certificates_of_clients() {
    let certificates = Certificates::new();
    for (mode, nobody, stranger) in
        [("yes", false, false), ("optional", true, false), ("no", true, true)]
    {
        let server = certificates.start(&["--tls-auth-clients", mode]);
        for (name, served) in [(Some("client"), true), (None, nobody), (Some("stranger"), stranger)]
        {
            let config = certificates.client(name, rustls::ALL_VERSIONS);
            let outcome = line(&mut connect(server.port(), &config), "PING");
            assert_eq!(outcome.is_ok(), served, "{mode} {name:?}: {outcome:?}");
        }
        // A client that does not encrypt is turned away; the others are served.
        let mut raw = server.raw();
        raw.send(b"PING\r\n");
        raw.read_to_end();
        let config = certificates.client(Some("client"), rustls::ALL_VERSIONS);
        assert!(line(&mut connect(server.port(), &config), "PING").is_ok());
    }
}

#[test]
fn authorities_in_a_folder() {
    let certificates = Certificates::new();
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().display().to_string();
    std::fs::copy(certificates.path("stranger-ca.crt"), folder.path().join("a.pem"))
        .expect("copied");
    std::fs::write(folder.path().join("note"), "no certificate").expect("written");
    let server = certificates.start(&["--tls-ca-cert-file", "", "--tls-ca-cert-dir", &dir]);
    for (name, served) in [("client", false), ("stranger", true)] {
        let config = certificates.client(Some(name), rustls::ALL_VERSIONS);
        assert_eq!(line(&mut connect(server.port(), &config), "PING").is_ok(), served, "{name}");
    }
}

#[test]
fn certificates_are_renewed() {
    let certificates = Certificates::new();
    let server = certificates.start(&["--port", &free_port().to_string()]);
    let tls_port = server.info("listener2").rsplit_once('=').expect("a port").1.to_owned();
    let tls_port: u16 = tls_port.parse().expect("a port");
    let config = certificates.client(Some("client"), rustls::ALL_VERSIONS);
    let shown = |stream: &mut Stream| {
        assert_eq!(line(stream, "PING").as_deref(), Ok("+PONG"));
        stream.get_ref().conn.peer_certificates().expect("one")[0].clone().into_owned()
    };
    let early = &mut connect(tls_port, &config);
    assert_eq!(shown(early), certificates.chain("server")[0]);
    let client = &mut server.client();
    let set = |client: &mut redis::Connection, certificate: &str, key: &str| {
        let [certificate, key] = [certificate, key].map(|name| certificates.path(name));
        error(client, &format!("CONFIG SET tls-cert-file {certificate} tls-key-file {key}"))
    };
    for (certificate, key) in [("renewed.crt", "server.key"), ("nope", "server.key")] {
        assert_eq!(
            set(client, certificate, key),
            "ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - Unable to \
             update TLS configuration. Check server logs."
        );
        let kept: Vec<String> = run(client, "CONFIG GET tls-cert-file");
        assert_eq!(kept[1], certificates.path("server.crt"));
        assert_eq!(shown(&mut connect(tls_port, &config)), certificates.chain("server")[0]);
    }
    assert_eq!(set(client, "renewed.crt", "renewed.key"), "no error but ok");
    let fresh = certificates.client(Some("client"), rustls::ALL_VERSIONS);
    assert_eq!(shown(&mut connect(tls_port, &fresh)), certificates.chain("renewed")[0]);
    assert_eq!(shown(early), certificates.chain("server")[0]);
    check(client, &[("CONFIG SET tls-auth-clients no", "OK")]);
    let nobody = certificates.client(None, rustls::ALL_VERSIONS);
    assert!(line(&mut connect(tls_port, &nobody), "PING").is_ok());
    let text = error(client, "CONFIG SET tls-port 1");
    assert!(text.ends_with("Unable to listen on this port while the server runs on another"));
}

#[test]
fn sessions_are_resumed() {
    let certificates = Certificates::new();
    for (caching, kind) in [("yes", HandshakeKind::Resumed), ("no", HandshakeKind::Full)] {
        let server = certificates.start(&["--tls-session-caching", caching]);
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let config = certificates.client(Some("client"), &[version]);
            assert!(line(&mut connect(server.port(), &config), "PING").is_ok());
            let stream = &mut connect(server.port(), &config);
            assert!(line(stream, "PING").is_ok());
            assert_eq!(stream.get_ref().conn.handshake_kind(), Some(kind), "{version:?}");
        }
    }
}

#[test]
fn protocols_and_ciphers() {
    let certificates = Certificates::new();
    let (old, new) = (&rustls::version::TLS12, &rustls::version::TLS13);
    for (settings, version, cipher) in [
        (&["--tls-protocols", "TLSv1.3"][..], old, None),
        (&["--tls-protocols", "TLSv1.2"], new, None),
        (
            &["--tls-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"],
            new,
            Some("TLS13_CHACHA20_POLY1305_SHA256"),
        ),
        (
            &["--tls-ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"],
            old,
            Some("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        ),
    ] {
        let server = certificates.start(settings);
        let stream = &mut connect(server.port(), &certificates.client(Some("client"), &[version]));
        let outcome = line(stream, "PING");
        assert_eq!(outcome.is_ok(), cipher.is_some(), "{settings:?}: {outcome:?}");
        if let Some(cipher) = cipher {
            let suite = stream.get_ref().conn.negotiated_cipher_suite().expect("there is one");
            assert_eq!(format!("{:?}", suite.suite()), cipher);
        }
    }
}

#[test]
fn what_will_not_do_is_told_at_the_start() {
    let certificates = Certificates::new();
    let dir = certificates.path("data");
    certificates.write(
        "encrypted.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let (encrypted, other) = (certificates.path("encrypted.key"), certificates.path("client.key"));
    for (settings, expected) in [
        (&["--tls-key-file", ""][..], "encrypted connections need tls-cert-file and tls-key-file"),
        (&["--tls-key-file", &encrypted], "tls-key-file: "),
        (&["--tls-key-file", &other], "tls-cert-file and tls-key-file: keys may not be consistent"),
        (&["--tls-ca-cert-file", ""], "tls-auth-clients asks for certificates of clients"),
        (&["--tls-ca-cert-file", "nope"], "cannot read the certificate nope: "),
        (&["--tls-protocols", "TLSv1.1 TLSv1.2"], "tls-protocols: 'TLSv1.1' is neither"),
        (&["--tls-ciphers", "HIGH"], "tls-ciphers: 'HIGH' is none of ECDHE-ECDSA-AES128-GCM"),
        (&["--tls-ciphersuites", "X"], "tls-ciphersuites: 'X' is none of TLS_AES_256_GCM_SHA384"),
        (&["--tls-key-file-pass", "x"], "option --tls-key-file-pass: tls-key-file-pass 'x': encr"),
    ] {
        let mut words = vec!["--port", "0", "--dir", &dir];
        let all = certificates.settings(settings);
        words.extend(all.iter().map(String::as_str));
        let text = failure(&words);
        assert!(text.starts_with(&format!("respq: {expected}")), "{text}");
    }
}

#[test]
fn a_handshake_that_does_not_end_is_given_up() {
    let server = Certificates::new().start(&[]);
    let mut silent = server.raw();
    let mut slow = server.raw();
    slow.send(&[22, 3, 1]);
    silent.read_to_end();
    slow.read_to_end();
}
