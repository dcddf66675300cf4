//! `--laboratory FILE`: what only people can say of a certification, for the conformity report.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::evidence::{Commission, Party};
use crate::yaml::{self, Diagnostics, Place, Scalar, Source, Spanned};

/// More of one text has no room on a title page.
const LONGEST: usize = 300;

type Word = Spanned<Scalar>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommissionSyntax {
    laboratory: LaboratorySyntax,
    customer: Option<CustomerSyntax>,
    #[serde(default)]
    item: ItemSyntax,
    deviations: Option<Word>,
    external: Option<Word>,
    authorised_by: AuthoriserSyntax,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LaboratorySyntax {
    name: Word,
    address: Word,
    location: Option<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomerSyntax {
    name: Word,
    contact: Option<Word>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemSyntax {
    condition: Option<Word>,
    received: Option<Word>,
    sampling: Option<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthoriserSyntax {
    name: Word,
    function: Option<Word>,
}

/// Reads the file.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read(path: &Path, bytes: Vec<u8>) -> Result<Commission, Diagnostics> {
    let mut findings = Diagnostics::default();
    let source = match Source::new(&path.display().to_string(), bytes) {
        Ok(source) => source,
        Err(error) => {
            findings.push(error);
            return Err(findings);
        }
    };
    let syntax: CommissionSyntax = match yaml::load(&source, &[]) {
        Ok(syntax) => syntax,
        Err(error) => {
            findings.push(error);
            return Err(findings);
        }
    };
    let commission = lowered(&syntax, &source, &mut findings);
    if findings.has_errors() { Err(findings) } else { Ok(commission) }
}

fn lowered(syntax: &CommissionSyntax, source: &Arc<Source>, findings: &mut Diagnostics) -> Commission {
    let mut text = |word: &Word| {
        let (place, text) = (Place::of(source, word), word.value.0.trim().to_owned());
        if text.is_empty() {
            findings.error_with_hint(
                &place,
                "it is empty",
                "leave the field out, or say what is to be reported",
            );
        } else if text.chars().count() > LONGEST {
            findings.error(&place, format!("it is longer than {LONGEST} characters"));
        } else if text.chars().any(char::is_control) {
            findings.error(&place, "it has a line break or another control character");
        }
        text
    };
    let CommissionSyntax { laboratory, customer, item, deviations, external, authorised_by } = syntax;
    let commission = Commission {
        laboratory: Party { name: text(&laboratory.name), detail: Some(text(&laboratory.address)) },
        location: laboratory.location.as_ref().map(&mut text),
        customer: customer.as_ref().map(|customer| Party {
            name: text(&customer.name),
            detail: customer.contact.as_ref().map(&mut text),
        }),
        condition: item.condition.as_ref().map(&mut text),
        received: item.received.as_ref().map(&mut text),
        sampling: item.sampling.as_ref().map(&mut text),
        deviations: deviations.as_ref().map(&mut text),
        external: external.as_ref().map(&mut text),
        authorised_by: Party {
            name: text(&authorised_by.name),
            detail: authorised_by.function.as_ref().map(&mut text),
        },
    };
    if let (Some(word), Some(received)) = (&item.received, &commission.received)
        && received.parse::<jiff::civil::Date>().is_err()
    {
        findings.error_with_hint(
            &Place::of(source, word),
            format!("`{received}` is not a date"),
            "write it as 2026-11-29",
        );
    }
    commission
}
