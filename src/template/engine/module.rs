//! Other templates: finding them, and what an imported one or a parent's block looks like from inside.

use std::rc::Rc;
use std::sync::Arc;

use super::arguments::{Arguments, Name};
use super::context::Context;
use super::frame::Frame;
use super::out::Out;
use super::print;
use super::run::{Scope, block};
use super::tree::Template;
use super::val::{Object, Val};
use crate::template::error::{Res, raised};

/// A template by name, or the first of several that exists.
pub fn load(scope: &Scope, name: &Val) -> Res<Arc<Template>> {
    let names = match name {
        Val::List(_) | Val::Tuple(_) => {
            name.iterate()?.iter().map(|name| print::text(&name.clone().used()?)).collect::<Res<Vec<_>>>()?
        }
        other => vec![print::text(other)?],
    };
    for name in &names {
        if let Some(template) = scope.context.templar.load_template(name)? {
            return Ok(template);
        }
    }
    Err(raised(match names.as_slice() {
        [one] => format!("'{one}' not found in search path"),
        several => format!("none of the templates given were found: {}", several.join(", ")),
    }))
}

pub struct Module {
    pub name: String,
    pub frame: Rc<Frame>,
    pub body: Val,
}

impl Module {
    pub fn get(&self, name: &str) -> Option<Val> {
        if name.starts_with('_') {
            return None;
        }
        self.frame.own().into_iter().find(|(known, _)| &**known == name).map(|(_, value)| value)
    }
}

impl Object for Module {
    fn type_name(&self) -> &'static str {
        "TemplateModule"
    }

    fn attribute(&self, name: &str) -> Option<Val> {
        self.get(name)
    }

    fn text(&self) -> String {
        print::text(&self.body).unwrap_or_default()
    }

    fn as_data(&self) -> Option<Val> {
        Some(self.body.clone())
    }
}

/// The same block one template up.
pub struct Super {
    pub scope: Scope,
    pub name: Name,
    pub level: usize,
}

impl Object for Super {
    fn type_name(&self) -> &'static str {
        "BlockReference"
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, _context: &Context, _arguments: Arguments) -> Res<Val> {
        let mut out = Out::default();
        block(&self.scope, &self.name, self.level, &mut out)?;
        out.joined()
    }

    fn attribute(&self, name: &str) -> Option<Val> {
        (name == "super")
            .then(|| Val::object(Super { scope: self.scope.clone(), name: self.name.clone(), level: self.level + 1 }))
    }
}

/// `self`: the blocks of this template by name.
pub struct Blocks {
    pub scope: Scope,
}

impl Object for Blocks {
    fn type_name(&self) -> &'static str {
        "TemplateReference"
    }

    fn attribute(&self, name: &str) -> Option<Val> {
        Some(Val::object(Super { scope: self.scope.clone(), name: Name::from(name), level: 0 }))
    }
}
