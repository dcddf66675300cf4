//! Which characters of a foreign text are harmful to show.

/// Whether `c` would act on a terminal or a page instead of being read there: a control character, line
/// ends and tabs among them, or one that turns the direction of what follows (Unicode's
/// `Bidi_Control`, <https://www.unicode.org/reports/tr9/>).
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
