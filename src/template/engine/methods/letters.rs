//! What Python knows of single characters and the standard library does not: kinds of digits, and title case.

use std::sync::LazyLock;

use regex::Regex;

static DECIMAL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\p{Nd}$").expect("a constant pattern"));

/// Digits that are no decimals: superscripts, subscripts, and those in circles, brackets or with a full stop.
const OTHER_DIGITS: &[(char, char)] = &[
    ('\u{b2}', '\u{b3}'),
    ('\u{b9}', '\u{b9}'),
    ('\u{1369}', '\u{1371}'),
    ('\u{19da}', '\u{19da}'),
    ('\u{2070}', '\u{2070}'),
    ('\u{2074}', '\u{2079}'),
    ('\u{2080}', '\u{2089}'),
    ('\u{2460}', '\u{2468}'),
    ('\u{2474}', '\u{247c}'),
    ('\u{2488}', '\u{2490}'),
    ('\u{24ea}', '\u{24ea}'),
    ('\u{24f5}', '\u{24fd}'),
    ('\u{24ff}', '\u{24ff}'),
    ('\u{2776}', '\u{277e}'),
    ('\u{2780}', '\u{2788}'),
    ('\u{278a}', '\u{2792}'),
];

/// Chinese characters that are numbers; Unicode files them under letters.
const NUMBER_LETTERS: &str = "〇一二三四五六七八九十百千万億兆零壱弐参壹貳參肆伍陸柒捌玖拾佰仟萬亿两廿卅";

fn is_decimal(char: char) -> bool {
    char.is_ascii_digit() || (!char.is_ascii() && DECIMAL.is_match(char.encode_utf8(&mut [0; 4])))
}

fn is_digit(char: char) -> bool {
    is_decimal(char) || OTHER_DIGITS.iter().any(|(first, last)| (*first..=*last).contains(&char))
}

fn is_numeric(char: char) -> bool {
    char.is_numeric() || NUMBER_LETTERS.contains(char)
}

/// `isdecimal`, `isdigit` or `isnumeric` of a character.
pub fn number_test(method: &str) -> fn(char) -> bool {
    match method {
        "isdecimal" => is_decimal,
        "isdigit" => is_digit,
        _ => is_numeric,
    }
}

/// A letter at the start of a word: of several that stand for one only the first is large.
pub fn title_case(char: char) -> String {
    match char {
        'Ǆ' | 'ǅ' | 'ǆ' => "ǅ".into(),
        'Ǉ' | 'ǈ' | 'ǉ' => "ǈ".into(),
        'Ǌ' | 'ǋ' | 'ǌ' => "ǋ".into(),
        'Ǳ' | 'ǲ' | 'ǳ' => "ǲ".into(),
        _ => {
            let mut large = char.to_uppercase();
            large.next().into_iter().chain(large.flat_map(after_first)).collect()
        }
    }
}

/// A modifier letter in front (`ŉ` is `ʼN`) leaves the next one large.
fn after_first(char: char) -> Vec<char> {
    if char == 'N' { vec![char] } else { char.to_lowercase().collect() }
}

/// Upper, lower or title case.
pub fn is_cased(char: char) -> bool {
    char.is_lowercase() || char.is_uppercase() || is_title(char)
}

fn is_title(char: char) -> bool {
    matches!(char, 'ǅ' | 'ǈ' | 'ǋ' | 'ǲ')
}

pub fn swap_case(char: char) -> Vec<char> {
    if char.is_uppercase() {
        char.to_lowercase().collect()
    } else if is_title(char) {
        vec![char]
    } else {
        char.to_uppercase().collect()
    }
}
