//! Lays a document out on pages: headings, paragraphs, tables and figures, each with what a screen reader is told of it.
//!
//! Deliberately absent: what the document says, and how a page becomes a file.

use super::face::{Face, Style};

/// A4, in points.
pub(super) const PAGE: (f32, f32) = (595.28, 841.89);
const MARGIN: f32 = 51.0;
const TOP: f32 = 66.0;
const BOTTOM: f32 = 62.0;
pub(super) const LEFT: f32 = MARGIN;
pub(super) const WIDTH: f32 = PAGE.0 - 2.0 * MARGIN;
/// Of running text.
pub(super) const SIZE: f32 = 9.0;
const SMALL: f32 = 7.8;
/// From one line to the next, as a share of the size.
const LEADING: f32 = 1.36;
/// Between a cell's border and its text.
const PAD: f32 = 3.0;
/// More lines of one cell are cut off: the run folder has them.
const MAX_LINES: usize = 12;

/// A colour, as red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ink(pub u8, pub u8, pub u8);

pub(super) const BLACK: Ink = Ink(0x1a, 0x1c, 0x1f);
pub(super) const SOFT: Ink = Ink(0x55, 0x5c, 0x66);
pub(super) const LINE: Ink = Ink(0xc9, 0xce, 0xd6);
pub(super) const FAINT: Ink = Ink(0xf0, 0xf2, 0xf5);
pub(super) const GREEN: Ink = Ink(0x14, 0x6c, 0x2e);
pub(super) const RED: Ink = Ink(0xb3, 0x26, 0x1e);
pub(super) const AMBER: Ink = Ink(0x8a, 0x5a, 0x00);

/// Something on a page.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    Text { x: f32, y: f32, size: f32, style: Style, ink: Ink, text: String },
    Box { x: f32, y: f32, width: f32, height: f32, ink: Ink },
}

/// What belongs to which leaf of the tree; nothing, if a screen reader passes over it.
pub(super) type Placed = (Option<usize>, Mark);

/// What a part of the document is, for a screen reader.
#[derive(Clone, Debug)]
pub(super) enum Role {
    Heading(u16, String),
    Paragraph,
    Table(String),
    Row,
    HeadCell,
    RowHead,
    Cell,
    Figure(String),
}

/// A node of the tree: a part with parts in it, or marks on a page.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Part(Role, Vec<Node>),
    Leaf(usize),
}

/// A heading that a reader can jump to.
#[derive(Clone, Debug)]
pub(super) struct Bookmark {
    pub level: u16,
    pub text: String,
    pub page: usize,
    pub y: f32,
}

/// A piece of a table.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub text: String,
    pub ink: Ink,
    pub style: Style,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ink: BLACK, style: Style::Regular }
    }

    pub(super) fn bold(text: impl Into<String>) -> Self {
        Self { style: Style::Bold, ..Self::new(text) }
    }

    pub(super) fn inked(text: impl Into<String>, ink: Ink) -> Self {
        Self { ink, style: Style::Bold, ..Self::new(text) }
    }
}

/// A column: its head, and its share of the width.
pub(super) type Column = (&'static str, f32);

/// A document that is being laid out.
pub(super) struct Sheet {
    faces: &'static [Face; 2],
    pub pages: Vec<Vec<Placed>>,
    /// On which page each leaf is.
    pub leaves: Vec<usize>,
    pub tree: Vec<Node>,
    pub bookmarks: Vec<Bookmark>,
    y: f32,
}

impl Sheet {
    pub(super) fn new(faces: &'static [Face; 2]) -> Self {
        let (pages, leaves, tree, bookmarks) = (vec![Vec::new()], Vec::new(), Vec::new(), Vec::new());
        Self { faces, pages, leaves, tree, bookmarks, y: TOP }
    }

    /// A heading, with some room for what follows on the same page.
    pub(super) fn heading(&mut self, level: u16, text: &str) {
        let (size, before, keep) = match level {
            1 => (16.5, 0.0, 60.0),
            2 => (13.0, 16.0, 70.0),
            _ => (10.5, 10.0, 60.0),
        };
        let text = self.face(Style::Bold).cleaned(text);
        self.y += if self.y > TOP { before } else { 0.0 };
        self.need(size * LEADING + keep);
        let (page, y) = (self.pages.len() - 1, self.y);
        self.bookmarks.push(Bookmark { level, text: text.clone(), page, y });
        let mut leaves = Vec::new();
        for line in self.wrapped(&text, Style::Bold, size, WIDTH) {
            leaves.push(self.line(LEFT, size, Style::Bold, BLACK, line));
            self.y += size * LEADING;
        }
        self.y += 3.0;
        self.tree.push(Node::Part(Role::Heading(level, text), leaves));
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.text(text, SIZE, Style::Regular, BLACK);
    }

    pub(super) fn small(&mut self, text: &str) {
        self.text(text, SMALL, Style::Regular, SOFT);
    }

    pub(super) fn strong(&mut self, text: &str, ink: Ink) {
        self.text(text, 10.5, Style::Bold, ink);
    }

    fn text(&mut self, text: &str, size: f32, style: Style, ink: Ink) {
        let text = self.face(style).cleaned(text);
        let mut leaves = Vec::new();
        for line in self.wrapped(&text, style, size, WIDTH) {
            self.need(size * LEADING);
            leaves.push(self.line(LEFT, size, style, ink, line));
            self.y += size * LEADING;
        }
        self.y += 4.0;
        self.tree.push(Node::Part(Role::Paragraph, leaves));
    }

    /// A table without a head: what something is, and its value.
    pub(super) fn facts(&mut self, summary: &str, facts: &[(&str, String)]) {
        let rows = facts.iter().map(|(name, value)| vec![Cell::new(*name), Cell::new(value.clone())]);
        self.rows(summary, None, &[("", 0.28), ("", 0.72)], rows);
    }

    /// A table whose head stands on each page again.
    pub(super) fn table(
        &mut self,
        summary: &str,
        columns: &[Column],
        rows: impl IntoIterator<Item = Vec<Cell>>,
    ) {
        let head = columns.iter().map(|(head, _)| Cell { ink: SOFT, ..Cell::bold(*head) }).collect();
        self.rows(summary, Some(head), columns, rows);
    }

    fn rows(
        &mut self,
        summary: &str,
        head: Option<Vec<Cell>>,
        columns: &[Column],
        rows: impl IntoIterator<Item = Vec<Cell>>,
    ) {
        let mut parts = Vec::new();
        if let Some(head) = &head {
            // A head alone at the foot of a page is none.
            self.need(40.0);
            let leaves = self.row(head, columns, |_| Role::HeadCell, true);
            parts.push(leaves);
        }
        let role = |index: usize| if index == 0 { Role::RowHead } else { Role::Cell };
        for row in rows {
            let height = self.height(&row, columns);
            if self.y + height > PAGE.1 - BOTTOM {
                self.turn();
                if let Some(head) = &head {
                    self.row(head, columns, |_| Role::HeadCell, false);
                }
            }
            let leaves = self.row(&row, columns, role, true);
            parts.push(leaves);
        }
        self.y += 6.0;
        self.tree.push(Node::Part(Role::Table(summary.to_owned()), parts));
    }

    fn height(&self, row: &[Cell], columns: &[Column]) -> f32 {
        let lines = row.iter().zip(columns).map(|(cell, column)| self.cell_lines(cell, column).len());
        lines.max().unwrap_or(1) as f32 * SMALL * LEADING + 2.0 * PAD
    }

    fn cell_lines(&self, cell: &Cell, column: &Column) -> Vec<String> {
        let text = self.face(cell.style).cleaned(&cell.text);
        let mut lines = self.wrapped(&text, cell.style, SMALL, WIDTH * column.1 - 2.0 * PAD);
        if lines.len() > MAX_LINES {
            lines.truncate(MAX_LINES);
            if let Some(last) = lines.last_mut() {
                last.push('…');
            }
        }
        lines
    }

    /// Draws a row, and makes it a part of the tree if it is read.
    fn row(&mut self, row: &[Cell], columns: &[Column], role: impl Fn(usize) -> Role, is_read: bool) -> Node {
        let height = self.height(row, columns);
        let (mut x, top) = (LEFT, self.y);
        let mut cells = Vec::new();
        for (index, (cell, column)) in row.iter().zip(columns).enumerate() {
            let mut leaves = Vec::new();
            for (number, line) in self.cell_lines(cell, column).into_iter().enumerate() {
                let baseline = top + PAD + SMALL + number as f32 * SMALL * LEADING;
                let mark = Mark::Text {
                    x: x + PAD,
                    y: baseline,
                    size: SMALL,
                    style: cell.style,
                    ink: cell.ink,
                    text: line,
                };
                if is_read {
                    leaves.push(self.leaf(mark));
                } else {
                    self.put(None, mark);
                }
            }
            cells.push(Node::Part(role(index), leaves));
            x += WIDTH * column.1;
        }
        self.y = top + height;
        self.put(None, Mark::Box { x: LEFT, y: self.y, width: WIDTH, height: 0.5, ink: LINE });
        Node::Part(Role::Row, cells)
    }

    /// Something drawn, in a box of its own; `draw` gets the upper left corner.
    pub(super) fn figure(
        &mut self,
        height: f32,
        described: String,
        draw: impl FnOnce((f32, f32)) -> Vec<Mark>,
    ) {
        self.need(height);
        let marks = draw((LEFT, self.y));
        let leaf = self.leaves.len();
        self.leaves.push(self.pages.len() - 1);
        marks.into_iter().for_each(|mark| self.put(Some(leaf), mark));
        self.y += height + 4.0;
        self.tree.push(Node::Part(Role::Figure(described), vec![Node::Leaf(leaf)]));
    }

    /// A text as it can be shown, cut off where it would be wider than that.
    pub(super) fn fitted(&self, text: &str, style: Style, size: f32, width: f32) -> String {
        let text = self.face(style).cleaned(text);
        let mut lines = self.wrapped(&text, style, size, width).into_iter();
        let first = lines.next().unwrap_or_default();
        if lines.next().is_some() { first + "…" } else { first }
    }

    fn face(&self, style: Style) -> &'static Face {
        Face::of(style, self.faces)
    }

    /// Turns the page if so much has no room on it.
    pub(super) fn need(&mut self, height: f32) {
        if self.y + height > PAGE.1 - BOTTOM {
            self.turn();
        }
    }

    fn turn(&mut self) {
        self.pages.push(Vec::new());
        self.y = TOP;
    }

    fn put(&mut self, leaf: Option<usize>, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push((leaf, mark));
        }
    }

    fn leaf(&mut self, mark: Mark) -> Node {
        let leaf = self.leaves.len();
        self.leaves.push(self.pages.len() - 1);
        self.put(Some(leaf), mark);
        Node::Leaf(leaf)
    }

    fn line(&mut self, x: f32, size: f32, style: Style, ink: Ink, text: String) -> Node {
        let y = self.y + size;
        self.leaf(Mark::Text { x, y, size, style, ink, text })
    }

    /// A clean text in lines of a width. What has no space in it is broken where it must be.
    fn wrapped(&self, text: &str, style: Style, size: f32, width: f32) -> Vec<String> {
        let face = self.face(style);
        let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0.0);
        for word in text.split_inclusive([' ', '/', '-', '~', ',']) {
            let length = face.width(word) * size;
            if used + length - trailing(face, word) * size > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0.0;
            }
            if length <= width {
                line.push_str(word);
                used += length;
                continue;
            }
            for c in word.chars() {
                let own = face.width(c.encode_utf8(&mut [0; 4])) * size;
                if used + own > width && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push(c);
                used += own;
            }
        }
        if !line.is_empty() || lines.is_empty() {
            lines.push(line.trim_end().to_owned());
        }
        lines
    }
}

/// How wide the space at a word's end is, in ems: it may stand beyond the edge.
fn trailing(face: &Face, word: &str) -> f32 {
    if word.ends_with(' ') { face.width(" ") } else { 0.0 }
}
