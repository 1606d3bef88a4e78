//! Lines of fstab.

/// One line. Fields are as they are meant, without escapes.
pub struct Line {
    pub source: String,
    pub point: String,
    pub kind: String,
    pub options: String,
    pub dump: String,
    pub pass: String,
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        if line.trim_start().starts_with('#') {
            return None;
        }
        let fields: Vec<_> = line.split_whitespace().collect();
        if !(4..=6).contains(&fields.len()) {
            return None;
        }
        let field = |index: usize| fields.get(index).map_or_else(|| "0".to_owned(), |field| unescape(field));
        Some(Self {
            source: field(0),
            point: field(1),
            kind: field(2),
            options: field(3),
            dump: field(4),
            pass: field(5),
        })
    }

    fn text(&self) -> String {
        let fields = [&self.source, &self.point, &self.kind, &self.options, &self.dump, &self.pass];
        let escaped: Vec<_> = fields.iter().map(|field| escape(field)).collect();
        format!("{}\n", escaped.join(" "))
    }

    /// Whether another line is about the same; swap has no mount point that could tell.
    fn is_same_place(&self, other: &Self) -> bool {
        if self.point == "none" || other.kind == "swap" && self.kind == "swap" {
            return other.point == self.point && other.source == self.source;
        }
        other.point == self.point
    }

    /// The text with this line in it; none if it is there already.
    pub fn put_into(&self, text: &str) -> Option<String> {
        let mut after = String::new();
        let (mut found, mut changed) = (false, false);
        for line in text.lines() {
            match Self::parse(line).filter(|other| self.is_same_place(other)) {
                Some(other) => {
                    found = true;
                    if other.text() == self.text() {
                        after.push_str(line);
                        after.push('\n');
                    } else {
                        changed = true;
                        after.push_str(&self.text());
                    }
                }
                None => {
                    after.push_str(line);
                    after.push('\n');
                }
            }
        }
        if !found {
            after.push_str(&self.text());
        }
        (changed || !found).then_some(after)
    }

    /// The text without lines about the same; none if there is no such line.
    pub fn taken_from(&self, text: &str) -> Option<String> {
        let goes = |line: &&str| {
            Self::parse(line).is_some_and(|other| {
                other.point == self.point
                    && (self.source.is_empty() || self.point != "none" || other.source == self.source)
            })
        };
        if !text.lines().any(|line| goes(&line)) {
            return None;
        }
        Some(text.lines().filter(|line| !goes(line)).map(|line| format!("{line}\n")).collect())
    }
}

fn escape(field: &str) -> String {
    field.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011").replace('\n', "\\012")
}

/// Octal escapes, as fstab and the kernel have them.
pub fn unescape(field: &str) -> String {
    let mut plain = Vec::new();
    let mut rest = field.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|_| *byte == b'\\').and_then(|it| std::str::from_utf8(it).ok());
        match digits.and_then(|it| u8::from_str_radix(it, 8).ok()) {
            Some(value) => {
                plain.push(value);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                plain.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_come_back() {
        for text in ["/a b", "/tab\there", "/back\\slash", "/plain", "/\\04", ""] {
            assert_eq!(unescape(&escape(text)), text);
        }
    }
}
