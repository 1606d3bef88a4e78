//! Modes of files as users write them: octal text, a number, or symbols such as `u=rwX,g-w`.

use rplay_module_api::Json;

/// Bits that a mode may have.
pub const PERMISSIONS: u32 = 0o7777;

/// A mode that was understood but may depend on the file it is applied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    Octal(u32),
    Symbolic(String),
}

/// Why a mode is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadMode {
    /// Neither octal nor symbols; the detail names the part.
    Syntax(String),
    /// A number with bits that are no permissions.
    Range(u32),
}

/// What a symbolic mode starts from.
#[derive(Clone, Copy, Debug)]
pub struct Present {
    pub mode: u32,
    pub directory: bool,
    pub umask: u32,
}

/// Reads a mode argument. A number is what YAML made of `0644`, so it is the mode itself.
pub fn parse(written: &Json) -> Result<Mode, BadMode> {
    match written {
        Json::Number(number) => {
            let number = number.as_i64().and_then(|number| u32::try_from(number).ok());
            number.map_or(Err(BadMode::Syntax(written.to_string())), in_range)
        }
        Json::String(text) => from_text(text),
        other => Err(BadMode::Syntax(other.to_string())),
    }
}

fn from_text(text: &str) -> Result<Mode, BadMode> {
    let digits = text.trim();
    let digits = digits.strip_prefix("0o").or_else(|| digits.strip_prefix("0O")).unwrap_or(digits);
    match u32::from_str_radix(digits, 8) {
        Ok(number) if !digits.starts_with('+') => in_range(number),
        _ => Ok(Mode::Symbolic(text.to_owned())),
    }
}

fn in_range(number: u32) -> Result<Mode, BadMode> {
    if number & !PERMISSIONS == 0 { Ok(Mode::Octal(number)) } else { Err(BadMode::Range(number)) }
}

impl Mode {
    /// The mode in numbers for a file that is like `present`.
    pub fn for_file(&self, present: Present) -> Result<u32, BadMode> {
        match self {
            Self::Octal(mode) => Ok(*mode),
            Self::Symbolic(text) => {
                let mut mode = present.mode & PERMISSIONS;
                for clause in text.split(',').filter(|_| !text.is_empty()) {
                    mode = apply_clause(clause, mode, present)
                        .ok_or_else(|| BadMode::Syntax(format!("bad symbolic permission for mode: {clause}")))?;
                }
                Ok(mode)
            }
        }
    }
}

/// One clause, such as `ug+rX-w`.
fn apply_clause(clause: &str, mut mode: u32, present: Present) -> Option<u32> {
    let operators = clause.find(['+', '-', '='])?;
    let (who, mut rest) = clause.split_at(operators);
    let (mut classes, umask) = match who {
        "" => (0o777, present.umask),
        _ => (0, 0),
    };
    for letter in who.chars() {
        classes |= match letter {
            'u' => 0o700,
            'g' => 0o070,
            'o' => 0o007,
            'a' => 0o777,
            _ => return None,
        };
    }
    // Set-id bits belong to their class, the sticky bit to everybody.
    #[expect(clippy::verbose_bit_mask, reason = "the three masks are one pattern")]
    let special = if classes & 0o700 == 0 { 0 } else { 0o4000 }
        | if classes & 0o070 == 0 { 0 } else { 0o2000 }
        | if classes & 0o007 == 0 { 0 } else { 0o1000 };
    while let Some(operator) = rest.chars().next() {
        let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |end| end + 1);
        let bits = permission_bits(&rest[1..end], classes, mode, present)? & !umask;
        match operator {
            '+' => mode |= bits,
            '-' => mode &= !bits,
            _ => mode = mode & !(classes | special) | bits,
        }
        rest = &rest[end..];
    }
    Some(mode)
}

fn permission_bits(letters: &str, classes: u32, mode: u32, present: Present) -> Option<u32> {
    let spread = |bits: u32| (bits | bits << 3 | bits << 6) & classes;
    let mut bits = 0;
    for letter in letters.chars() {
        bits |= match letter {
            'r' => spread(4),
            'w' => spread(2),
            'x' => spread(1),
            'X' if present.directory || mode & 0o111 != 0 => spread(1),
            'X' => 0,
            's' => (if classes & 0o700 == 0 { 0 } else { 0o4000 }) | if classes & 0o070 == 0 { 0 } else { 0o2000 },
            't' => 0o1000,
            'u' => spread(mode >> 6 & 7),
            'g' => spread(mode >> 3 & 7),
            'o' => spread(mode & 7),
            _ => return None,
        };
    }
    Some(bits)
}

/// As results show a mode: at least four digits, beginning with 0.
pub fn text(mode: u32) -> String {
    format!("0{:03o}", mode & PERMISSIONS)
}
