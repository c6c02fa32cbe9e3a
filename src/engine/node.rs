//! The names of this server as a node of a cluster, which it keeps in a file of its own.
//!
//! The file has the form of Redis' `nodes.conf`: a line for each node, of which this one is
//! `myself`. So a folder that redis-server has used goes on under its name, and the other way
//! round.

use std::io::Write;
use std::path::Path;

use super::Engine;
use crate::aof::folder::{TEMPORARY, install};
use crate::command::Services;
use crate::config::Setting;
use crate::error::ServerError;
use crate::observe::NodeNames;

/// Digits of a name.
const NAME_CHARS: usize = 40;

impl Engine {
    /// Takes the names from the file in the data folder `dir`, or makes that file.
    pub(crate) fn load_node_names(&self, dir: &Path) -> Result<(), ServerError> {
        let services = &self.services;
        if !services.is_cluster() {
            return Ok(());
        }
        let path = dir.join(services.config.text(Setting::ClusterConfigFile));
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|error| ServerError::file("read", &path, error))?,
        };
        if text.is_empty() {
            return write(&path, services);
        }
        let names = names_in(&text, services.identity.node().shard_id).ok_or_else(|| {
            let path = path.display();
            ServerError::Usage(format!(
                "{path} does not say which node this is (cluster-config-file)"
            ))
        })?;
        services.identity.is_node(names);
        Ok(())
    }
}

/// The names of the node that is `myself`; one of the shard in place of `shard_id` where that is
/// told.
fn names_in(text: &str, shard_id: String) -> Option<NodeNames> {
    let is_name = |word: &&str| {
        word.len() == NAME_CHARS && word.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    let mut nodes = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let node = nodes.find(|words| {
        words.get(2).is_some_and(|flags| flags.split(',').any(|flag| flag == "myself"))
    })?;
    let told = node[1].split(',').find_map(|field| field.strip_prefix("shard-id="));
    Some(NodeNames {
        node_id: node.first().filter(|word| is_name(word))?.to_string(),
        shard_id: told.filter(is_name).map_or(shard_id, str::to_owned),
    })
}

fn write(path: &Path, services: &Services) -> Result<(), ServerError> {
    let NodeNames { node_id, shard_id } = services.identity.node();
    let port = services.config.number(Setting::Port);
    let text = format!(
        "{node_id} :{port}@0,,shard-id={shard_id} myself,master - 0 0 0 connected 0-16383\n\
         vars currentEpoch 0 lastVoteEpoch 0\n"
    );
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!("{TEMPORARY}{name}"));
    std::fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|error| ServerError::file("write", &temporary, error))?;
    install(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_redis_is_read() {
        let [id, other, shard] = ["07", "b1", "cc"].map(|two| two.repeat(20));
        let text = format!(
            "{other} 127.0.0.1:7001@17001,,shard-id={other} slave {id} 0 1 1 connected\n\
             {id} 127.0.0.1:7000@17000,,tls-port=0,shard-id={shard} myself,master - 0 0 2 \
             connected 0-16383\nvars currentEpoch 2 lastVoteEpoch 0\n"
        );
        let names = |node_id: &str, shard_id: &str| NodeNames {
            node_id: node_id.to_owned(),
            shard_id: shard_id.to_owned(),
        };
        assert_eq!(names_in(&text, String::new()), Some(names(&id, &shard)));
        let old = format!("{id} :0@0 myself,master - 0 0 0 connected\n");
        assert_eq!(names_in(&old, other.clone()), Some(names(&id, &other)));
        for text in ["", "vars currentEpoch 0\n", "abc :0@0 myself,master - 0 0 0 connected\n"] {
            assert_eq!(names_in(text, String::new()), None, "{text}");
        }
    }
}
