//! Where a client comes from.

use std::net::{SocketAddr, SocketAddrV4};

/// Where a client comes from and what it reached.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    place: Place,
    /// The number of its file descriptor.
    pub(crate) fd: i32,
}

/// The two ends of a connection; the most usual ones stand here themselves.
#[derive(Clone, Debug, Default)]
enum Place {
    /// In this process.
    #[default]
    Inside,
    Ip(Box<[SocketAddr; 2]>),
    Ipv4(SocketAddrV4, SocketAddrV4),
    /// A socket of the file system.
    Path(Box<Box<str>>),
}

impl Peer {
    /// A client from `address` that has reached `local_address`.
    pub(crate) fn of_network(address: SocketAddr, local_address: SocketAddr, fd: i32) -> Self {
        let place = match (address, local_address) {
            (SocketAddr::V4(address), SocketAddr::V4(local)) => Place::Ipv4(address, local),
            ends => Place::Ip(Box::new(ends.into())),
        };
        Self { place, fd }
    }

    /// A client that came over the socket at `path` of the file system.
    pub(crate) fn of_file_system(path: &str, fd: i32) -> Self {
        Self { place: Place::Path(Box::new(path.into())), fd }
    }

    /// Where it comes from: `ip:port`, or a socket's path and `:0`.
    pub(crate) fn address(&self) -> String {
        match &self.place {
            Place::Inside => String::new(),
            Place::Ip(ends) => ends[0].to_string(),
            Place::Ipv4(address, _) => address.to_string(),
            Place::Path(path) => format!("{path}:0"),
        }
    }

    /// What it has reached, in the same form.
    pub(crate) fn local_address(&self) -> String {
        match self.local_ip() {
            Some(address) => address.to_string(),
            None => self.address(),
        }
    }

    /// What it has reached over the network, if it came that way.
    pub(crate) fn local_ip(&self) -> Option<SocketAddr> {
        match &self.place {
            Place::Ip(ends) => Some(ends[1]),
            Place::Ipv4(_, local) => Some((*local).into()),
            Place::Inside | Place::Path(_) => None,
        }
    }

    /// Did it come over a socket of the file system?
    pub(crate) fn is_local_socket(&self) -> bool {
        matches!(self.place, Place::Path(_))
    }

    /// Where it comes from, as MONITOR shows it.
    pub(crate) fn origin(&self) -> String {
        match &self.place {
            Place::Path(path) => format!("unix:{path}"),
            Place::Inside | Place::Ip(_) | Place::Ipv4(..) => self.address(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(peer: &Peer) -> [String; 3] {
        [peer.address(), peer.local_address(), peer.origin()]
    }

    #[test]
    fn ends_are_shown_as_in_redis() {
        let ip = |ends: [&str; 2]| {
            let [address, local] = ends.map(|end| end.parse().unwrap());
            Peer::of_network(address, local, 7)
        };
        let v4 = ip(["127.0.0.1:7001", "127.0.0.1:6379"]);
        assert_eq!(shown(&v4), ["127.0.0.1:7001", "127.0.0.1:6379", "127.0.0.1:7001"]);
        let v6 = ip(["[::1]:7001", "[::1]:6379"]);
        assert_eq!(shown(&v6), ["[::1]:7001", "[::1]:6379", "[::1]:7001"]);
        let path = Peer::of_file_system("/run/respq", 7);
        assert_eq!(shown(&path), ["/run/respq:0", "/run/respq:0", "unix:/run/respq"]);
        assert_eq!(shown(&Peer::default()), ["", "", ""]);
    }

    #[test]
    fn it_takes_little() {
        assert!(size_of::<Peer>() <= 24);
    }
}
