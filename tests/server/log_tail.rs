//! What a crash may leave at the end of the log, and beside it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use crate::harness::{Server, check, run};

fn log(server: &Server) -> PathBuf {
    server.dir().join("appendonlydir/appendonly.aof.1.incr.aof")
}

fn append(server: &Server, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().append(true).open(log(server)).unwrap();
    file.write_all(bytes).unwrap();
}

/// Some file systems have a file's new size before its new bytes when the power fails.
#[test]
fn zeros_at_the_end_do_not_become_part_of_a_value() {
    for policy in ["always", "everysec"] {
        for whole in [
            "*3\r\n$5\r\nRPUSH\r\n$1\r\nq\r\n$9\r\nsome",
            "*4\r\n$5\r\nRPUSH\r\n$1\r\nq\r\n$9\r\nsome",
            "*3\r\n$5\r\nRPUSH\r\n$1\r\nq\r\n$",
            "*3\r\n$5\r\nRP",
            "",
        ] {
            let mut server = Server::start(&["--appendfsync", policy]);
            check(&mut server.client(), &[("RPUSH q one", "1"), ("RPUSH q two", "2")]);
            assert!(server.stop());
            append(&server, &[whole.as_bytes(), &[0; 5000]].concat());
            server.start_again();
            check(&mut server.client(), &[("LRANGE q 0 -1", "[\"one\" \"two\"]")]);
            check(&mut server.client(), &[("RPUSH q three", "3")]);
            server.kill();
            server.start_again();
            let found: Vec<String> = run(&mut server.client(), "LRANGE q 0 -1");
            assert_eq!(found, ["one", "two", "three"], "{policy} {whole:?}");
        }
    }
}

/// The first start of a log begins with the snapshot file, and with nothing that a start that came
/// to no end has left.
#[test]
fn an_increment_that_no_manifest_knows_is_not_loaded() {
    let mut server = Server::start(&["--appendonly", "no"]);
    check(&mut server.client(), &[("RPUSH q one two", "2"), ("SAVE", "OK")]);
    server.kill();
    fs::create_dir_all(server.dir().join("appendonlydir")).unwrap();
    fs::write(log(&server), "*2\r\n$3\r\nDEL\r\n$1\r\nq\r\n").unwrap();
    server.start_again_with(&["--appendonly", "yes"]);
    check(&mut server.client(), &[("LLEN q", "2")]);
    server.kill();
    server.start_again();
    check(&mut server.client(), &[("LLEN q", "2"), ("RPUSH q three", "3")]);
    server.kill();
    server.start_again();
    check(&mut server.client(), &[("LLEN q", "3")]);
}
