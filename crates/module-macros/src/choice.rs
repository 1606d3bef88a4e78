//! An enum of choices.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, LitStr, Variant};

pub fn derive(input: &DeriveInput) -> Result<TokenStream, Error> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "choices are the variants of an enum"));
    };
    let name = &input.ident;
    let mut variants = Vec::new();
    let mut texts = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(variant, "a choice has no fields"));
        }
        variants.push(&variant.ident);
        texts.push(text(variant)?);
    }
    Ok(quote! {
        impl #name {
            /// The choice as it is written.
            #[allow(dead_code, clippy::trivially_copy_pass_by_ref)]
            pub const fn text(&self) -> &'static str {
                match self { #(Self::#variants => #texts,)* }
            }
        }
        impl ::rplay_module_api::ArgType for #name {
            const KIND: ::rplay_module_api::Kind = ::rplay_module_api::Kind::Str;
            const CHOICES: &'static [&'static str] = &[#(#texts),*];
            fn from_json(value: ::rplay_module_api::Json) -> ::std::result::Result<Self, ::std::string::String> {
                match value.as_str() {
                    #(::std::option::Option::Some(#texts) => ::std::result::Result::Ok(Self::#variants),)*
                    _ => ::std::result::Result::Err(::std::format!(
                        "must be one of: {}, got: {}",
                        <Self as ::rplay_module_api::ArgType>::CHOICES.join(", "),
                        ::rplay_module_api::validate::python_str(&value)
                    )),
                }
            }
        }
    })
}

/// What a user writes for the variant: its name in snake case, or what `#[choice("…")]` says.
fn text(variant: &Variant) -> Result<String, Error> {
    for attribute in &variant.attrs {
        if attribute.path().is_ident("choice") {
            return Ok(attribute.parse_args::<LitStr>()?.value());
        }
    }
    let mut text = String::new();
    for letter in variant.ident.to_string().chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    Ok(text)
}
