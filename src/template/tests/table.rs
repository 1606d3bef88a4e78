//! Every test by name.

use super::{Test, compare, data, files, results, strings, types, versions};
use crate::template::engine::arguments::{Bound, Parameters, parameters};
use crate::template::engine::run::Scope;
use crate::template::error::Res;

type Run = fn(&Scope, Bound) -> Res<bool>;

const fn test(name: &'static str, names: &'static [&'static str], required: usize, run: Run) -> Test {
    let Parameters { names, required } = parameters(names, required);
    Test { name, parameters: Parameters { names, required }, takes_undefined: false, run }
}

const fn seeing_undefined(name: &'static str, run: Run) -> Test {
    Test { name, parameters: parameters(&["value"], 1), takes_undefined: true, run }
}

const ONE: &[&str] = &["value"];
const TWO: &[&str] = &["a", "b"];
const PATTERN: &[&str] = &["value", "pattern", "ignorecase", "multiline"];
const VERSION: &[&str] = &["value", "version", "operator", "strict", "version_type"];

pub static TESTS: &[Test] = &[
    test("!=", TWO, 2, compare::ne),
    test("<", TWO, 2, compare::lt),
    test("<=", TWO, 2, compare::le),
    test("==", TWO, 2, compare::eq),
    test(">", TWO, 2, compare::gt),
    test(">=", TWO, 2, compare::ge),
    test("abs", ONE, 1, files::absolute),
    test("all", ONE, 1, compare::all),
    test("ansible._protomatter.tagged_with", &["value", "tag_name"], 2, types::tagged_with),
    test("any", ONE, 1, compare::any),
    test("boolean", ONE, 1, types::boolean),
    test("callable", ONE, 1, types::callable),
    test("change", ONE, 1, results::changed),
    test("changed", ONE, 1, results::changed),
    test("contains", TWO, 2, compare::contains),
    seeing_undefined("defined", types::defined),
    test("directory", ONE, 1, files::directory),
    test("divisibleby", &["value", "num"], 2, types::divisibleby),
    test("eq", TWO, 2, compare::eq),
    test("equalto", TWO, 2, compare::eq),
    test("escaped", ONE, 1, types::escaped),
    test("even", ONE, 1, types::even),
    test("exists", ONE, 1, files::exists),
    test("failed", ONE, 1, results::failed),
    test("failure", ONE, 1, results::failed),
    test("false", ONE, 1, types::is_false),
    test("falsy", &["value", "convert_bool"], 1, compare::falsy),
    test("file", ONE, 1, files::file),
    test("filter", ONE, 1, types::filter),
    test("finished", ONE, 1, results::finished),
    test("float", ONE, 1, types::float),
    test("ge", TWO, 2, compare::ge),
    test("greaterthan", TWO, 2, compare::gt),
    test("gt", TWO, 2, compare::gt),
    test("in", &["value", "seq"], 2, compare::within),
    test("integer", ONE, 1, types::integer),
    test("is_abs", ONE, 1, files::absolute),
    test("is_dir", ONE, 1, files::directory),
    test("is_file", ONE, 1, files::file),
    test("is_link", ONE, 1, files::link),
    test("is_mount", ONE, 1, files::mount),
    test("is_same_file", &["path1", "path2"], 2, files::same_file),
    test("isnan", ONE, 1, types::nan),
    test("issubset", TWO, 2, compare::subset),
    test("issuperset", TWO, 2, compare::superset),
    test("iterable", ONE, 1, types::iterable),
    test("le", TWO, 2, compare::le),
    test("lessthan", TWO, 2, compare::lt),
    test("link", ONE, 1, files::link),
    test("link_exists", ONE, 1, files::link_exists),
    test("lower", ONE, 1, strings::lower),
    test("lt", TWO, 2, compare::lt),
    test("mapping", ONE, 1, types::mapping),
    test("match", PATTERN, 1, strings::matching),
    test("mount", ONE, 1, files::mount),
    test("nan", ONE, 1, types::nan),
    test("ne", TWO, 2, compare::ne),
    test("none", ONE, 1, types::none),
    test("number", ONE, 1, types::number),
    test("odd", ONE, 1, types::odd),
    test("reachable", ONE, 1, results::reachable),
    test("regex", &["value", "pattern", "ignorecase", "multiline", "match_type"], 1, strings::regex),
    test("same_file", &["path1", "path2"], 2, files::same_file),
    test("sameas", &["value", "other"], 2, types::sameas),
    test("search", PATTERN, 1, strings::search),
    test("sequence", ONE, 1, types::sequence),
    test("skip", ONE, 1, results::skipped),
    test("skipped", ONE, 1, results::skipped),
    test("started", ONE, 1, results::started),
    test("string", ONE, 1, types::string),
    test("subset", TWO, 2, compare::subset),
    test("succeeded", ONE, 1, results::success),
    test("success", ONE, 1, results::success),
    test("successful", ONE, 1, results::success),
    test("superset", TWO, 2, compare::superset),
    test("test", ONE, 1, types::test),
    test("timedout", ONE, 1, results::timedout),
    test("true", ONE, 1, types::is_true),
    test("truthy", &["value", "convert_bool"], 1, compare::truthy),
    seeing_undefined("undefined", types::undefined),
    test("unreachable", ONE, 1, results::unreachable),
    test("upper", ONE, 1, strings::upper),
    test("uri", &["value", "schemes"], 1, data::uri),
    test("url", &["value", "schemes"], 1, data::url),
    test("urn", ONE, 1, data::urn),
    test("vault_encrypted", ONE, 1, types::vault_encrypted),
    test("vaulted_file", ONE, 1, files::vaulted),
    test("version", VERSION, 2, versions::version),
    test("version_compare", VERSION, 2, versions::version),
];
