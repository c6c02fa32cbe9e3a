//! What expressions in Lua give, as scripts see them.

use crate::script::Vm;

fn push_digits(mut digits: String, byte: u8) -> String {
    use std::fmt::Write;
    write!(digits, "{byte:02x}").expect("a string takes any text");
    digits
}

/// The text of each expression: of strings, their bytes in hexadecimal digits if `is_hex`.
fn check(is_hex: bool, rows: &[(&str, &str)]) {
    let vm = Vm::default();
    for &(expression, expected) in rows {
        let code = format!("return tostring({expression})");
        let function = vm.chunk(code.as_bytes(), "@user_script").expect(expression);
        let shown = match function.call::<mlua::LuaString>(()) {
            Ok(text) if is_hex => text.as_bytes().iter().copied().fold(String::new(), push_digits),
            Ok(text) => text.to_string_lossy(),
            Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
        };
        assert!(shown == expected || shown.ends_with(&format!(": {expected}")), "{code}: {shown}");
    }
}

#[test]
fn json_is_written() {
    check(
        false,
        &[
            ("cjson.encode({1, 2, 3})", "[1,2,3]"),
            ("cjson.encode({a = {}})", r#"{"a":{}}"#),
            ("cjson.encode({a = {1, 'b/', {c = false}}})", r#"{"a":[1,"b\/",{"c":false}]}"#),
            ("cjson.encode({-1, 0.5, 2^53, 1e14})", "[-1,0.5,9.007199254741e+15,1e+14]"),
            ("cjson.encode({1, a = 2})", r#"{"1":1,"a":2}"#),
            ("cjson.encode({('x'):rep(5000)}):len()", "5004"),
            ("cjson.encode({0/0})", "Cannot serialise number: must not be NaN or Inf"),
            ("cjson.encode({tostring})", "Cannot serialise function: type not supported"),
            ("cjson.encode({}, 1)", "bad argument #1 to 'encode' (expected 1 argument)"),
            ("cjson.encode({true, false, cjson.null})", "[true,false,null]"),
            ("cjson.encode('a\"\\n/\\0')", r#""a\"\n\/\u0000""#),
            ("cjson.encode(0.1)", "0.1"),
            ("cjson.encode(1e15)", "1e+15"),
            ("cjson.encode({[3] = 'x'})", r#"[null,null,"x"]"#),
            ("cjson.encode(0/0)", "Cannot serialise number: must not be NaN or Inf"),
            ("cjson.encode(none)", "Script attempted to access nonexistent global variable 'none'"),
            ("cjson.encode(tostring)", "Cannot serialise function: type not supported"),
            (
                "cjson.encode_number_precision(3) .. cjson.encode({12345, 999, 1000, -999, -1000})",
                "3[1.23e+04,999,1e+03,-999,-1e+03]",
            ),
            ("cjson.encode({[12345.5] = 123456})", r#"{"1.23e+04":1.23e+05}"#),
            ("cjson.encode(12345)", "1.23e+04"),
            (
                "cjson.encode_number_precision(1) .. cjson.encode({9, 10, -9, 15})",
                "1[9,1e+01,-9,2e+01]",
            ),
            (
                "cjson.encode_number_precision(14) .. cjson.encode({1e14 - 1, 1 - 1e14, -1e14})",
                "14[99999999999999,-99999999999999,-1e+14]",
            ),
        ],
    );
}

#[test]
fn json_is_read() {
    check(
        false,
        &[
            ("cjson.decode('[1,[2,3]]')[2][1]", "2"),
            ("cjson.decode('{\"a\":\"\\\\u00e9\"}').a", "\u{e9}"),
            ("cjson.decode('[null]')[1] == cjson.null", "true"),
            ("cjson.decode(' 0x10 ')", "16"),
            ("cjson.decode('1e3')", "1000"),
            ("cjson.decode('[1,')", "Expected value but found T_END at character 4"),
            (
                "cjson.decode('[1 2]')",
                "Expected comma or array end but found T_NUMBER at character 4",
            ),
            ("cjson.decode('nope')", "Expected value but found invalid token at character 1"),
            ("cjson.decode()", "bad argument #1 to 'decode' (expected 1 argument)"),
        ],
    );
}

#[test]
fn messages_are_packed() {
    check(
        true,
        &[
            ("cmsgpack.pack(1)", "01"),
            ("cmsgpack.pack(-1, -33)", "ffd0df"),
            ("cmsgpack.pack(128, 256, 65536)", "cc80cd0100ce00010000"),
            ("cmsgpack.pack(4294967296)", "cf0000000100000000"),
            ("cmsgpack.pack(0.5)", "ca3f000000"),
            ("cmsgpack.pack(0.1)", "cb3fb999999999999a"),
            ("cmsgpack.pack(nil, true, false)", "c0c3c2"),
            ("cmsgpack.pack('abc')", "a3616263"),
            ("cmsgpack.pack({1, {a = 2}})", "920181a16102"),
            ("cmsgpack.pack({})", "90"),
        ],
    );
    check(
        false,
        &[
            ("cmsgpack.unpack('\\146\\1\\162hi')[2]", "hi"),
            ("cmsgpack.unpack('\\129\\161a\\147\\205\\1\\2\\192\\208\\254').a[1]", "258"),
            ("cmsgpack.unpack('\\129\\161a\\147\\205\\1\\2\\192\\208\\254').a[3]", "-2"),
            ("cmsgpack.unpack('\\130\\161a\\1\\161a\\2').a", "2"),
            ("cmsgpack.unpack('\\130\\161a\\192\\7\\202\\63\\0\\0\\0')[7]", "0.5"),
            ("#cmsgpack.unpack('\\218\\3\\232' .. ('x'):rep(1000))", "1000"),
            ("cmsgpack.unpack('\\195')", "true"),
            ("type(cmsgpack.unpack('\\144'))", "table"),
            ("select('#', cmsgpack.unpack('\\1\\2\\3'))", "3"),
            ("cmsgpack.unpack(7)", "55"),
            ("cmsgpack.unpack('\\211\\255\\255\\255\\255\\255\\255\\255\\254')", "-2"),
            ("cmsgpack.unpack_one('\\1\\2')", "1"),
            ("select(2, cmsgpack.unpack_limit('\\1\\2\\3', 1, 1))", "2"),
            ("cmsgpack.unpack('\\146\\1')", "Missing bytes in input."),
            ("cmsgpack.unpack('\\193')", "Bad data format in input."),
        ],
    );
}

#[test]
fn structures_are_packed() {
    check(
        true,
        &[
            ("struct.pack('>I2', 258)", "0102"),
            ("struct.pack('<I2', 258)", "0201"),
            ("struct.pack('b', -1)", "ff"),
            ("struct.pack('>d', 1)", "3ff0000000000000"),
            ("struct.pack('s', 'ab')", "616200"),
            ("struct.pack('c2', 'abc')", "6162"),
            ("struct.pack('>Bc0', 2, 'ab')", "026162"),
            ("struct.pack('!4>bI4', 1, 2)", "0100000000000002"),
        ],
    );
    check(
        false,
        &[
            ("struct.unpack('>I2', '\\1\\2')", "258"),
            ("select(2, struct.unpack('>I2', '\\1\\2'))", "3"),
            ("struct.unpack('<i2', '\\254\\255')", "-2"),
            ("struct.unpack('Bc0', '\\2abc')", "ab"),
            ("struct.unpack('s', 'ab\\0c')", "ab"),
            ("struct.size('>I2d')", "10"),
            ("struct.unpack('I4', 'abc')", "bad argument #2 to 'unpack' (data string too short)"),
            ("struct.pack('i33', 1)", "integral size 33 is larger than limit of 32"),
        ],
    );
}

/// A text may announce a long array at each level of nesting; room is made for what is there.
#[test]
fn what_is_only_announced_takes_no_memory() {
    let vm = Vm::default();
    let before = vm.figures().state_bytes;
    for head in ["\\221\\255\\255\\255\\255", "\\223\\255\\255\\255\\255\\1"] {
        let code = format!("cmsgpack.unpack(('{head}'):rep(100) .. ('\\192'):rep(1e6))");
        let function = vm.chunk(code.as_bytes(), "@user_script").expect("it compiles");
        assert!(function.call::<()>(()).is_err());
    }
    let taken = vm.figures().state_bytes.saturating_sub(before);
    assert!(taken < 64 << 20, "{taken}");
}
