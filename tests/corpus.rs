//! The recorded answers of ansible-core. In a binary of its own, for the cases set the working directory and the environment.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rplay_corpus::{CORPORA, Known, score};

/// There is one working directory.
static ALONE: Mutex<()> = Mutex::new(());

/// Cases of the corpora changed at random, and templates composed at random, that once had other answers than ansible-core's.
#[test]
fn mutated_cases_are_answered_alike() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/mutated");
    let mut wrong = Vec::new();
    let mut files = 0;
    for corpus in CORPORA {
        let Some(score) = score(&folder, corpus, &|_| true) else { continue };
        files += 1;
        wrong.extend(score.failures.iter().map(|(id, details)| format!("{id}\n{details}")));
    }
    assert!(files == 8 && wrong.is_empty(), "{files} files\n{}", wrong.join("\n"));
}

/// Filters, tests and lookups of collections, with the answers of the originals.
#[test]
fn plugins_of_collections_answer_alike() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/collections");
    let mut wrong = Vec::new();
    for corpus in CORPORA {
        let Some(score) = score(&folder, corpus, &|_| true) else { continue };
        wrong.extend(score.failures.iter().map(|(id, details)| format!("{id}\n{details}")));
    }
    assert!(wrong.is_empty(), "{} cases\n{}", wrong.len(), wrong.join("\n"));
}

/// Every case is answered as ansible-core answers, but for those that `known-failures` names with a reason.
#[test]
fn recorded_cases_are_answered_alike() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/corpus");
    let known = Known::read(&folder).expect("well formed");
    let mut wrong = Vec::new();
    for corpus in CORPORA {
        let score = score(&folder, corpus, &|_| true).expect("the file is there");
        wrong.extend(known.judge(corpus, &score));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
