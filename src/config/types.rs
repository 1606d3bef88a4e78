//! What the value of a setting can be: the types that rows of the table name.

use std::path::PathBuf;

use super::{Config, Kind, Setting, parse_bool};
use crate::yaml::DuplicateKeys;

/// A row of the table with the type of its value. Only rows that rplay uses have one.
pub struct Handle<T> {
    pub(super) row: &'static Setting,
    _value: std::marker::PhantomData<fn() -> T>,
}

impl<T: Type> Handle<T> {
    pub(super) const fn new(row: &'static Setting) -> Self {
        Self { row, _value: std::marker::PhantomData }
    }
}

/// How the text of a setting becomes a value. `Config::load` has refused what `Kind` does not allow.
pub trait Type {
    type Value;
    const KIND: Kind;
    fn read(config: &Config, row: &Setting, text: &str) -> Self::Value;
}

impl Type for bool {
    type Value = bool;
    const KIND: Kind = Kind::Bool;
    fn read(_: &Config, _: &Setting, text: &str) -> bool {
        parse_bool(text).unwrap_or_default()
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        #[allow(clippy::cast_lossless, reason = "`From` is not for constants")]
        impl Type for $number {
            type Value = $number;
            const KIND: Kind = Kind::Int { from: <$number>::MIN as i128, to: <$number>::MAX as i128 };
            fn read(_: &Config, row: &Setting, text: &str) -> $number {
                // An empty text of the environment is no number.
                text.trim().parse().or_else(|_| row.default.parse()).unwrap_or_default()
            }
        }

        impl Type for Option<$number> {
            type Value = Option<$number>;
            const KIND: Kind = <$number as Type>::KIND;
            fn read(_: &Config, _: &Setting, text: &str) -> Option<$number> {
                text.trim().parse().ok()
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64, usize, i64);

/// None where nothing is said.
impl Type for Option<bool> {
    type Value = Option<bool>;
    const KIND: Kind = Kind::Bool;
    fn read(_: &Config, _: &Setting, text: &str) -> Option<bool> {
        parse_bool(text).filter(|_| !text.trim().is_empty() && !text.trim().eq_ignore_ascii_case("none"))
    }
}

/// What a terminal takes for a color: `0;32`, `38;5;208`.
pub enum ColorCode {}

impl Type for ColorCode {
    type Value = String;
    const KIND: Kind = Kind::Color;
    fn read(_: &Config, row: &Setting, text: &str) -> String {
        color_code(text).or_else(|| color_code(row.default)).unwrap_or_default()
    }
}

/// The code of a color's name; of 256 colors, `colorN`, `rgbRGB` (0 to 5 each) and `grayN` name the further ones.
pub(super) fn color_code(name: &str) -> Option<String> {
    if let Some((_, code)) = COLORS.iter().find(|(known, _)| *known == name) {
        return Some((*code).to_owned());
    }
    let number = |text: &str| text.parse::<u16>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    if let Some(rgb) = name.strip_prefix("rgb") {
        let parts: Option<Vec<u32>> = rgb.chars().map(|digit| digit.to_digit(6)).collect();
        return match parts.as_deref() {
            Some([red, green, blue]) => Some(format!("38;5;{}", 16 + 36 * red + 6 * green + blue)),
            _ => None,
        };
    }
    let number = match (name.strip_prefix("color"), name.strip_prefix("gray")) {
        (Some(text), _) => number(text)?,
        (_, Some(text)) => number(text)? + 232,
        _ => return None,
    };
    Some(format!("38;5;{number}"))
}

const COLORS: &[(&str, &str)] = &[
    ("black", "0;30"),
    ("blue", "0;34"),
    ("bright blue", "1;34"),
    ("bright cyan", "1;36"),
    ("bright gray", "0;37"),
    ("bright green", "1;32"),
    ("bright magenta", "1;35"),
    ("bright purple", "1;35"),
    ("bright red", "1;31"),
    ("bright yellow", "1;33"),
    ("cyan", "0;36"),
    ("dark gray", "1;30"),
    ("green", "0;32"),
    ("magenta", "0;35"),
    ("normal", "0"),
    ("purple", "0;35"),
    ("red", "0;31"),
    ("white", "1;37"),
    ("yellow", "0;33"),
];

/// An empty text counts as not given.
impl Type for String {
    type Value = String;
    const KIND: Kind = Kind::Text;
    fn read(_: &Config, row: &Setting, text: &str) -> String {
        if text.is_empty() { row.default } else { text }.to_owned()
    }
}

/// None where the text is empty.
impl Type for Option<String> {
    type Value = Option<String>;
    const KIND: Kind = Kind::Text;
    fn read(_: &Config, _: &Setting, text: &str) -> Option<String> {
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// Separated by commas.
impl Type for Vec<String> {
    type Value = Vec<String>;
    const KIND: Kind = Kind::List;
    fn read(_: &Config, _: &Setting, text: &str) -> Vec<String> {
        items(text, ',').map(str::to_owned).collect()
    }
}

impl Type for Option<PathBuf> {
    type Value = Option<PathBuf>;
    const KIND: Kind = Kind::Path;
    fn read(config: &Config, row: &Setting, text: &str) -> Option<PathBuf> {
        (!text.is_empty()).then(|| config.resolve(row, text))
    }
}

impl Type for PathBuf {
    type Value = PathBuf;
    const KIND: Kind = Kind::Path;
    fn read(config: &Config, row: &Setting, text: &str) -> PathBuf {
        config.resolve(row, text)
    }
}

/// Paths separated by commas.
pub enum PathList {}

impl Type for PathList {
    type Value = Vec<PathBuf>;
    const KIND: Kind = Kind::PathList;
    fn read(config: &Config, row: &Setting, text: &str) -> Vec<PathBuf> {
        items(text, ',').map(|item| config.resolve(row, item)).collect()
    }
}

/// Paths separated by colons.
pub enum PathSpec {}

impl Type for PathSpec {
    type Value = Vec<PathBuf>;
    const KIND: Kind = Kind::PathSpec;
    fn read(config: &Config, row: &Setting, text: &str) -> Vec<PathBuf> {
        items(text, ':').map(|item| config.resolve(row, item)).collect()
    }
}

pub(super) fn items(text: &str, separator: char) -> impl Iterator<Item = &str> {
    text.split(separator).map(str::trim).filter(|item| !item.is_empty())
}

/// Settings of few words: each word with what it means.
macro_rules! choices {
    ($($type:ident { $($word:literal => $variant:ident),* })*) => {$(
        impl Type for $type {
            type Value = $type;
            const KIND: Kind = Kind::Choice(&[$($word),*]);
            fn read(_: &Config, row: &Setting, text: &str) -> $type {
                match text.trim() {
                    $($word => $type::$variant,)*
                    // Not given, as it were: other words are refused when the configuration is read.
                    _ => match row.default {
                        $($word => $type::$variant,)*
                        _ => unreachable!("defaults are choices, as a test shows"),
                    },
                }
            }
        }
    )*};
}

choices! {
    DuplicateKeys { "error" => Error, "ignore" => Ignore, "warn" => Warn }
    Gathering { "explicit" => Explicit, "implicit" => Implicit, "smart" => Smart }
    HashBehavior { "merge" => Merge, "replace" => Replace }
    GroupNames { "always" => Replace, "ignore" => KeepSilently, "never" => Keep, "silently" => ReplaceSilently }
    ResultFormat { "json" => Json, "yaml" => Yaml }
    SortOrder { "ascending" => Ascending, "descending" => Descending, "none" => AsItCame }
    Unmatched { "error" => Error, "ignore" => Ignore, "warning" => Warn }
    VarsPluginsRun { "demand" => Demand, "start" => Start }
    VarsRoot { "all" => All, "bottom" => Bottom, "top" => Top }
}

/// When facts are gathered without being asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gathering {
    #[default]
    Implicit,
    Explicit,
    Smart,
}

/// What becomes of dicts of the same name and different precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashBehavior {
    Replace,
    Merge,
}

/// What happens to characters that a group's name should not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupNames {
    Keep,
    KeepSilently,
    Replace,
    ReplaceSilently,
}

/// How a summary of times is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortOrder {
    Ascending,
    Descending,
    AsItCame,
}

/// How callbacks write results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultFormat {
    Json,
    Yaml,
}

/// When plugins of variables are asked about inventory sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarsPluginsRun {
    Demand,
    Start,
}

/// Which playbooks' folders have variables of groups and hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarsRoot {
    All,
    Bottom,
    Top,
}

/// What a host pattern that matches nothing leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmatched {
    Warn,
    Error,
    Ignore,
}
