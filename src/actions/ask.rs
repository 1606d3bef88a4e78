//! Questions to the user. Whoever owns the terminal asks them, after everything that was said before.

use std::time::Duration;

#[derive(Clone, Debug, Default)]
pub struct Question {
    pub text: String,
    /// What is typed isn't shown.
    pub secret: bool,
    /// A file or a program may answer, too; the question is part of the output then.
    pub piped: bool,
    /// The run stands still for it: Ctrl+C asks whether to go on or to give up.
    pub pause: Option<Pause>,
}

#[derive(Clone, Copy, Debug)]
pub enum Pause {
    /// A line of text is the answer.
    UntilAnswered,
    /// Whatever is typed is passed over.
    For(Duration),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Text(String),
    /// Nobody is there to be asked.
    NotInteractive,
    /// The user wants no more of what asked.
    Aborted,
    /// The input ended or can't be read.
    Lost(String),
}
