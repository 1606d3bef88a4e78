//! Every text here was printed by ansible-core 2.19 for the same specification and arguments.

use serde_json::{Map, Value, json};

use super::*;
use crate::{Arg, Kind, Rule, Spec};

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not a mapping: {other}"),
    }
}

fn check(args: &'static [Arg], rules: &'static [Rule], given: Value, expected: Result<Value, &str>) {
    let spec = Spec { name: "m", args, rules, ..Spec::EMPTY };
    let answer = validate(&spec, map(given.clone())).map(Value::Object).map_err(|it| it.message);
    assert_eq!(answer, expected.map_err(str::to_owned), "{given}");
}

fn check_kind(args: &'static [Arg], cases: &[(Value, Result<Value, &str>)]) {
    for (given, expected) in cases {
        let expected = expected.clone().map(|value| json!({"a": value}));
        check(args, &[], json!({"a": given}), expected);
    }
}

#[test]
fn text() {
    const ARGS: &[Arg] = &[Arg::str("a", "").default("x")];
    check_kind(
        ARGS,
        &[
            (json!(1), Ok(json!("1"))),
            (json!(1.5), Ok(json!("1.5"))),
            (json!(true), Ok(json!("True"))),
            (json!(null), Ok(json!(""))),
            (json!(1e20), Ok(json!("1e+20"))),
            (json!({"a": null, "b": true}), Ok(json!("{'a': None, 'b': True}"))),
            (
                json!(["é", "it's", "a\nb", "\"", "'\"", 1.0, 1e16, 1e-5, 123_456_789.123]),
                Ok(json!("['é', \"it's\", 'a\\nb', '\"', '\\'\"', 1.0, 1e+16, 1e-05, 123456789.123]")),
            ),
        ],
    );
}

#[test]
fn int() {
    const ARGS: &[Arg] = &[Arg::int("a", "").required()];
    check_kind(
        ARGS,
        &[
            (json!("5"), Ok(json!(5))),
            (json!(" 5 "), Ok(json!(5))),
            (json!("5.0"), Ok(json!(5))),
            (json!(5.0), Ok(json!(5))),
            (json!("1_000"), Ok(json!(1000))),
            (json!("1e3"), Ok(json!(1000))),
            (json!("+5"), Ok(json!(5))),
            (
                json!(5.5),
                Err(
                    "argument 'a' is of type float and we were unable to convert to int: \"5.5\" cannot be converted to an int",
                ),
            ),
            (
                json!("x"),
                Err(
                    "argument 'a' is of type str and we were unable to convert to int: \"'x'\" cannot be converted to an int",
                ),
            ),
            (
                json!("0x10"),
                Err(
                    "argument 'a' is of type str and we were unable to convert to int: \"'0x10'\" cannot be converted to an int",
                ),
            ),
            (
                json!({"x": 1}),
                Err(
                    "argument 'a' is of type dict and we were unable to convert to int: \"{'x': 1}\" cannot be converted to an int",
                ),
            ),
            (
                json!(null),
                Err(
                    "argument 'a' is of type NoneType and we were unable to convert to int: \"None\" cannot be converted to an int",
                ),
            ),
        ],
    );
}

#[test]
fn float_and_bool() {
    const FLOAT: &[Arg] = &[Arg::float("a", "").required()];
    check_kind(
        FLOAT,
        &[
            (json!("1e3"), Ok(json!(1000.0))),
            (json!(5), Ok(json!(5.0))),
            (
                json!([1]),
                Err(
                    "argument 'a' is of type list and we were unable to convert to float: <class 'list'> cannot be converted to a float",
                ),
            ),
        ],
    );
    const BOOL: &[Arg] = &[Arg::bool("a", "").required()];
    for yes in [json!("yes"), json!("T"), json!("On"), json!(1), json!(1.0), json!(" yes "), json!(true)] {
        check_kind(BOOL, &[(yes, Ok(json!(true)))]);
    }
    for no in [json!("no"), json!("F"), json!("OFF"), json!(0), json!("0"), json!(false)] {
        check_kind(BOOL, &[(no, Ok(json!(false)))]);
    }
    let spec = Spec { name: "m", args: BOOL, ..Spec::EMPTY };
    let problem = validate(&spec, map(json!({"a": "maybe"}))).unwrap_err();
    assert!(problem.message.starts_with(
        "argument 'a' is of type str and we were unable to convert to bool: The value 'maybe' is not a valid boolean. Valid booleans include: "
    ));
    assert_eq!(problem.arg.as_deref(), Some("a"));
}

#[test]
fn list() {
    const ARGS: &[Arg] = &[Arg::list("a", "", Kind::Str).required()];
    check_kind(
        ARGS,
        &[
            (json!("a, b"), Ok(json!(["a", " b"]))),
            (json!(1.5), Ok(json!(["1.5"]))),
            (json!(""), Ok(json!([""]))),
            (json!(["1", 2, true, null, {"a": 1}]), Ok(json!(["1", "2", "True", "", "{'a': 1}"]))),
            (
                json!({"a": 1}),
                Err(
                    "argument 'a' is of type dict and we were unable to convert to list: <class 'dict'> cannot be converted to a list",
                ),
            ),
        ],
    );
    const INTS: &[Arg] = &[Arg::list("a", "", Kind::Int)];
    check_kind(
        INTS,
        &[
            (json!("1,2"), Ok(json!([1, 2]))),
            (
                json!(["1", "x"]),
                Err(
                    "Elements value for option 'a' is of type str and we were unable to convert to int: \"'x'\" cannot be converted to an int",
                ),
            ),
        ],
    );
    const DEFAULTS: &[Arg] =
        &[Arg::list("a", "", Kind::Str).default("[]"), Arg::list("b", "", Kind::Int).default("1,2"), Arg::int("c", "")];
    check(DEFAULTS, &[], json!({"c": null}), Ok(json!({"a": [], "b": [1, 2]})));
}

#[test]
fn dict() {
    const ARGS: &[Arg] = &[Arg::dict("a", "")];
    const NOT: &str = "argument 'a' is of type str and we were unable to convert to dict: ";
    for (given, expected) in [
        (r#"{"a": 1}"#, Ok(json!({"a": 1}))),
        (r"{'a': [1, {'b': None, 'c': True}], 'd': (1,2)}", Ok(json!({"a": [1, {"b": null, "c": true}], "d": [1, 2]}))),
        ("a=1, b=\"x,y\" c='z z'", Ok(json!({"a": "1", "b": "x,y", "c": "z z"}))),
        ("a=1,,b=2", Ok(json!({"a": "1", "b": "2"}))),
        ("a=b=c", Ok(json!({"a": "b=c"}))),
        ("x", Err("dictionary requested, could not parse JSON or key=value")),
        ("{a:1", Err("unable to evaluate string as dictionary")),
        ("a=b c", Err("unable to evaluate string in the \"key=value\" format as dictionary")),
        ("a = 1", Err("unable to evaluate string in the \"key=value\" format as dictionary")),
    ] {
        let reason = expected.as_ref().err().map(|reason| format!("{NOT}{reason}"));
        check_kind(ARGS, &[(json!(given), expected.map_err(|_| reason.as_deref().unwrap_or_default()))]);
    }
}

#[test]
fn json_and_bytes() {
    const JSON: &[Arg] = &[Arg::json("a", "")];
    check_kind(
        JSON,
        &[
            (json!("{\"a\": 1}"), Ok(json!("{\"a\": 1}"))),
            (json!([1, "x", null]), Ok(json!("[1, \"x\", null]"))),
            (json!({"a": "é"}), Ok(json!("{\"a\": \"\\u00e9\"}"))),
            (
                json!(1),
                Err(
                    "argument 'a' is of type int and we were unable to convert to json: <class 'int'> cannot be converted to a json string",
                ),
            ),
        ],
    );
    const BYTES: &[Arg] = &[Arg::bytes("a", "")];
    for (given, size) in [
        (json!("10M"), 10_485_760_u64),
        (json!("1k"), 1024),
        (json!("5 K"), 5120),
        (json!("10MB"), 10_485_760),
        (json!("1 b"), 1),
        (json!("1.7K"), 1741),
        (json!("2.5"), 2),
        (json!(1.5), 2),
    ] {
        check_kind(BYTES, &[(given, Ok(json!(size)))]);
    }
    for bad in ["x", "10Mb", "-1K", ""] {
        check_kind(
            BYTES,
            &[(
                json!(bad),
                Err(
                    "argument 'a' is of type str and we were unable to convert to bytes: <class 'str'> cannot be converted to a Byte value",
                ),
            )],
        );
    }
}

#[test]
fn choices() {
    const AB: &[Arg] = &[Arg::str("a", "").choices(&["a", "b"])];
    check_kind(
        AB,
        &[
            (json!("x"), Err("value of a must be one of: a, b, got: x")),
            (json!(["x"]), Err("value of a must be one of: a, b, got: ['x']")),
            (json!(null), Err("value of a must be one of: a, b, got: None")),
        ],
    );
    const YES: &[Arg] = &[Arg::str("a", "").choices(&["dist", "no", "yes"])];
    check_kind(
        YES,
        &[(json!(true), Ok(json!("yes"))), (json!(false), Ok(json!("no"))), (json!("dist"), Ok(json!("dist")))],
    );
    const BOTH: &[Arg] = &[Arg::str("a", "").choices(&["yes", "on", "no"])];
    check_kind(BOTH, &[(json!(true), Err("value of a must be one of: yes, on, no, got: True"))]);
    const LIST: &[Arg] = &[Arg::list("a", "", Kind::Str).choices(&["a", "b"])];
    check_kind(LIST, &[(json!("a,c,d"), Err("value of a must be one or more of: a, b. Got no match for: c, d"))]);
}

#[test]
fn names() {
    const ARGS: &[Arg] = &[
        Arg::str("name", "").required().aliases(&["pkg", "n"]),
        Arg::str("zone", ""),
        Arg::bool("_from_controller", "").internal().default("no"),
    ];
    let internal = |name: &str| json!({"name": name, "_from_controller": false});
    check(ARGS, &[], json!({"n": "x"}), Ok(internal("x")));
    check(ARGS, &[], json!({"name": "x", "n": "y"}), Ok(internal("y")));
    check(ARGS, &[], json!({"pkg": "x", "n": "y"}), Ok(internal("y")));
    check(ARGS, &[], json!({"zone": "x"}), Err("missing required arguments: name"));
    check(
        ARGS,
        &[],
        json!({"name": "x", "foo": 1, "bar": 2}),
        Err("Unsupported parameters for (m) module: bar, foo. Supported parameters include: name, zone (n, pkg)."),
    );
    check(
        ARGS,
        &[],
        json!({"name": "x", "_from_controller": true}),
        Err(
            "Unsupported parameters for (m) module: _from_controller. Supported parameters include: name, zone (n, pkg).",
        ),
    );
    let spec = Spec { name: "m", args: ARGS, ..Spec::EMPTY };
    assert_eq!(
        alias_warnings(&spec, &map(json!({"name": "x", "n": "y"}))),
        ["Both option name and its alias n are set."]
    );
}

const INNER: &[Arg] = &[
    Arg::dict("s", "").options(&[
        Arg::int("x", "").required(),
        Arg::str("y", "").default("d"),
        Arg::str("z", "").choices(&["a"]),
    ]),
    Arg::list("l", "", Kind::Dict).options(&[
        Arg::int("x", "").required(),
        Arg::list("i", "", Kind::Int),
        Arg::dict("d", "").options(&[Arg::int("q", "")]),
    ]),
];

#[test]
fn inner_dicts() {
    check(INNER, &[], json!({"s": {"x": "1"}}), Ok(json!({"s": {"x": 1, "y": "d"}})));
    check(INNER, &[], json!({"l": "x=1"}), Ok(json!({"l": [{"x": 1}]})));
    for (given, message) in [
        (
            json!({"s": {"x": "q"}}),
            "argument 'x' is of type str found in 's'. and we were unable to convert to int: \"'q'\" cannot be converted to an int",
        ),
        (json!({"s": {}}), "missing required arguments: x found in s"),
        (
            json!({"s": {"x": 1, "w": 1}}),
            "Unsupported parameters for (m) module: s.w. Supported parameters include: x, y, z.",
        ),
        (json!({"s": {"x": 1, "z": "b"}}), "value of z must be one of: a, got: b found in s"),
        (json!({"s": "foo"}), "dictionary requested, could not parse JSON or key=value"),
        (json!({"l": [{}]}), "missing required arguments: x found in l"),
        (json!({"l": 5}), "Value '5' in the sub parameter field 'l' must be a list, not 'int'"),
        (json!({"l": [null]}), "Value 'None' in the sub parameter field 'l' must be a list, not 'NoneType'"),
        (
            json!({"l": [{"x": 1, "d": {"q": "q"}}]}),
            "argument 'q' is of type str found in 'l -> d'. and we were unable to convert to int: \"'q'\" cannot be converted to an int",
        ),
        (
            json!({"l": [{"x": 1, "d": {"u": "q"}}]}),
            "Unsupported parameters for (m) module: l.d.u. Supported parameters include: q.",
        ),
        (
            json!({"l": [{"x": 1, "w": 1}], "zz": 1}),
            "Unsupported parameters for (m) module: l.w, zz. Supported parameters include: l, s.",
        ),
        (
            json!({"l": [{"x": 1, "i": ["q"]}]}),
            "Elements value for option 'i' found in 'l' is of type str and we were unable to convert to int: \"'q'\" cannot be converted to an int",
        ),
    ] {
        check(INNER, &[], given, Err(message));
    }
}

#[test]
fn rules() {
    const ABC: &[Arg] = &[Arg::str("a", ""), Arg::str("b", ""), Arg::str("c", "")];
    const FLAG: &[Arg] = &[Arg::bool("a", ""), Arg::str("b", ""), Arg::str("c", "")];
    const NEEDS: &[&str] = &["b", "c"];
    check(
        ABC,
        &[Rule::MutuallyExclusive(&["a", "b"]), Rule::MutuallyExclusive(&["b", "c"])],
        json!({"a": 1, "b": 2, "c": null}),
        Err("parameters are mutually exclusive: a|b, b|c"),
    );
    check(ABC, &[Rule::RequiredTogether(&["a", "b"])], json!({"a": 1}), Err("parameters are required together: a, b"));
    check(ABC, &[Rule::RequiredOneOf(&["b", "c"])], json!({"a": 1}), Err("one of the following is required: b, c"));
    check(ABC, &[Rule::RequiredOneOf(&["b", "c"])], json!({"b": null}), Ok(json!({})));
    check(
        ABC,
        &[Rule::RequiredIf { arg: "a", value: "1", needs: NEEDS, any: false }],
        json!({"a": 1, "c": 1}),
        Err("a is 1 but all of the following are missing: b"),
    );
    check(
        ABC,
        &[Rule::RequiredIf { arg: "a", value: "1", needs: NEEDS, any: true }],
        json!({"a": "1"}),
        Err("a is 1 but any of the following are missing: b, c"),
    );
    check(
        FLAG,
        &[Rule::RequiredIf { arg: "a", value: "yes", needs: NEEDS, any: false }],
        json!({"a": "1"}),
        Err("a is True but all of the following are missing: b, c"),
    );
    check(
        ABC,
        &[Rule::RequiredBy { arg: "a", needs: NEEDS }],
        json!({"a": 1, "b": 2, "c": null}),
        Err("missing parameter(s) required by 'a': c"),
    );
}

#[test]
fn before_rendering() {
    const ARGS: &[Arg] = &[
        Arg::str("name", "").required().aliases(&["pkg"]),
        Arg::str("state", "").choices(&["absent", "present"]),
        Arg::bool("update_cache", ""),
    ];
    let spec = Spec { name: "m", args: ARGS, ..Spec::EMPTY };
    let check = |written: &[(&str, Written)], expected: &[(Option<&str>, &str, Option<&str>)]| {
        let problems = check_written(&spec, written);
        let found: Vec<_> =
            problems.iter().map(|it| (it.arg.as_deref(), it.message.as_str(), it.hint.as_deref())).collect();
        assert_eq!(found, expected);
    };
    check(&[("pkg", Written::Template)], &[]);
    check(&[("more", Written::Splat)], &[]);
    check(
        &[("stat", Written::Template), ("state", Written::Literal(&json!("presnt")))],
        &[
            (Some("stat"), "Unsupported parameters for (m) module: stat", Some("did you mean `state`?")),
            (
                Some("state"),
                "value of state must be one of: absent, present, got: presnt",
                Some("did you mean `present`?"),
            ),
            (None, "missing required arguments: name", None),
        ],
    );
    check(
        &[("name", Written::Literal(&json!("x"))), ("qqq", Written::Template)],
        &[(
            Some("qqq"),
            "Unsupported parameters for (m) module: qqq",
            Some("supported parameters include: name, state, update_cache (pkg)"),
        )],
    );
    let problems = check_written(
        &spec,
        &[("name", Written::Literal(&json!(null))), ("update_cache", Written::Literal(&json!("sure")))],
    );
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].arg.as_deref(), Some("update_cache"));
}

#[test]
fn secrets() {
    const ARGS: &[Arg] = &[
        Arg::str("password", "").no_log().aliases(&["pass"]),
        Arg::dict("login", "").options(&[Arg::str("user", ""), Arg::raw("token", "").no_log()]),
        Arg::str("name", ""),
    ];
    let spec = Spec { name: "m", args: ARGS, ..Spec::EMPTY };
    assert!(is_secret(&spec, "pass") && !is_secret(&spec, "name"));
    let args = json!({"pass": "geheim", "name": "x", "login": {"user": "u", "token": ["t", 5, true, ""]}});
    assert_eq!(secret_values(&spec, &map(args)), ["5", "geheim", "t"]);
    assert_eq!(secret_values(&spec, &map(json!({"login": "token=abc"}))), ["token=abc"]);
}

#[test]
fn paths() {
    const ARGS: &[Arg] = &[
        Arg::path("p", ""),
        Arg::list("l", "", Kind::Path),
        Arg::str("s", ""),
        Arg::dict("d", "").options(&[Arg::path("p", "")]),
    ];
    let spec = Spec { name: "m", args: ARGS, ..Spec::EMPTY };
    let mut args =
        map(json!({"p": "~/a", "l": ["$X/b", "${X}c$", "$Y/${Z}", "~bob", "~nobody/x"], "s": "~/$X", "d": {"p": "~"}}));
    expand_paths(&spec, &mut args, &|name| (name == "X").then(|| "/x".to_owned()), &|user| match user {
        None => Some("/home/me".to_owned()),
        Some("bob") => Some("/home/bob".to_owned()),
        Some(_) => None,
    });
    assert_eq!(
        Value::Object(args),
        json!({"p": "/home/me/a", "l": ["/x/b", "/xc$", "$Y/${Z}", "/home/bob", "~nobody/x"], "s": "~/$X", "d": {"p": "/home/me"}})
    );
}
