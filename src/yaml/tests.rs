use super::*;

fn read(text: &str) -> Result<Node, Error> {
    Reader::default().read(&SourceFile::new("t.yml", text))
}

fn repr(text: &str) -> String {
    match read(text) {
        Ok(node) => node.to_value().repr(),
        Err(err) => err.message,
    }
}

#[test]
fn nodes_know_their_places() {
    let node = read("- name: x\n  debug:\n    msg: \"{{ y }}\"\n").expect("it is YAML");
    let task = node.items().first().expect("one task");
    let message = task.get("debug").and_then(|debug| debug.get("msg")).expect("msg");
    assert_eq!((message.span.line, message.span.column, message.span.length), (3, 10, 9));
    let value = message.to_value();
    assert_eq!(value.span().map(|span| span.line), Some(3));
    assert!(matches!(&value, Value::Str(text) if text.is_trusted()));
}

#[test]
fn a_tag_may_stand_right_before_a_comma() {
    assert_eq!(repr("[!!str, !!null, x !y, '!z,']\n"), "['', None, 'x !y', '!z,']");
    assert_eq!(repr("{a: !!str, b: 1}\n"), "{'a': '', 'b': 1}");
    let node = read("[!!str, {a: b}]\n").expect("it is YAML");
    assert_eq!(node.items().last().map(|item| item.span.column), Some(9));
    assert_eq!(repr(&format!("[{}]\n", "!,".repeat(100_000))).matches("''").count(), 100_000);
    let lines = read("- [!!str, !!str, a]\n- [!!str, b]\n").expect("it is YAML");
    let columns: Vec<_> =
        lines.items().iter().filter_map(|line| line.items().last()).map(|it| it.span.column).collect();
    assert_eq!(columns, [18, 11]);
    assert!(repr("a: &x [b &x [!c, 2]\n").starts_with("YAML parsing failed"));
    assert!(repr("a: 'x' [!y, z]\n").starts_with("YAML parsing failed"));
    assert!(repr("k: !a,b\n").contains("did not find expected whitespace"));
    assert_eq!(repr("- hello !world, and !you,\n- |\n  !a,\n"), "['hello !world, and !you,', '!a,\\n']");
}

#[test]
fn merge_keys_bring_entries_that_the_own_ones_override() {
    assert_eq!(repr("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n"), "{'a': {'x': 1, 'y': 2}, 'b': {'x': 1, 'y': 3}}");
    assert_eq!(repr("b:\n  <<: [{x: 1}, {x: 2, z: 3}]\n"), "{'b': {'x': 1, 'z': 3}}");
}

#[test]
fn duplicate_keys_warn() {
    let reader = Reader::default();
    let node = reader.read(&SourceFile::new("t.yml", "a: 1\na: 2\n")).expect("it is YAML");
    assert_eq!(node.to_value().repr(), "{'a': 2}");
    assert_eq!(
        reader.notices.drain().first().map(|notice| notice.message.as_str()),
        Some("Found duplicate mapping key 'a'.")
    );
    let strict = Reader { duplicate_keys: DuplicateKeys::Error, ..Reader::default() };
    assert!(strict.read(&SourceFile::new("t.yml", "a: 1\na: 2\n")).is_err());
}

#[test]
fn bombs_are_refused() {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        laughs.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    assert!(repr(&laughs).contains("too large"));
    assert!(repr(&"[".repeat(100_000)).contains("nested"));
    assert!(repr(&"- ".repeat(100_000)).contains("nested"));
    assert!(repr(&"{\"a\":".repeat(100_000)).contains("nested"));
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..1000 {
        chain.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(repr(&chain).contains("nested"));
    assert!(repr("a: &a [*a]\n").contains("contains it"));
}

#[test]
fn unsafe_strings_are_data() {
    let node = read("k: !unsafe [\"{{ x }}\", {a: b}]\n").expect("it is YAML").to_value();
    let first = node.get("k").and_then(|list| list.as_list()?.first().cloned()).expect("an item");
    assert!(matches!(&first, Value::Str(text) if !text.is_trusted()));
}
