//! Text that people read: which foreign characters are harmful to show, and how many of something there are.

/// Whether `c` would act on a terminal or a page instead of being read there: a control character, line
/// ends and tabs among them, or one that turns the direction of what follows (Unicode's
/// `Bidi_Control`, <https://www.unicode.org/reports/tr9/>).
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A foreign text on one line: what is harmful is shown as a replacement character.
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// `1 case`, `2 cases`.
pub fn counted(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}
