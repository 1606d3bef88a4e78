//! Shell patterns as fnmatch has them.

/// A shell pattern in which `*` and `?` match slashes too, as they do for tar and unzip.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=text.len()).any(|start| matches(rest, text.get(start..).unwrap_or_default())),
        (Some((b'?', rest)), Some((_, tail))) => matches(rest, tail),
        (Some((b'[', rest)), Some((letter, tail))) => match class(rest, *letter) {
            Some((holds, rest)) => holds && matches(rest, tail),
            None => *letter == b'[' && matches(rest, tail),
        },
        (Some((b'\\', rest)), Some((letter, tail))) if !rest.is_empty() => {
            rest.first() == Some(letter) && matches(rest.get(1..).unwrap_or_default(), tail)
        }
        (Some((expected, rest)), Some((letter, tail))) => expected == letter && matches(rest, tail),
        _ => false,
    }
}

/// Whether `letter` is in the class that begins here, and what follows the class.
fn class(pattern: &[u8], letter: u8) -> Option<(bool, &[u8])> {
    let negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let body = pattern.get(usize::from(negated)..)?;
    let end = body.iter().skip(1).position(|byte| *byte == b']')? + 1;
    let (letters, rest) = (body.get(..end)?, body.get(end + 1..)?);
    let mut holds = false;
    let mut index = 0;
    while let Some(first) = letters.get(index) {
        match (letters.get(index + 1), letters.get(index + 2)) {
            (Some(b'-'), Some(last)) => {
                holds |= (*first..=*last).contains(&letter);
                index += 3;
            }
            _ => {
                holds |= *first == letter;
                index += 1;
            }
        }
    }
    Some((holds != negated, rest))
}
