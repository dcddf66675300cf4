//! Typefaces: which glyph shows a character, and how wide it is.
//!
//! Deliberately absent: shaping. Every character stands by itself, from left to right; what is printed is English, and
//! words of a lock are shown so that nothing in them can hide.

use std::sync::LazyLock;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// What stands for a character that the face does not have.
const MISSING: char = '\u{fffd}';

/// Which face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Regular,
    Bold,
}

/// A face of the report: DejaVu Sans Condensed, which has Latin, Greek, Cyrillic and the signs that are needed.
pub(super) struct Face {
    glyphs: FontRef<'static>,
    pub font: Font,
}

/// The faces, read once.
static FACES: LazyLock<Option<[Face; 2]>> = LazyLock::new(|| {
    let read = |bytes: &'static [u8]| {
        Some(Face { glyphs: FontRef::new(bytes).ok()?, font: Font::new(bytes.to_vec().into(), 0)? })
    };
    Some([read(dejavu::sans_condensed::regular())?, read(dejavu::sans_condensed::bold())?])
});

/// The faces, unless they can't be read.
pub(super) fn faces() -> Option<&'static [Face; 2]> {
    FACES.as_ref()
}

impl Face {
    pub(super) fn of(style: Style, faces: &'static [Face; 2]) -> &'static Face {
        match style {
            Style::Regular => &faces[0],
            Style::Bold => &faces[1],
        }
    }

    /// A character that can be shown: itself, or the sign for one that can't.
    fn shown(&self, c: char) -> char {
        let is_private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
        let is_text = !c.is_control() && !is_private && !matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}');
        let has = |c: char| self.glyphs.charmap().map(c).is_some_and(|glyph| glyph.to_u32() != 0);
        if is_text && has(c) { c } else { MISSING }
    }

    /// The same text with nothing in it that can't be shown.
    pub(super) fn cleaned(&self, text: &str) -> String {
        text.chars().map(|c| self.shown(c)).collect()
    }

    /// How wide a clean text is, in ems.
    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars().map(|c| self.advance(c).1).sum()
    }

    fn advance(&self, c: char) -> (GlyphId, f32) {
        let glyph = self.glyphs.charmap().map(c).unwrap_or_default();
        let metrics = self.glyphs.glyph_metrics(Size::new(1.0), LocationRef::default());
        (GlyphId::new(glyph.to_u32()), metrics.advance_width(glyph).unwrap_or_default())
    }

    /// The glyphs of a clean text.
    pub(super) fn glyphs(&self, text: &str) -> Vec<KrillaGlyph> {
        let one = |(at, c): (usize, char)| {
            let (glyph, advance) = self.advance(c);
            KrillaGlyph::new(glyph, advance, 0.0, 0.0, 0.0, at..at + c.len_utf8(), None)
        };
        text.char_indices().map(one).collect()
    }
}
