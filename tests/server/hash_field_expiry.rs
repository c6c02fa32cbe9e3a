//! Hash fields that expire.

use redis::Value;

use crate::harness::{Server, check, run, wait_until};

/// An instant far away, in seconds.
const FAR_S: &str = "33177117420";

#[test]
fn fields_expire_under_conditions() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("HSET h a 1 b 2 c 3", "3"),
            ("HEXPIREAT h 33177117420 FIELDS 2 a none", "[1 -2]"),
            ("HEXPIRETIME h FIELDS 3 a b none", "[33177117420 -1 -2]"),
            ("HPEXPIRETIME h FIELDS 1 a", "[33177117420000]"),
            ("HPEXPIREAT h 33177117421000 NX FIELDS 2 a b", "[0 1]"),
            ("HPEXPIREAT h 33177117422000 XX FIELDS 2 a c", "[1 0]"),
            ("HPEXPIREAT h 33177117421000 GT FIELDS 3 a b c", "[0 0 0]"),
            ("HPEXPIREAT h 33177117423000 GT FIELDS 1 a", "[1]"),
            ("HPEXPIREAT h 33177117420000 LT FIELDS 3 a b c", "[1 1 1]"),
            ("HPEXPIRETIME h FIELDS 3 a b c", "[33177117420000 33177117420000 33177117420000]"),
            ("HPERSIST h FIELDS 2 a none", "[1 -2]"),
            ("HPERSIST h FIELDS 1 a", "[-1]"),
            ("HSET h b 2", "0"),
            ("HTTL h FIELDS 1 b", "[-1]"),
            ("HINCRBY h c 1", "4"),
            ("HINCRBYFLOAT h c 0.5", r#""4.5""#),
            ("HINCRBYFLOAT h c -0.5", r#""4""#),
            ("HEXPIRETIME h FIELDS 1 c", "[33177117420]"),
            ("HEXPIRE h 0 FIELDS 2 a none", "[2 -2]"),
            ("HPEXPIRE h 0 FIELDS 1 b", "[2]"),
            ("HGETALL h", r#"["c" "4"]"#),
            ("HEXPIREAT h 1 FIELDS 1 c", "[2]"),
            ("HLEN h", "0"),
            ("HEXPIRE none 5 FIELDS 2 a b", "[-2 -2]"),
            ("HTTL none FIELDS 1 a", "[-2]"),
            ("HPTTL none FIELDS 1 a", "[-2]"),
            ("HPERSIST none FIELDS 1 a", "[-2]"),
        ],
    );
}

#[test]
fn values_are_exchanged_with_expiry() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("HSETEX h EXAT 33177117420 FIELDS 2 a 1 b 2", "1"),
            ("HEXPIRETIME h FIELDS 2 a b", "[33177117420 33177117420]"),
            ("HSETEX h FNX FIELDS 2 b x c x", "0"),
            ("HSETEX h FXX FIELDS 2 b x c x", "0"),
            ("HSETEX h FXX KEEPTTL FIELDS 1 b 3", "1"),
            ("HEXPIRETIME h FIELDS 1 b", "[33177117420]"),
            ("HSETEX h FIELDS 1 b 4", "1"),
            ("HTTL h FIELDS 1 b", "[-1]"),
            ("HSETEX none FXX FIELDS 1 a x", "0"),
            ("HGETEX h FIELDS 2 a none", r#"["1" nil]"#),
            ("HGETEX h PXAT 33177117421000 FIELDS 1 b", r#"["4"]"#),
            ("HEXPIRETIME h FIELDS 2 a b", "[33177117420 33177117421]"),
            ("HGETEX h PERSIST FIELDS 2 a b", r#"["1" "4"]"#),
            ("HTTL h FIELDS 2 a b", "[-1 -1]"),
            ("HGETEX none EX 5 FIELDS 1 a", "[nil]"),
            ("HSET h c 3 d 4", "2"),
            ("HGETDEL h FIELDS 3 a none a", r#"["1" nil nil]"#),
            ("HGETDEL none FIELDS 1 a", "[nil]"),
            ("HGETEX h EXAT 1 FIELDS 1 b", r#"["4"]"#),
            ("HSETEX h PXAT 1 FIELDS 2 c x e x", "1"),
            ("HGETALL h", r#"["d" "4"]"#),
            ("HGETDEL h FIELDS 1 d", r#"["4"]"#),
            ("HLEN h", "0"),
        ],
    );
}

#[test]
fn bad_times_fields_and_options_are_refused() {
    let server = Server::start(&[]);
    let wrong_type = "(WRONGTYPE Operation against a key holding the wrong kind of value)";
    let no_fields = "(ERR Mandatory argument FIELDS is missing or not at the right position)";
    let mismatch = "(ERR The `numfields` parameter must match the number of arguments)";
    let too_few = "(ERR Parameter `numFields` should be greater than 0)";
    let one_only = "(ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified)";
    check(
        &mut server.client(),
        &[
            ("SET s x", "OK"),
            ("HSET h a 1", "1"),
            ("HEXPIRE s 5 FIELDS 1 a", wrong_type),
            ("HTTL s FIELDS 1 a", wrong_type),
            ("HGETDEL s FIELDS 1 a", wrong_type),
            ("HGETEX s FIELDS 1 a", wrong_type),
            ("HSETEX s FIELDS 1 a 1", wrong_type),
            ("HEXPIRE h 5 FIELDS 1", "(ERR wrong number of arguments for 'hexpire' command)"),
            ("HEXPIRE h 5 FIELD 1 a", no_fields),
            ("HEXPIRE h 5 NX XX FIELDS 1 a", no_fields),
            ("HEXPIRE h 5 FIELDS 0 a", too_few),
            ("HEXPIRE h 5 FIELDS x a", too_few),
            ("HEXPIRE h 5 FIELDS 2 a", mismatch),
            ("HEXPIRE h 5 FIELDS 1 a b", mismatch),
            ("HEXPIRE h x FIELDS 1 a", "(ERR value is not an integer or out of range)"),
            ("HEXPIRE h -1 FIELDS 1 a", "(ERR invalid expire time, must be >= 0)"),
            (
                "HEXPIRE h 9223372036854775807 FIELDS 1 a",
                "(ERR invalid expire time in 'hexpire' command)",
            ),
            ("HTTL h FIELDS 0 a", "(ERR Number of fields must be a positive integer)"),
            ("HTTL h FIELDS 2 a", mismatch),
            ("HSETEX h EX 5 KEEPTTL FIELDS 1 a 1", one_only),
            (
                "HSETEX h FNX FXX FIELDS 1 a 1",
                "(ERR Only one of FXX or FNX arguments can be specified)",
            ),
            ("HSETEX h PERSIST FIELDS 1 a 1", "(ERR unknown argument)"),
            ("HSETEX h FIELDS 2 a 1", mismatch),
            ("HGETEX h KEEPTTL FIELDS 1 a", "(ERR unknown argument)"),
            (
                "HGETEX h EX 0 PX 1 FIELDS 1 a",
                "(ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified)",
            ),
            ("HGETALL h", r#"["a" "1"]"#),
        ],
    );
}

#[test]
fn fields_expire_even_if_nobody_asks() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("HSET h a 1 b 2", "2"), ("HPEXPIRE h 1 FIELDS 2 a b", "[1 1]")]);
    wait_until(|| run::<i64>(client, "DBSIZE") == 0);
}

#[test]
fn times_to_live_survive_a_restart() {
    let mut server = Server::start(&[]);
    let client = &mut server.client();
    run::<Value>(client, &format!("HSETEX h EXAT {FAR_S} FIELDS 3 a 1 b 2 c 3"));
    run::<Value>(client, &format!("HEXPIREAT h {FAR_S} FIELDS 1 a"));
    check(client, &[("HPERSIST h FIELDS 1 b", "[1]"), ("HSET h gone x kept x", "2")]);
    check(client, &[("HPEXPIRE h 1 FIELDS 1 gone", "[1]")]);
    wait_until(|| run::<i64>(client, "HLEN h") == 4);
    run::<Value>(client, "HSETEX h FXX KEEPTTL FIELDS 1 c 3.5");
    run::<Value>(client, "HINCRBYFLOAT h c 0.5");
    for _ in 0..2 {
        assert!(server.stop());
        server.start_again();
        check(
            &mut server.client(),
            &[
                ("HEXPIRETIME h FIELDS 4 a b c gone", "[33177117420 -1 33177117420 -2]"),
                ("HGETALL h", r#"["a" "1" "b" "2" "c" "4" "kept" "x"]"#),
            ],
        );
    }
}
