//! Headings with stars.

/// `PLAY [all] ****…` after an empty line; the stars fill the line, there are three at least.
pub fn banner(title: &str, columns: usize) -> String {
    let title = title.trim();
    let stars = columns.saturating_sub(title.chars().count()).max(3);
    format!("\n{title} {}", "*".repeat(stars))
}

#[cfg(test)]
mod tests {
    use super::banner;

    #[test]
    fn the_line_is_filled() {
        assert_eq!(banner("PLAY [all]", 79), format!("\nPLAY [all] {}", "*".repeat(69)));
        assert_eq!(banner(&"x".repeat(100), 79), format!("\n{} ***", "x".repeat(100)));
    }
}
