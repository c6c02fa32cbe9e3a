//! Places on the earth.

use crate::harness::{Server, check, run};

/// A server with two towns of Sicily and two places around them.
fn sicily() -> Server {
    let server = Server::start(&[]);
    let members = "13.361389 38.115556 Palermo 15.087269 37.502669 Catania";
    let edges = "12.758489 38.788135 edge1 17.241510 38.788135 edge2";
    run::<()>(&mut server.client(), &format!("GEOADD Sicily {members} {edges}"));
    server
}

#[test]
fn members_have_places() {
    let server = sicily();
    check(
        &mut server.client(),
        &[
            ("ZSCORE Sicily Palermo", r#""3479099956230698""#),
            (
                "GEOPOS Sicily Palermo none",
                r#"[["13.36138933897018433" "38.11555639549629859"] nil]"#,
            ),
            ("GEOPOS Sicily", "[]"),
            ("GEOPOS none a", "[nil]"),
            ("GEOHASH Sicily Palermo Catania none", r#"["sqc8b49rny0" "sqdtr74hyu0" nil]"#),
            ("GEODIST Sicily Palermo Catania", r#""166274.1516""#),
            ("GEODIST Sicily Palermo Catania km", r#""166.2742""#),
            ("GEODIST Sicily Palermo Catania MI", r#""103.3182""#),
            ("GEODIST Sicily Palermo Catania ft", r#""545518.8700""#),
            ("GEODIST Sicily Palermo Palermo", r#""0.0000""#),
            ("GEODIST Sicily Palermo none", "nil"),
            ("GEODIST none a b", "nil"),
            (
                "GEODIST Sicily a b miles",
                "(ERR unsupported unit provided. please use M, KM, FT, MI)",
            ),
            ("GEODIST Sicily a b m x", "(ERR syntax error)"),
        ],
    );
}

#[test]
fn additions() {
    let server = Server::start(&[]);
    check(
        &mut server.client(),
        &[
            ("GEOADD g 1 1 a", "1"),
            ("GEOADD g NX 2 2 a 2 2 b", "1"),
            ("GEOADD g XX CH 2 2 a 3 3 c", "1"),
            ("GEOADD g CH 2 2 a", "0"),
            ("GEOADD g 1 1", "(ERR wrong number of arguments for 'geoadd' command)"),
            ("GEOADD g 1 1 a 2", "(ERR syntax error)"),
            ("GEOADD g NX XX 1 1 a", "(ERR syntax error)"),
            ("GEOADD g x 1 a", "(ERR value is not a valid float)"),
            ("GEOADD g 181 1 a", "(ERR invalid longitude,latitude pair 181.000000,1.000000)"),
            ("GEOADD g 1 -86.5 a", "(ERR invalid longitude,latitude pair 1.000000,-86.500000)"),
            ("GEOADD g GT 1 1 a", "(ERR syntax error)"),
            ("ZCARD g", "2"),
        ],
    );
}

#[test]
fn searches() {
    let server = sicily();
    check(
        &mut server.client(),
        &[
            ("GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km ASC", r#"["Catania" "Palermo"]"#),
            (
                "GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km DESC WITHDIST",
                r#"[["edge1" "279.7405"] ["edge2" "279.7403"] ["Palermo" "190.4424"] ["Catania" "56.4413"]]"#,
            ),
            (
                "GEOSEARCH Sicily FROMMEMBER Palermo BYRADIUS 100 km WITHHASH WITHCOORD COUNT 1",
                r#"[["Palermo" 3479099956230698 ["13.36138933897018433" "38.11555639549629859"]]]"#,
            ),
            ("GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1", r#"["Catania"]"#),
            ("GEOSEARCH Sicily FROMLONLAT 0 0 BYRADIUS 1 m", "[]"),
            ("GEOSEARCH none FROMMEMBER a BYRADIUS 1 m", "[]"),
            ("GEORADIUS Sicily 15 37 200 km DESC", r#"["Palermo" "Catania"]"#),
            ("GEORADIUS_RO Sicily 15 37 100 km WITHDIST", r#"[["Catania" "56.4413"]]"#),
            ("GEORADIUSBYMEMBER Sicily Palermo 1 m", r#"["Palermo"]"#),
            ("GEORADIUSBYMEMBER_RO Sicily Palermo 200 km ASC", r#"["Palermo" "edge1" "Catania"]"#),
            ("GEORADIUSBYMEMBER none a x y", "[]"),
        ],
    );
}

#[test]
fn searches_refuse_what_makes_no_sense() {
    let server = sicily();
    check(
        &mut server.client(),
        &[
            (
                "GEOSEARCH Sicily BYRADIUS 1 m ASC COUNT 1",
                "(ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH)",
            ),
            (
                "geosearch Sicily FROMLONLAT 1 1 ASC COUNT 1",
                "(ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch)",
            ),
            (
                "GEOSEARCH Sicily FROMLONLAT 1 1 FROMMEMBER Palermo BYRADIUS 1 m",
                "(ERR syntax error)",
            ),
            ("GEOSEARCH Sicily FROMLONLAT 1 1 BYRADIUS 1 m BYBOX 1 1 m", "(ERR syntax error)"),
            (
                "GEOSEARCH Sicily FROMMEMBER none BYRADIUS 1 m",
                "(ERR could not decode requested zset member)",
            ),
            ("GEORADIUS Sicily 1 1 -1 m", "(ERR radius cannot be negative)"),
            ("GEORADIUS Sicily 1 1 x m", "(ERR need numeric radius)"),
            ("GEORADIUS Sicily 1 1 1 m COUNT 0", "(ERR COUNT must be > 0)"),
            ("GEORADIUS Sicily 1 1 1 m ANY", "(ERR the ANY argument requires COUNT argument)"),
            ("GEORADIUS_RO Sicily 1 1 1 m STORE d", "(ERR syntax error)"),
            ("GEOSEARCH Sicily FROMLONLAT 1 1 BYBOX x 1 m", "(ERR need numeric width)"),
            ("GEOSEARCH Sicily FROMLONLAT 1 1 BYBOX 1 x m", "(ERR need numeric height)"),
            (
                "GEOSEARCH Sicily FROMLONLAT 1 1 BYBOX 1 -1 m",
                "(ERR height or width cannot be negative)",
            ),
            (
                "GEORADIUS Sicily 1 1 1 m STORE d WITHDIST",
                "(ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and \
                 WITHCOORD options)",
            ),
            (
                "GEOSEARCHSTORE d Sicily FROMLONLAT 1 1 BYRADIUS 1 m WITHDIST",
                "(ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD \
                 options)",
            ),
            ("GEOSEARCHSTORE d Sicily FROMLONLAT 1 1 BYRADIUS 1 m STORE d", "(ERR syntax error)"),
        ],
    );
}

#[test]
fn results_are_stored() {
    let server = sicily();
    check(
        &mut server.client(),
        &[
            ("GEOSEARCHSTORE d Sicily FROMLONLAT 15 37 BYRADIUS 200 km", "2"),
            ("ZRANGE d 0 -1", r#"["Palermo" "Catania"]"#),
            ("GEOSEARCHSTORE d Sicily FROMMEMBER Palermo BYBOX 1 1 km STOREDIST", "1"),
            ("ZRANGE d 0 -1 WITHSCORES", r#"["Palermo" "0"]"#),
            ("GEORADIUS Sicily 15 37 200 km STORE d", "2"),
            ("GEORADIUSBYMEMBER Sicily Palermo 200 km COUNT 1 STOREDIST d", "1"),
            ("ZRANGE d 0 -1 WITHSCORES", r#"["Palermo" "0"]"#),
            ("GEORADIUS Sicily 0 0 1 m STORE d", "0"),
            ("EXISTS d", "0"),
            ("SET s x", "OK"),
            (
                "GEOSEARCHSTORE d s FROMLONLAT 1 1 BYRADIUS 1 m",
                "(WRONGTYPE Operation against a key holding the wrong kind of value)",
            ),
        ],
    );
}

#[test]
fn scores_that_no_place_has_are_places_as_in_redis() {
    let server = Server::start(&[]);
    let client = &mut server.client();
    check(client, &[("ZADD g 1e300 a -1e300 b -1 c 9223372036854775808 d", "4")]);
    let (west, east) = ("-179.99999731779098511", "180");
    let (south, north) = ("-85.05112751263942528", "85.0511287799999991");
    for (member, longitude, latitude) in
        [("a", west, south), ("b", east, south), ("c", east, north), ("d", east, south)]
    {
        let place = format!("[[\"{longitude}\" \"{latitude}\"]]");
        check(client, &[(&format!("GEOPOS g {member}"), &place)]);
    }
}
