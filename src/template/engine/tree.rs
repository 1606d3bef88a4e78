//! A template, ready to run: owned, shared between threads, names of filters and tests already looked up.

use std::path::Path;
use std::sync::Arc;

use super::arguments::Name;
use crate::catalog::Kind;
use crate::template::filters::Filter;
use crate::template::tests::Test;
use crate::value::{Str, Value};

#[derive(Debug, Default)]
pub struct Template {
    /// The file that it was loaded from by another template.
    pub path: Option<Arc<Path>>,
    pub body: Vec<Node>,
    pub blocks: Vec<(Name, Arc<Vec<Node>>)>,
    pub extends: bool,
    /// How many newlines the source ends with.
    pub trailing_newlines: usize,
    /// `#jinja2:` of files: written where a text ends its lines.
    pub last_newline: &'static str,
}

#[derive(Debug)]
pub struct Node {
    pub line: u32,
    pub statement: Statement,
}

#[derive(Debug)]
pub enum Statement {
    Text(Str),
    Emit(Expr),
    For(Arc<For>),
    If(Expr, Vec<Node>, Vec<Node>),
    With(Vec<(Target, Expr)>, Vec<Node>),
    Set(Target, Expr),
    SetBlock(Target, Vec<Step>, Vec<Node>),
    Filter(Vec<Step>, Vec<Node>),
    Scope(Vec<Node>),
    Block(Block),
    Extends(Expr),
    Include { name: Expr, ignore_missing: bool, with_context: bool },
    Import { name: Expr, target: Name, with_context: bool },
    FromImport { name: Expr, names: Vec<(Name, Name)>, with_context: bool },
    Macro(Arc<Macro>),
    Call(Box<Expr>, Arc<Macro>),
    Do(Expr),
    Break,
    Continue,
}

#[derive(Debug)]
pub struct Block {
    pub name: Name,
    pub required: bool,
    /// It sees the names around it, and not only those of the template.
    pub scoped: bool,
}

#[derive(Debug)]
pub struct For {
    pub target: Target,
    pub iter: Expr,
    pub filter: Option<Expr>,
    pub recursive: bool,
    pub body: Vec<Node>,
    pub otherwise: Vec<Node>,
}

#[derive(Debug)]
pub struct Macro {
    pub name: Name,
    pub parameters: Vec<Name>,
    /// For the last parameters.
    pub defaults: Vec<Expr>,
    pub body: Vec<Node>,
    /// What the body asks for; decides which extra arguments are accepted.
    pub uses_varargs: bool,
    pub uses_kwargs: bool,
    pub uses_caller: bool,
}

#[derive(Debug)]
pub enum Target {
    Name(Name),
    Attribute(Name, Name),
    Many(Vec<Target>),
}

#[derive(Debug)]
pub enum Expr {
    Const(Value),
    /// A literal that holds a template itself, where Ansible still renders it (lookup arguments, conditions).
    Embedded(Str),
    Var(Name),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Neg(Box<Expr>),
    Plus(Box<Expr>),
    Not(Box<Expr>),
    /// Operators of one precedence from left to right.
    Arithmetic(Box<Expr>, Vec<(Operator, Expr)>),
    Concat(Vec<Expr>),
    Compare(Box<Expr>, Vec<(Comparison, Expr)>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    If(Box<(Expr, Expr, Option<Expr>)>),
    Chain(Box<Expr>, Vec<Step>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Rem,
    Pow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
}

/// What follows a value.
#[derive(Debug)]
pub enum Step {
    Attribute(Name),
    Item(Expr),
    Slice(Box<[Option<Expr>; 3]>),
    Call(CallArguments),
    Method(Name, CallArguments),
    Filter(&'static Filter, CallArguments),
    Test(&'static Test, CallArguments),
    /// A filter or test in Python.
    Foreign(Kind, &'static str, CallArguments),
    /// A filter or test that does not exist, in a branch that may never run.
    Missing(String),
}

#[derive(Debug, Default)]
pub struct CallArguments(pub Vec<CallArgument>);

#[derive(Debug)]
pub enum CallArgument {
    Positional(Expr),
    Named(Name, Expr),
    Unpack(Expr),
    UnpackNamed(Expr),
}
