//! A struct of arguments.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, LitBool, LitStr, Path, Token, Type, parenthesized};

use crate::documentation;

pub fn derive(input: &DeriveInput) -> Result<TokenStream, Error> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "arguments are the fields of a struct"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(&input.ident, "arguments have names"));
    };
    let set = SetAttributes::read(input)?;
    let (mut own, mut shared, mut takes) = (Vec::new(), Vec::new(), Vec::new());
    for field in &fields.named {
        let attributes = FieldAttributes::read(field)?;
        let (name, kind) = (&field.ident, &field.ty);
        if attributes.flatten {
            shared.push(quote!(<#kind as ::rplay_module_api::ArgSet>::ARGS));
            takes.push(quote!(#name: <#kind as ::rplay_module_api::ArgSet>::take(args)?));
        } else {
            let index = own.len();
            own.push(attributes.row(field)?);
            takes.push(quote!(#name: ::rplay_module_api::take_arg(args, &Self::ARGS[#index])?));
        }
    }
    let (name, rules) = (&input.ident, &set.rules);
    let spec = set.name.as_ref().map(|_| set.spec(name, &documentation(&input.attrs)));
    Ok(quote! {
        impl ::rplay_module_api::ArgSet for #name {
            const ARGS: &'static [::rplay_module_api::Arg] = &[#(#own),*];
            const SHARED: &'static [&'static [::rplay_module_api::Arg]] = &[#(#shared),*];
            const RULES: &'static [::rplay_module_api::Rule] = &[#(#rules),*];
            fn take(
                args: &mut ::rplay_module_api::Map<::std::string::String, ::rplay_module_api::Json>,
            ) -> ::std::result::Result<Self, ::rplay_module_api::Failure> {
                ::std::result::Result::Ok(Self { #(#takes),* })
            }
        }
        impl ::rplay_module_api::ArgType for #name {
            const KIND: ::rplay_module_api::Kind = ::rplay_module_api::Kind::Dict;
            const OPTIONS: &'static [::rplay_module_api::Arg] = <Self as ::rplay_module_api::ArgSet>::ARGS;
            fn from_json(value: ::rplay_module_api::Json) -> ::std::result::Result<Self, ::std::string::String> {
                ::rplay_module_api::args_from_json(value)
            }
        }
        #spec
    })
}

/// What stands at the struct.
#[derive(Default)]
struct SetAttributes {
    name: Option<LitStr>,
    check_mode: Option<LitBool>,
    free_form: Option<LitStr>,
    rules: Vec<TokenStream>,
}

impl SetAttributes {
    fn read(input: &DeriveInput) -> Result<Self, Error> {
        let mut set = Self::default();
        for attribute in input.attrs.iter().filter(|it| it.path().is_ident("module")) {
            attribute.parse_nested_meta(|meta| set.one(&meta))?;
        }
        Ok(set)
    }

    fn one(&mut self, meta: &ParseNestedMeta) -> Result<(), Error> {
        let keyword = meta.path.require_ident()?.to_string();
        match keyword.as_str() {
            "name" => self.name = Some(meta.value()?.parse()?),
            "check_mode" => self.check_mode = Some(meta.value()?.parse()?),
            "free_form" => self.free_form = Some(meta.value()?.parse()?),
            "mutually_exclusive" => self.rules.push(names_rule(&quote!(MutuallyExclusive), meta)?),
            "required_together" => self.rules.push(names_rule(&quote!(RequiredTogether), meta)?),
            "required_one_of" => self.rules.push(names_rule(&quote!(RequiredOneOf), meta)?),
            "required_if" | "required_if_any" => self.rules.push(required_if(keyword == "required_if_any", meta)?),
            "required_by" => self.rules.push(required_by(meta)?),
            _ => return Err(meta.error("no such attribute of a module")),
        }
        Ok(())
    }

    fn spec(&self, args: &Ident, summary: &str) -> TokenStream {
        let name = &self.name;
        let check_mode = self.check_mode.as_ref().is_none_or(LitBool::value);
        let free_form = match &self.free_form {
            Some(text) => quote!(::std::option::Option::Some(#text)),
            None => quote!(::std::option::Option::None),
        };
        quote! {
            impl #args {
                pub const SPEC: ::rplay_module_api::Spec = ::rplay_module_api::Spec {
                    name: #name,
                    summary: #summary,
                    args: <Self as ::rplay_module_api::ArgSet>::ARGS,
                    shared: <Self as ::rplay_module_api::ArgSet>::SHARED,
                    rules: <Self as ::rplay_module_api::ArgSet>::RULES,
                    check_mode: #check_mode,
                    free_form: #free_form,
                    ..::rplay_module_api::Spec::EMPTY
                };
            }
        }
    }
}

fn names(meta: &ParseNestedMeta) -> Result<Punctuated<LitStr, Token![,]>, Error> {
    let inside;
    parenthesized!(inside in meta.input);
    Punctuated::parse_terminated(&inside)
}

fn names_rule(rule: &TokenStream, meta: &ParseNestedMeta) -> Result<TokenStream, Error> {
    let names = names(meta)?;
    Ok(quote!(::rplay_module_api::Rule::#rule(&[#names])))
}

/// `required_if(state = "link", "src", "dest")`
fn required_if(any: bool, meta: &ParseNestedMeta) -> Result<TokenStream, Error> {
    let inside;
    parenthesized!(inside in meta.input);
    let arg = inside.call(Ident::parse_any)?.to_string();
    inside.parse::<Token![=]>()?;
    let value: LitStr = inside.parse()?;
    inside.parse::<Token![,]>()?;
    let needs: Punctuated<LitStr, Token![,]> = Punctuated::parse_terminated(&inside)?;
    Ok(quote!(::rplay_module_api::Rule::RequiredIf { arg: #arg, value: #value, needs: &[#needs], any: #any }))
}

/// `required_by("client_key", "client_cert")`: the first needs all the others.
fn required_by(meta: &ParseNestedMeta) -> Result<TokenStream, Error> {
    let names = names(meta)?;
    let mut names = names.iter();
    let arg = names.next().ok_or_else(|| meta.error("which argument?"))?;
    Ok(quote!(::rplay_module_api::Rule::RequiredBy { arg: #arg, needs: &[#(#names),*] }))
}

/// What stands at a field.
#[derive(Default)]
struct FieldAttributes {
    name: Option<LitStr>,
    kind: Option<Path>,
    elements: Option<Path>,
    default: Option<LitStr>,
    aliases: Vec<LitStr>,
    choices: Vec<LitStr>,
    required: Option<LitBool>,
    no_log: bool,
    internal: bool,
    flatten: bool,
}

impl FieldAttributes {
    fn read(field: &Field) -> Result<Self, Error> {
        let mut found = Self::default();
        for attribute in field.attrs.iter().filter(|it| it.path().is_ident("arg")) {
            attribute.parse_nested_meta(|meta| found.one(&meta))?;
        }
        Ok(found)
    }

    fn one(&mut self, meta: &ParseNestedMeta) -> Result<(), Error> {
        match meta.path.require_ident()?.to_string().as_str() {
            "name" => self.name = Some(meta.value()?.parse()?),
            "kind" => self.kind = Some(meta.value()?.parse()?),
            "elements" => self.elements = Some(meta.value()?.parse()?),
            "default" => self.default = Some(meta.value()?.parse()?),
            "alias" => self.aliases.extend(names(meta)?),
            "choices" => self.choices.extend(names(meta)?),
            "required" => self.required = Some(meta.value()?.parse()?),
            "no_log" => self.no_log = true,
            "internal" => self.internal = true,
            "flatten" => self.flatten = true,
            _ => return Err(meta.error("no such attribute of an argument")),
        }
        Ok(())
    }

    /// The row of the argument in the specification.
    fn row(&self, field: &Field) -> Result<TokenStream, Error> {
        let summary = documentation(&field.attrs);
        if summary.is_empty() {
            return Err(Error::new_spanned(field, "an argument has a sentence, as its doc comment"));
        }
        let kind = &field.ty;
        let name = match (&self.name, &field.ident) {
            (Some(name), _) => name.value(),
            (None, Some(ident)) => ident.unraw().to_string(),
            (None, None) => return Err(Error::new_spanned(field, "an argument has a name")),
        };
        let arg_kind = match &self.kind {
            Some(kind) => quote!(::rplay_module_api::Kind::#kind),
            None => quote!(<#kind as ::rplay_module_api::ArgType>::KIND),
        };
        let elements = match &self.elements {
            Some(kind) => quote!(::std::option::Option::Some(::rplay_module_api::Kind::#kind)),
            None => quote!(<#kind as ::rplay_module_api::ArgType>::ELEMENTS),
        };
        let choices = if self.choices.is_empty() {
            quote!(<#kind as ::rplay_module_api::ArgType>::CHOICES)
        } else {
            let choices = &self.choices;
            quote!(&[#(#choices),*])
        };
        let default = match &self.default {
            Some(text) => quote!(::std::option::Option::Some(#text)),
            None => quote!(::std::option::Option::None),
        };
        let required = self.required.as_ref().map_or_else(|| self.is_needed(kind), LitBool::value);
        let (aliases, no_log, internal) = (&self.aliases, self.no_log, self.internal);
        Ok(quote! {
            ::rplay_module_api::Arg {
                name: #name,
                summary: #summary,
                kind: #arg_kind,
                elements: #elements,
                options: <#kind as ::rplay_module_api::ArgType>::OPTIONS,
                required: #required,
                default: #default,
                choices: #choices,
                aliases: &[#(#aliases),*],
                no_log: #no_log,
                internal: #internal,
            }
        })
    }

    /// An argument without a default that is no `Option` must be given.
    fn is_needed(&self, kind: &Type) -> bool {
        let optional = match kind {
            Type::Path(path) => path.path.segments.last().is_some_and(|it| it.ident == "Option"),
            _ => false,
        };
        self.default.is_none() && !optional
    }
}
