//! Headings, filled up with stars to the width of the terminal.

pub fn banner(text: &str, columns: usize) -> String {
    let stars = columns.saturating_sub(width(text)).max(3);
    format!("\n{text} {}", "*".repeat(stars))
}

/// Cells of a terminal that a text takes: two for East Asian wide characters and emoji, none for combining marks.
pub fn width(text: &str) -> usize {
    text.chars()
        .map(|char| match u32::from(char) {
            0 | 0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
            0x1100..=0x115f
            | 0x2e80..=0x303e
            | 0x3041..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0xffe0..=0xffe6
            | 0x1f300..=0x1f64f
            | 0x1f900..=0x1f9ff
            | 0x20000..=0x3fffd => 2,
            _ => 1,
        })
        .sum()
}
