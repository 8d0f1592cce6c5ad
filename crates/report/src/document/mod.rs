//! A report as data: texts, tables and figures in their order. Nothing here knows where they come from or how
//! they are written.

mod block;
mod table;
mod text;

pub(crate) use block::{
    Block, CONTENTS_ANCHOR, Content, Definition, Document, Fold, FoldState, Group, ListKind, Place, Role,
    note_letter,
};
pub(crate) use table::{Cell, Column, RowGroup, Table};
pub(crate) use text::{Span, Style, Text, Tone};
