//! Every filter by name.

use super::{
    Filter, chance, csv_text, dates, defaults, dicts, digests, durations, encodings, html, ini_text, ipaddr,
    json_query, keys, mappings, numbers, paths, protomatter, regex, select, sequences, serial, sets, sizes, text,
    vault,
};
use crate::template::engine::arguments::{Bound, parameters};
use crate::template::engine::run::Scope;
use crate::template::engine::val::Val;
use crate::template::error::Res;

type Run = fn(&Scope, Bound) -> Res<Val>;

const fn filter(name: &'static str, names: &'static [&'static str], required: usize, run: Run) -> Filter {
    Filter { name, parameters: parameters(names, required), takes_undefined: false, run }
}

const fn seeing_undefined(name: &'static str, names: &'static [&'static str], required: usize, run: Run) -> Filter {
    Filter { name, parameters: parameters(names, required), takes_undefined: true, run }
}

const ONE: &[&str] = &["value"];
const TWO: &[&str] = &["a", "b"];
const DEFAULT: &[&str] = &["value", "default_value", "boolean"];
const EXTREME: &[&str] = &["value", "case_sensitive", "attribute"];
const DURATION: &[&str] = &["human_time", "**"];
const KEYS: &[&str] = &["data", "target", "matching_parameter"];
const LISTS: &[&str] = &["value", "*", "**"];
const QUERY: &[&str] = &["value", "query"];
const REGEX: &[&str] = &["value", "regex", "*", "**"];

pub static FILTERS: &[Filter] = &[
    filter("abs", ONE, 1, numbers::abs),
    filter("ansible._protomatter.apply_trust", ONE, 1, protomatter::apply_trust),
    filter("ansible._protomatter.finalize", ONE, 1, protomatter::finalize),
    filter("ansible._protomatter.origin", ONE, 1, protomatter::origin),
    filter("batch", &["value", "linecount", "fill_with"], 2, sequences::batch),
    filter("bool", ONE, 1, defaults::bool),
    filter("capitalize", ONE, 1, text::capitalize),
    filter("center", &["value", "width"], 1, text::center),
    filter("combinations", TWO, 2, sets::combinations),
    filter("combine", &["value", "*", "**"], 1, mappings::combine),
    filter("comment", &["text", "style", "**"], 1, text::comment),
    filter("count", ONE, 1, sequences::length),
    seeing_undefined("d", DEFAULT, 1, defaults::default),
    seeing_undefined("default", DEFAULT, 1, defaults::default),
    filter("dict2items", &["value", "key_name", "value_name"], 1, mappings::dict2items),
    filter("dictsort", &["value", "case_sensitive", "by", "reverse"], 1, mappings::dictsort),
    filter("difference", TWO, 2, sets::difference),
    filter("extract", &["item", "container", "morekeys"], 2, mappings::extract),
    filter("first", ONE, 1, sequences::first),
    filter("flatten", &["value", "levels", "skip_nulls"], 1, sequences::flatten),
    filter("float", &["value", "default"], 1, numbers::float),
    filter("format", &["value", "*", "**"], 1, text::format),
    filter("groupby", &["value", "attribute", "default", "case_sensitive"], 2, select::groupby),
    filter("indent", &["s", "width", "first", "blank"], 1, text::indent),
    filter("int", &["value", "default", "base"], 1, numbers::int),
    filter("intersect", TWO, 2, sets::intersect),
    filter("items", ONE, 1, mappings::items),
    filter("items2dict", &["value", "key_name", "value_name"], 1, mappings::items2dict),
    filter("join", &["value", "d", "attribute"], 1, sequences::join),
    filter("last", ONE, 1, sequences::last),
    filter("length", ONE, 1, sequences::length),
    filter("list", ONE, 1, sequences::list),
    filter("log", &["x", "base"], 1, numbers::log),
    filter("lower", ONE, 1, text::lower),
    seeing_undefined("mandatory", &["a", "msg"], 1, defaults::mandatory),
    filter("map", &["value", "*", "**"], 1, select::map),
    filter("max", EXTREME, 1, sequences::max),
    filter("min", EXTREME, 1, sequences::min),
    filter("permutations", &["value", "r"], 1, sets::permutations),
    filter("pow", TWO, 2, numbers::pow),
    filter("product", &["value", "*", "**"], 1, sets::product),
    filter("quote", ONE, 1, text::quote),
    filter("regex_escape", &["string", "re_type"], 1, regex::escape),
    filter("regex_findall", &["value", "regex", "multiline", "ignorecase"], 2, regex::find_all),
    filter(
        "regex_replace",
        &["value", "pattern", "replacement", "ignorecase", "multiline", "count", "mandatory_count"],
        1,
        regex::replace,
    ),
    filter("regex_search", REGEX, 2, regex::search),
    filter("reject", &["value", "*", "**"], 1, select::reject),
    filter("rejectattr", &["value", "*", "**"], 1, select::rejectattr),
    filter("rekey_on_member", &["data", "key", "duplicates"], 2, mappings::rekey_on_member),
    filter("replace", &["s", "old", "new", "count"], 3, text::replace),
    filter("reverse", ONE, 1, sequences::reverse),
    filter("root", &["x", "base"], 1, numbers::root),
    filter("round", &["value", "precision", "method"], 1, numbers::round),
    filter("select", &["value", "*", "**"], 1, select::select),
    filter("selectattr", &["value", "*", "**"], 1, select::selectattr),
    filter("slice", &["value", "slices", "fill_with"], 2, sequences::slice),
    filter("sort", &["value", "reverse", "case_sensitive", "attribute"], 1, sequences::sort),
    filter("split", &["value", "sep", "maxsplit"], 1, text::split),
    filter("strftime", &["string_format", "second", "utc"], 1, dates::strftime_filter),
    filter("string", ONE, 1, text::string),
    filter("subelements", &["obj", "subelements", "skip_missing"], 2, mappings::subelements),
    filter("sum", &["iterable", "attribute", "start"], 1, sequences::sum),
    filter("symmetric_difference", TWO, 2, sets::symmetric_difference),
    seeing_undefined("ternary", &["value", "true_val", "false_val", "none_val"], 3, defaults::ternary),
    filter("title", ONE, 1, text::title),
    filter("to_datetime", &["string", "format"], 1, dates::to_datetime),
    filter("trim", &["value", "chars"], 1, text::trim),
    filter("truncate", &["s", "length", "killwords", "end", "leeway"], 1, text::truncate),
    seeing_undefined("type_debug", ONE, 1, defaults::type_debug),
    filter("union", TWO, 2, sets::union),
    filter("unique", EXTREME, 1, sequences::unique),
    filter("upper", ONE, 1, text::upper),
    filter("wordcount", ONE, 1, text::wordcount),
    filter("wordwrap", &["s", "width", "break_long_words", "wrapstring", "break_on_hyphens"], 1, text::wordwrap),
    filter("attr", &["obj", "name"], 2, mappings::attr),
    filter("b64decode", &["string", "encoding", "urlsafe"], 1, encodings::b64decode),
    filter("b64encode", &["string", "encoding", "urlsafe"], 1, encodings::b64encode),
    filter("basename", ONE, 1, paths::basename),
    filter("checksum", ONE, 1, digests::checksum),
    filter("commonpath", ONE, 1, paths::commonpath),
    filter("dirname", ONE, 1, paths::dirname),
    filter("e", ONE, 1, html::escape),
    filter("escape", ONE, 1, html::escape),
    filter("expanduser", ONE, 1, paths::expanduser),
    filter("expandvars", ONE, 1, paths::expandvars),
    filter("fileglob", ONE, 1, paths::fileglob),
    filter("filesizeformat", &["value", "binary"], 1, sizes::filesizeformat),
    filter("forceescape", ONE, 1, html::force_escape),
    filter("from_json", &["value", "**"], 1, serial::from_json),
    filter("from_yaml", ONE, 1, serial::from_yaml),
    filter("from_yaml_all", ONE, 1, serial::from_yaml_all),
    filter("hash", &["data", "hashtype"], 1, digests::hash),
    filter("human_readable", &["size", "isbits", "unit"], 1, sizes::human_readable),
    filter("human_to_bytes", &["size", "default_unit", "isbits"], 1, sizes::human_to_bytes),
    filter("md5", ONE, 1, digests::md5),
    filter("normpath", ONE, 1, paths::normpath),
    filter(
        "password_hash",
        &["password", "hashtype", "salt", "salt_size", "rounds", "ident"],
        1,
        digests::password_hash,
    ),
    filter("path_join", ONE, 1, paths::path_join),
    filter("pprint", ONE, 1, text::pprint),
    filter("random", &["end", "start", "step", "seed"], 1, chance::random),
    filter("realpath", ONE, 1, paths::realpath),
    filter("relpath", &["path", "start"], 1, paths::relpath),
    filter("safe", ONE, 1, html::safe),
    filter("sha1", ONE, 1, digests::checksum),
    filter("shuffle", &["value", "seed"], 1, chance::shuffle),
    filter("splitext", ONE, 1, paths::splitext),
    filter("striptags", ONE, 1, html::striptags),
    filter("to_json", &["value", "**"], 1, serial::to_json),
    filter("to_nice_json", &["value", "indent", "sort_keys", "**"], 1, serial::to_nice_json),
    filter("to_nice_yaml", &["value", "indent", "**"], 1, serial::to_nice_yaml),
    filter("to_uuid", &["string", "namespace"], 1, digests::to_uuid),
    filter("to_yaml", &["value", "**"], 1, serial::to_yaml),
    filter("tojson", &["value", "indent"], 1, serial::tojson),
    filter("unvault", &["value", "secret", "vault_id", "vaultid"], 2, vault::unvault),
    filter("vault", &["value", "secret", "salt", "vault_id", "wrap_object", "vaultid"], 2, vault::vault),
    filter("urldecode", ONE, 1, encodings::urldecode),
    filter("urlencode", ONE, 1, encodings::urlencode),
    filter("urlize", &["value", "trim_url_limit", "nofollow", "target", "rel", "extra_schemes"], 1, html::urlize),
    filter("urlsplit", &["value", "query"], 1, encodings::urlsplit),
    filter("win_basename", ONE, 1, paths::win_basename),
    filter("win_dirname", ONE, 1, paths::win_dirname),
    filter("win_splitdrive", ONE, 1, paths::win_splitdrive),
    filter("xmlattr", &["d", "autospace"], 1, html::xmlattr),
    filter("zip", &["value", "*", "**"], 1, sets::zip),
    filter("zip_longest", &["value", "*", "**"], 1, sets::zip_longest),
    filter("ansible.utils.cidr_merge", &["value", "action"], 1, ipaddr::cidr_merge),
    filter("ansible.utils.hwaddr", &["value", "query", "alias"], 1, ipaddr::hwaddr),
    filter("ansible.utils.ip4_hex", &["arg", "delimiter"], 1, ipaddr::ip4_hex),
    filter("ansible.utils.ipaddr", &["value", "query", "version", "alias"], 1, ipaddr::ipaddr),
    filter("ansible.utils.ipmath", &["value", "amount"], 2, ipaddr::ipmath),
    filter("ansible.utils.ipsubnet", &["value", "query", "index"], 1, ipaddr::ipsubnet),
    filter("ansible.utils.ipv4", QUERY, 1, ipaddr::ipv4),
    filter("ansible.utils.ipv6", QUERY, 1, ipaddr::ipv6),
    filter("ansible.utils.ipwrap", QUERY, 1, ipaddr::ipwrap),
    filter("ansible.utils.macaddr", QUERY, 1, ipaddr::macaddr),
    filter("ansible.utils.network_in_network", &["value", "test"], 1, ipaddr::network_in_network),
    filter("ansible.utils.network_in_usable", &["value", "test"], 1, ipaddr::network_in_usable),
    filter("ansible.utils.next_nth_usable", &["value", "offset"], 2, ipaddr::next_nth_usable),
    filter("ansible.utils.nthhost", QUERY, 1, ipaddr::nthhost),
    filter("ansible.utils.previous_nth_usable", &["value", "offset"], 2, ipaddr::previous_nth_usable),
    filter("ansible.utils.reduce_on_network", &["value", "network"], 2, ipaddr::reduce_on_network),
    filter("ansible.utils.slaac", QUERY, 1, ipaddr::slaac),
    filter("community.general.counter", &["sequence"], 1, dicts::counter),
    filter("community.general.crc32", ONE, 1, digests::crc32),
    filter("community.general.dict", &["sequence"], 1, dicts::dict),
    filter("community.general.dict_kv", &["value", "key"], 2, dicts::dict_kv),
    filter(
        "community.general.from_csv",
        &["data", "dialect", "fieldnames", "delimiter", "skipinitialspace", "strict"],
        1,
        csv_text::from_csv,
    ),
    filter("community.general.from_ini", &["obj"], 1, ini_text::from_ini),
    filter("community.general.groupby_as_dict", &["sequence", "attribute"], 2, dicts::groupby_as_dict),
    filter("community.general.json_query", &["data", "expr"], 2, json_query::json_query),
    filter("community.general.keep_keys", KEYS, 1, keys::keep_keys),
    filter("community.general.lists_difference", LISTS, 1, sets::lists_difference),
    filter("community.general.lists_intersect", LISTS, 1, sets::lists_intersect),
    filter("community.general.lists_mergeby", LISTS, 1, mappings::lists_mergeby),
    filter("community.general.lists_symmetric_difference", LISTS, 1, sets::lists_symmetric_difference),
    filter("community.general.lists_union", LISTS, 1, sets::lists_union),
    filter("community.general.random_mac", &["value", "seed"], 1, chance::random_mac),
    filter("community.general.remove_keys", KEYS, 1, keys::remove_keys),
    filter("community.general.replace_keys", KEYS, 1, keys::replace_keys),
    filter("community.general.to_days", DURATION, 1, durations::to_days),
    filter("community.general.to_hours", DURATION, 1, durations::to_hours),
    filter("community.general.to_ini", &["obj"], 1, ini_text::to_ini),
    filter("community.general.to_milliseconds", DURATION, 1, durations::to_milliseconds),
    filter("community.general.to_minutes", DURATION, 1, durations::to_minutes),
    filter("community.general.to_months", DURATION, 1, durations::to_months),
    filter("community.general.to_seconds", DURATION, 1, durations::to_seconds),
    filter("community.general.to_time_unit", &["human_time", "unit", "**"], 1, durations::to_time_unit),
    filter("community.general.to_weeks", DURATION, 1, durations::to_weeks),
    filter("community.general.to_years", DURATION, 1, durations::to_years),
    filter("community.general.unicode_normalize", &["data", "form"], 1, text::unicode_normalize),
    filter("community.general.version_sort", &["value", "reverse"], 1, sequences::version_sort),
];

/// Names under which filters of ansible.utils were known before they moved there.
pub fn moved() -> impl Iterator<Item = (String, &'static Filter)> {
    let utils = FILTERS.iter().filter_map(|filter| Some((filter.name.strip_prefix("ansible.utils.")?, filter)));
    utils.map(|(short, filter)| (format!("ansible.netcommon.{short}"), filter))
}

/// Names that Ansible gave up: tests used as filters.
pub static REMOVED: &[Filter] = &[
    filter("change", ONE, 1, |scope, args| as_test("changed", scope, args)),
    filter("changed", ONE, 1, |scope, args| as_test("changed", scope, args)),
    filter("failed", ONE, 1, |scope, args| as_test("failed", scope, args)),
    filter("failure", ONE, 1, |scope, args| as_test("failed", scope, args)),
    filter("issubset", TWO, 2, |scope, args| as_test("subset", scope, args)),
    filter("issuperset", TWO, 2, |scope, args| as_test("superset", scope, args)),
    filter("match", PATTERN, 2, |scope, args| as_test("match", scope, args)),
    filter("search", PATTERN, 2, |scope, args| as_test("search", scope, args)),
    filter("skip", ONE, 1, |scope, args| as_test("skipped", scope, args)),
    filter("skipped", ONE, 1, |scope, args| as_test("skipped", scope, args)),
    filter("succeeded", ONE, 1, |scope, args| as_test("success", scope, args)),
    filter("success", ONE, 1, |scope, args| as_test("success", scope, args)),
    filter("version", VERSION, 2, |scope, args| as_test("version", scope, args)),
    filter("version_compare", VERSION, 2, |scope, args| as_test("version", scope, args)),
];

const PATTERN: &[&str] = &["value", "pattern", "ignorecase", "multiline"];
const VERSION: &[&str] = &["value", "version", "operator", "strict", "version_type"];

fn as_test(name: &str, scope: &Scope, args: Bound) -> Res<Val> {
    match crate::template::tests::find(name).ok().and_then(|found| found.native()) {
        Some(test) => (test.run)(scope, args).map(Val::Bool),
        None => Ok(Val::Bool(false)),
    }
}
