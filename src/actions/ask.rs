//! Questions to the user. Whoever owns the terminal asks them, after everything that was said before.

#[derive(Clone, Debug)]
pub struct Question {
    pub text: String,
    /// What is typed isn't shown.
    pub secret: bool,
    /// A file or a program may answer, too; the question is part of the output then.
    pub piped: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Text(String),
    /// Nobody is there to be asked.
    NotInteractive,
    /// The input ended or can't be read.
    Lost(String),
}
