//! Pages as a file: PDF/A-3b that is tagged as PDF/UA-1 wants it, with bookmarks and an attachment.

use std::num::NonZeroU16;

use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, Node as Tagged, SpanTag, TableHeaderScope, Tag, TagGroup,
    TagTree,
};
use krilla::{Document, SerializeSettings};

use super::face::{Face, Style};
use super::sheet::{Bookmark, Ink, LEFT, Mark, Node, PAGE, RED, Role, SOFT, Sheet, WIDTH};

/// What stands on every page, and what the file says of itself.
pub(super) struct Imprint {
    pub title: String,
    /// The report's unique identification.
    pub id: String,
    /// What nobody must overlook, on every page.
    pub warning: Option<String>,
    /// When the report was issued, UTC: `2026-11-29T15:00:00Z`.
    pub issued: String,
    pub authors: Vec<String>,
    pub tool: String,
    /// A file within the file: its name, what it is, and its bytes.
    pub attachment: Option<(String, String, Vec<u8>)>,
}

/// Writes the file.
///
/// # Errors
/// Why it can't be one, as a text for people.
pub(super) fn written(sheet: Sheet, imprint: Imprint, faces: &'static [Face; 2]) -> Result<Vec<u8>, String> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A3_B)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| format!("{error:?}"))?;
    let settings = SerializeSettings { configuration, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    let count = sheet.pages.len();
    let mut identifiers: Vec<Option<Identifier>> = vec![None; sheet.leaves.len()];
    for (index, marks) in sheet.pages.into_iter().enumerate() {
        let size = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or("no such page")?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        edge(&mut surface, &imprint, index + 1, count, faces);
        let mut marks = marks.into_iter().peekable();
        while let Some((leaf, mark)) = marks.next() {
            let identifier = match leaf {
                Some(_) => surface.start_tagged(match &mark {
                    Mark::Text { .. } => ContentTag::Span(SpanTag::empty()),
                    Mark::Box { .. } => ContentTag::Other,
                }),
                None => surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(ArtifactType::Other))),
            };
            draw(&mut surface, mark, faces);
            while let Some((_, mark)) = marks.next_if(|(next, _)| leaf.is_some() && *next == leaf) {
                draw(&mut surface, mark, faces);
            }
            surface.end_tagged();
            if let Some(known) = leaf.and_then(|leaf| identifiers.get_mut(leaf)) {
                *known = Some(identifier);
            }
        }
        surface.finish();
        page.finish();
    }
    let mut tree = TagTree::new().with_lang(Some("en".to_owned()));
    sheet.tree.into_iter().filter_map(|node| tagged(node, &mut identifiers)).for_each(|node| tree.push(node));
    document.set_tag_tree(tree);
    document.set_outline(outline(&sheet.bookmarks));
    let date = date(&imprint.issued);
    let mut metadata = Metadata::new()
        .title(imprint.title)
        .document_id(imprint.id)
        .language("en".to_owned())
        .creator(imprint.tool.clone())
        .producer(imprint.tool)
        .authors(imprint.authors);
    metadata = match date {
        Some(date) => metadata.creation_date(date),
        None => metadata,
    };
    document.set_metadata(metadata);
    if let Some((name, description, bytes)) = imprint.attachment {
        let file = EmbeddedFile {
            path: name,
            mime_type: MimeType::new("application/json"),
            description: Some(description),
            association_kind: AssociationKind::Data,
            data: bytes.into(),
            modification_date: date,
            compress: Some(true),
            location: None,
        };
        document.embed_file(file).ok_or("the attachment has a name twice")?;
    }
    document.finish().map_err(|error| format!("{error:?}"))
}

/// Head and foot of a page.
fn edge(
    surface: &mut Surface<'_>,
    imprint: &Imprint,
    number: usize,
    count: usize,
    faces: &'static [Face; 2],
) {
    let text = |surface: &mut Surface<'_>, kind, x: f32, y: f32, style, ink, text: &str| {
        let text = Face::of(style, faces).cleaned(text);
        surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(kind)));
        draw(surface, Mark::Text { x, y, size: 7.8, style, ink, text }, faces);
        surface.end_tagged();
    };
    let right = |words: &str, style| LEFT + WIDTH - Face::of(style, faces).width(words) * 7.8;
    text(surface, ArtifactType::Header, LEFT, 40.0, Style::Regular, SOFT, &imprint.title);
    if let Some(warning) = &imprint.warning {
        let x = right(warning, Style::Bold);
        text(surface, ArtifactType::Header, x, 40.0, Style::Bold, RED, warning);
    }
    let id = format!("Report {}", imprint.id);
    text(surface, ArtifactType::Footer, LEFT, PAGE.1 - 36.0, Style::Regular, SOFT, &id);
    let page = format!("page {number} of {count}");
    let x = right(&page, Style::Regular);
    text(surface, ArtifactType::PageNumber, x, PAGE.1 - 36.0, Style::Regular, SOFT, &page);
}

fn draw(surface: &mut Surface<'_>, mark: Mark, faces: &'static [Face; 2]) {
    let fill = |Ink(red, green, blue): Ink| {
        Some(Fill { paint: rgb::Color::new(red, green, blue).into(), ..Fill::default() })
    };
    match mark {
        Mark::Text { x, y, size, style, ink, text } => {
            let face = Face::of(style, faces);
            surface.set_fill(fill(ink));
            surface.draw_glyphs(
                Point::from_xy(x, y),
                &face.glyphs(&text),
                face.font.clone(),
                &text,
                size,
                false,
            );
        }
        Mark::Box { x, y, width, height, ink } => {
            let mut path = PathBuilder::new();
            let rect = Rect::from_xywh(x, y, width.max(0.01), height.max(0.01));
            rect.into_iter().for_each(|rect| path.push_rect(rect));
            if let Some(path) = path.finish() {
                surface.set_fill(fill(ink));
                surface.draw_path(&path);
            }
        }
    }
}

/// A part of the tree with the marks that it has on its pages.
fn tagged(node: Node, identifiers: &mut Vec<Option<Identifier>>) -> Option<Tagged> {
    let (role, nodes) = match node {
        Node::Leaf(leaf) => return identifiers.get_mut(leaf)?.take().map(Tagged::from),
        Node::Part(role, nodes) => (role, nodes),
    };
    let mut group = match role {
        Role::Heading(level, text) => TagGroup::new(Tag::Hn(NonZeroU16::new(level)?, Some(text))),
        Role::Paragraph => TagGroup::new(Tag::P),
        Role::Table(summary) => TagGroup::new(Tag::Table.with_summary(Some(summary))),
        Role::Row => TagGroup::new(Tag::TR),
        Role::HeadCell => TagGroup::new(Tag::TH(TableHeaderScope::Column)),
        Role::RowHead => TagGroup::new(Tag::TH(TableHeaderScope::Row)),
        Role::Cell => TagGroup::new(Tag::TD),
        Role::Figure(described) => TagGroup::new(Tag::Figure(Some(described))),
    };
    nodes.into_iter().filter_map(|node| tagged(node, identifiers)).for_each(|node| group.push(node));
    Some(group.into())
}

/// Headings of the second level with those of the third below them; the title itself is the document.
fn outline(bookmarks: &[Bookmark]) -> Outline {
    let mut outline = Outline::new();
    let node = |mark: &Bookmark| {
        OutlineNode::new(mark.text.clone(), XyzDestination::new(mark.page, Point::from_xy(LEFT, mark.y)))
    };
    let mut open: Option<OutlineNode> = None;
    for mark in bookmarks {
        match (mark.level, &mut open) {
            (3.., Some(parent)) => parent.push_child(node(mark)),
            _ => {
                open.replace(node(mark)).into_iter().for_each(|done| outline.push_child(done));
            }
        }
    }
    open.into_iter().for_each(|last| outline.push_child(last));
    outline
}

/// A time as the file's own; nothing, if it is none.
fn date(utc: &str) -> Option<DateTime> {
    let number = |range: std::ops::Range<usize>| utc.get(range).and_then(|digits| digits.parse::<u16>().ok());
    let small = |range| number(range).and_then(|number| u8::try_from(number).ok());
    Some(
        DateTime::new(number(0..4)?)
            .month(small(5..7)?)
            .day(small(8..10)?)
            .hour(small(11..13)?)
            .minute(small(14..16)?)
            .second(small(17..19)?)
            .utc_offset_hour(0)
            .utc_offset_minute(0),
    )
}
