//! Derives the specification of a module from the struct of its arguments, so that each argument is said once.
//! What the attributes mean is written at `rplay_module_api::ArgSet` and `Choice`.

mod args;
mod choice;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// `ArgSet` for a struct of arguments; with `#[module(name = "…")]` also its `SPEC`.
#[proc_macro_derive(ModuleArgs, attributes(module, arg))]
pub fn module_args(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    args::derive(&input).unwrap_or_else(|err| err.to_compile_error()).into()
}

/// `ArgType` for an enum whose variants are the choices of an argument.
#[proc_macro_derive(Choice, attributes(choice))]
pub fn choice(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    choice::derive(&input).unwrap_or_else(|err| err.to_compile_error()).into()
}

/// The text of `///` comments, in one line.
fn documentation(attributes: &[syn::Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
