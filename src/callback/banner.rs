//! Headings with stars.

use unicode_width::UnicodeWidthStr;

/// `PLAY [all] ****…` after an empty line; the stars fill the line, there are three at least.
pub fn banner(title: &str, columns: usize) -> String {
    let title = title.trim();
    let stars = columns.saturating_sub(title.width()).max(3);
    format!("\n{title} {}", "*".repeat(stars))
}

#[cfg(test)]
mod tests {
    use super::banner;

    #[test]
    fn the_line_is_filled() {
        assert_eq!(banner("PLAY [all]", 79), format!("\nPLAY [all] {}", "*".repeat(69)));
        assert_eq!(
            banner("TASK [日本語 ✓]", 30),
            format!("\nTASK [日本語 ✓] {}", "*".repeat(15)),
            "columns of a terminal, not letters"
        );
        assert_eq!(banner(&"x".repeat(100), 79), format!("\n{} ***", "x".repeat(100)));
    }
}
