//! Settings of connections.

use super::super::text;
use super::{COUNT, INT, Kind, Row, Setting, TLS_AUTH_CLIENTS, number, row};

pub(super) const ROWS: &[Row] = &[
    row(
        Setting::Bind,
        "bind",
        Kind::Text,
        "127.0.0.1 -::1",
        "Addresses to listen on; one behind a minus sign may be missing.",
    )
    .at_start()
    .accepting(text::words),
    row(
        Setting::ClientDefaultResp,
        "client-default-resp",
        number(2, 3),
        "2",
        "The version of the protocol in which clients are answered until HELLO chooses one.",
    )
    .at_start()
    .hidden(),
    row(
        Setting::ClientOutputBufferLimit,
        "client-output-buffer-limit",
        Kind::Text,
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        "Replies that may pile up for a class of clients: at most, and at most for so many seconds.",
    )
    .accepting(text::output_buffer_limits),
    row(
        Setting::ClientQueryBufferLimit,
        "client-query-buffer-limit",
        Kind::Bytes { min: 1024 * 1024, max: i64::MAX },
        "1073741824",
        "Bytes that a client may send ahead of what was run.",
    ),
    row(
        Setting::ClusterAnnounceIp,
        "cluster-announce-ip",
        Kind::Text,
        "",
        "The address at which clients of the cluster find it; none: the one they have reached.",
    ),
    row(
        Setting::ClusterAnnouncePort,
        "cluster-announce-port",
        number(0, 65535),
        "0",
        "The port at which clients of the cluster find it; 0: the one they have reached.",
    ),
    row(
        Setting::ClusterAnnounceTlsPort,
        "cluster-announce-tls-port",
        number(0, 65535),
        "0",
        "The same for encrypted connections.",
    ),
    row(
        Setting::ClusterConfigFile,
        "cluster-config-file",
        Kind::Text,
        "nodes.conf",
        "The file, in the folder for all data, in which a cluster keeps the names of its node.",
    )
    .at_start(),
    row(
        Setting::ClusterEnabled,
        "cluster-enabled",
        Kind::Flag,
        "no",
        "Be a cluster of one node, which holds all slots.",
    )
    .at_start(),
    row(
        Setting::Threads,
        "io-threads",
        number(0, 128),
        "0",
        "Threads that serve clients; 0: one for each core but one.",
    )
    .at_start(),
    row(
        Setting::MaxClients,
        "maxclients",
        number(1, u32::MAX as i64),
        "10000",
        "Most clients at a time.",
    ),
    row(
        Setting::MaxMemoryClients,
        "maxmemory-clients",
        Kind::Text,
        "0",
        "Memory that all clients may take, in bytes or as a share of maxmemory; 0: any.",
    )
    .accepting(text::bytes_or_percent),
    row(
        Setting::Port,
        "port",
        number(0, 65535),
        "6379",
        "The TCP port; 0: none, or any that is free if there is no other way in.",
    )
    .at_start(),
    row(
        Setting::ProtectedMode,
        "protected-mode",
        Kind::Flag,
        "yes",
        "Without a password, serve clients of this machine only.",
    ),
    row(
        Setting::ProtoMaxBulkLen,
        "proto-max-bulk-len",
        Kind::Bytes { min: 1024 * 1024, max: i64::MAX },
        "536870912",
        "Longest argument of a command.",
    ),
    row(
        Setting::RequirePass,
        "requirepass",
        Kind::Text,
        "",
        "The password that AUTH must give; none: no AUTH is needed.",
    ),
    row(
        Setting::TcpBacklog,
        "tcp-backlog",
        INT,
        "511",
        "Connections that may wait to be accepted.",
    )
    .at_start(),
    row(
        Setting::TcpKeepalive,
        "tcp-keepalive",
        INT,
        "300",
        "Seconds after which a silent peer is probed; 0: never.",
    ),
    row(
        Setting::Timeout,
        "timeout",
        INT,
        "0",
        "Seconds after which an idle client is disconnected; 0: never.",
    ),
    row(
        Setting::TlsAuthClients,
        "tls-auth-clients",
        Kind::Word(TLS_AUTH_CLIENTS),
        "yes",
        "Must encrypted clients show a certificate that the tls-ca-cert settings vouch for?",
    ),
    row(
        Setting::TlsCaCertDir,
        "tls-ca-cert-dir",
        Kind::Text,
        "",
        "A folder of certificates (PEM) that vouch for those of clients.",
    ),
    row(
        Setting::TlsCaCertFile,
        "tls-ca-cert-file",
        Kind::Text,
        "",
        "Certificates (PEM) that vouch for those of clients.",
    ),
    row(
        Setting::TlsCertFile,
        "tls-cert-file",
        Kind::Text,
        "",
        "The certificate (PEM) of this server, and those between it and the one that is trusted.",
    ),
    row(
        Setting::TlsCiphers,
        "tls-ciphers",
        Kind::Text,
        "",
        "Ciphers of TLS 1.2 by the names of OpenSSL, with colons between them; none: all.",
    ),
    row(
        Setting::TlsCiphersuites,
        "tls-ciphersuites",
        Kind::Text,
        "",
        "Ciphers of TLS 1.3, with colons between them; none: all.",
    ),
    row(
        Setting::TlsKeyFile,
        "tls-key-file",
        Kind::Text,
        "",
        "The private key (PEM, not encrypted) of this server.",
    ),
    row(
        Setting::TlsPort,
        "tls-port",
        number(0, 65535),
        "0",
        "The TCP port for encrypted connections; 0: none.",
    )
    .at_start(),
    row(
        Setting::TlsPreferServerCiphers,
        "tls-prefer-server-ciphers",
        Kind::Flag,
        "no",
        "Choose among the ciphers of a client by this server's order.",
    ),
    row(
        Setting::TlsProtocols,
        "tls-protocols",
        Kind::Text,
        "",
        "TLSv1.2, TLSv1.3, or both; none: both.",
    ),
    row(
        Setting::TlsSessionCacheSize,
        "tls-session-cache-size",
        INT,
        "20480",
        "Sessions that encrypted clients may resume; 0: as many as by default.",
    ),
    row(
        Setting::TlsSessionCaching,
        "tls-session-caching",
        Kind::Flag,
        "yes",
        "May encrypted clients resume a session?",
    ),
    row(
        Setting::TrackingTableMaxKeys,
        "tracking-table-max-keys",
        COUNT,
        "1000000",
        "Keys that are remembered for clients which cache them; 0: any number.",
    ),
    row(
        Setting::UnixSocket,
        "unixsocket",
        Kind::Text,
        "",
        "The path of a socket in the file system; none: there is none.",
    )
    .at_start(),
    row(
        Setting::UnixSocketPerm,
        "unixsocketperm",
        Kind::Octal,
        "0",
        "Who may use that socket, as for chmod; 0: as the system decides.",
    )
    .at_start(),
];
