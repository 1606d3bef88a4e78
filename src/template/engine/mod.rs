//! Running templates: minijinja parses, and this runs the tree with Python's meaning of every operation.
//!
//! minijinja's own machine is not used. Its values can't say what Ansible's templates need: an undefined that
//! names what is missing and passes through filters, native results through `set` and macros, integers of any size,
//! lists that can be appended to, and variables whose templates render when they are looked at.

pub mod arguments;
pub mod attributes;
mod charmap;
pub mod comparison;
pub mod compile;
pub mod context;
mod data;
mod dismantle;
pub mod encoding;
pub mod eval;
pub mod frame;
pub mod functions;
mod lipsum;
pub(super) mod literals;
mod loops;
mod lower;
mod macros;
pub mod marks;
pub mod markup;
pub mod methods;
pub mod module;
mod normalize;
pub mod number;
pub mod objects;
pub mod operators;
pub mod out;
pub mod output;
pub mod print;
mod repair;
pub mod run;
pub mod tree;
pub mod val;

/// Whether rendering a text could change it.
pub fn is_template(text: &str) -> bool {
    if text.starts_with("#jinja2:") {
        return true;
    }
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        rest = &rest[at + 1..];
        if rest.starts_with(['{', '%', '#']) {
            return true;
        }
    }
    false
}
