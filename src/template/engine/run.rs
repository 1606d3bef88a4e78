//! Statements.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::arguments::{Arguments, Name};
use super::context::Context;
use super::eval::{apply_steps, call_value, eval, evaluate_arguments};
use super::frame::Frame;
use super::loops::LoopObject;
use super::macros::MacroObject;
use super::module::{Module, load};
use super::out::Out;
use super::tree::{Expr, For, Node, Statement, Target, Template};
use super::val::Val;
use crate::source::{SourceFile, Span};
use crate::template::error::{Fault, Res, TemplateErrorKind, raised, undefined};

/// What statements of one template run in.
#[derive(Clone)]
pub struct Scope {
    pub context: Context,
    pub frame: Rc<Frame>,
    pub inheritance: Rc<Inheritance>,
}

/// None for a text, and for the file that a task names: whoever renders those knows their place.
pub type TemplateFile = Option<Arc<Path>>;

type Block = (TemplateFile, Arc<Vec<Node>>);

/// Blocks by name, most derived first, and the parent once `extends` ran.
#[derive(Default)]
pub struct Inheritance {
    blocks: RefCell<HashMap<Name, Vec<Block>>>,
    /// The names of the template itself, which its blocks see.
    top: RefCell<Option<Rc<Frame>>>,
    parent: RefCell<Option<Arc<Template>>>,
    /// The file whose body is running.
    file: RefCell<TemplateFile>,
    depth: Cell<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Go,
    Break,
    Continue,
}

impl Scope {
    pub fn new(context: &Context) -> Self {
        Self { context: context.clone(), frame: Frame::root(), inheritance: Rc::default() }
    }

    #[must_use]
    pub fn inner(&self) -> Self {
        Self {
            context: self.context.clone(),
            frame: Frame::child(&self.frame),
            inheritance: Rc::clone(&self.inheritance),
        }
    }

    /// The file whose body is running.
    pub fn file(&self) -> TemplateFile {
        self.inheritance.file.borrow().clone()
    }

    #[must_use]
    pub fn at(&self, frame: &Rc<Frame>) -> Self {
        Self { context: self.context.clone(), frame: Rc::clone(frame), inheritance: Rc::clone(&self.inheritance) }
    }
}

/// Runs a template from the top and joins what it wrote.
pub fn whole(context: &Context, template: &Arc<Template>) -> Res<Val> {
    let scope = Scope::new(context);
    let mut out = Out::streaming(context.marks().cloned());
    match (template_into(&scope, template, &mut out), context.marks()) {
        (Err(fault), Some(marks)) => marks.broken_off(fault).into_iter().try_for_each(|mark| out.push(mark))?,
        (result, _) => result?,
    }
    out.joined()
}

pub fn template_into(scope: &Scope, template: &Arc<Template>, out: &mut Out) -> Res<()> {
    let mut template = Arc::clone(template);
    scope.inheritance.top.borrow_mut().get_or_insert_with(|| Rc::clone(&scope.frame));
    scope.context.note_frame(&scope.frame);
    loop {
        for (name, body) in &template.blocks {
            scope
                .inheritance
                .blocks
                .borrow_mut()
                .entry(name.clone())
                .or_default()
                .push((template.path.clone(), Arc::clone(body)));
        }
        scope.inheritance.file.replace(template.path.clone());
        body(scope, &template.body, out).map_err(|fault| in_file(template.path.as_deref(), fault))?;
        let Some(parent) = scope.inheritance.parent.take() else { return Ok(()) };
        let depth = scope.inheritance.depth.get();
        if depth > 40 {
            return Err(raised("templates extend each other without end"));
        }
        scope.inheritance.depth.set(depth + 1);
        template = parent;
    }
}

/// Gives an error the place that its line is in this file, unless it has come from further within.
pub fn in_file(file: Option<&Path>, mut fault: Fault) -> Fault {
    if let (None, Some(file)) = (&fault.place, file) {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        fault.place = Some(Span::new(&SourceFile::new(file, text), fault.line.max(1), 1));
    }
    fault
}

pub fn body(scope: &Scope, nodes: &[Node], out: &mut Out) -> Res<Flow> {
    for node in nodes {
        scope.context.line.set(node.line);
        scope.context.step()?;
        let flow = statement(scope, &node.statement, out).map_err(|mut fault| {
            if fault.line == 0 {
                fault.line = node.line;
            }
            fault
        })?;
        if flow != Flow::Go {
            return Ok(flow);
        }
    }
    Ok(Flow::Go)
}

fn statement(scope: &Scope, statement: &Statement, out: &mut Out) -> Res<Flow> {
    match statement {
        Statement::Text(text) => {
            if scope.inheritance.parent.borrow().is_none() {
                out.push(Val::Str(text.clone()))?;
            }
        }
        Statement::Emit(expr) => {
            let value = match (eval(scope, expr), scope.context.marks()) {
                (Err(fault), Some(marks)) => marks.excuse(fault)?,
                (value, _) => value?,
            };
            if scope.inheritance.parent.borrow().is_none() {
                out.push(value.written_at(scope.context.line.get(), || scope.file()))?;
            }
        }
        Statement::If(test, then, otherwise) => {
            let nodes = if eval(scope, test)?.truthy()? { then } else { otherwise };
            return body(scope, nodes, out);
        }
        Statement::For(it) => {
            let items = eval(scope, &it.iter)?;
            for_loop(scope, it, items, 0, out)?;
        }
        other => return rare_statement(scope, other, out),
    }
    Ok(Flow::Go)
}

/// Apart from the common ones, so that these keep a small frame on the stack.
#[inline(never)]
fn rare_statement(scope: &Scope, statement: &Statement, out: &mut Out) -> Res<Flow> {
    match statement {
        Statement::With(assignments, nodes) => {
            let inner = scope.inner();
            for (target, expr) in assignments {
                let value = eval(scope, expr)?;
                assign(&inner, target, value)?;
            }
            return body(&inner, nodes, out);
        }
        Statement::Set(target, expr) => {
            let value = eval(scope, expr)?;
            assign(scope, target, value)?;
        }
        Statement::SetBlock(target, steps, nodes) => {
            let value = captured(scope, nodes)?;
            let value = apply_steps(scope, value, steps)?;
            assign(scope, target, value)?;
        }
        Statement::Filter(steps, nodes) => {
            let value = captured(scope, nodes)?;
            let value = apply_steps(scope, value, steps)?;
            out.push(value)?;
        }
        Statement::Scope(nodes) => return body(&scope.inner(), nodes, out),
        Statement::Block(it) => {
            if scope.inheritance.parent.borrow().is_none() {
                let bodies = scope.inheritance.blocks.borrow().get(&it.name).map_or(0, Vec::len);
                if it.required && bodies <= 1 {
                    return Err(raised(format!("Required block '{}' not found", it.name)));
                }
                let top = scope.inheritance.top.borrow().clone().filter(|_| !it.scoped);
                match top {
                    Some(top) => block(&scope.at(&top), &it.name, 0, out)?,
                    None => block(scope, &it.name, 0, out)?,
                }
            }
        }
        Statement::Extends(expr) => {
            if scope.inheritance.parent.borrow().is_some() {
                return Err(raised("extended multiple times"));
            }
            let name = eval(scope, expr)?.used()?;
            let parent = load(scope, &name)?;
            scope.inheritance.parent.replace(Some(parent));
        }
        Statement::Include { name, ignore_missing, with_context } => {
            include(scope, name, *ignore_missing, *with_context, out)?;
        }
        Statement::Import { name, target, with_context } => {
            let module = import(scope, name, *with_context)?;
            scope.frame.set(target, Val::Object(Rc::new(module)));
        }
        Statement::FromImport { name, names, with_context } => {
            let module = import(scope, name, *with_context)?;
            for (name, alias) in names {
                let value = module.get(name).unwrap_or_else(|| {
                    Val::undefined(format!(
                        "the template {} (imported on line {}) does not export the requested name '{name}'",
                        crate::value::python::str_repr(&module.name),
                        scope.context.line.get(),
                    ))
                });
                scope.frame.set(alias, value);
            }
        }
        Statement::Macro(definition) => {
            let object = MacroObject::new(definition, scope);
            scope.context.note_frame(&scope.frame);
            scope.frame.set(&definition.name, Val::object(object));
        }
        Statement::Call(call, definition) => {
            let caller = Val::object(MacroObject::new(definition, scope));
            let value = call_with_caller(scope, call, caller)?;
            out.push(value)?;
        }
        Statement::Do(expr) => {
            eval(scope, expr)?;
        }
        Statement::Break => return Ok(Flow::Break),
        Statement::Continue => return Ok(Flow::Continue),
        Statement::Text(_) | Statement::Emit(_) | Statement::If(..) | Statement::For(_) => {}
    }
    Ok(Flow::Go)
}

/// What statements write, as one value.
pub fn captured(scope: &Scope, nodes: &[Node]) -> Res<Val> {
    let mut out = Out::default();
    body(&scope.inner(), nodes, &mut out)?;
    out.joined()
}

pub fn block(scope: &Scope, name: &Name, level: usize, out: &mut Out) -> Res<()> {
    let found = scope.inheritance.blocks.borrow().get(name).and_then(|bodies| bodies.get(level).cloned());
    let Some((file, nodes)) = found else {
        return Err(undefined(format!("there is no parent block called '{name}'.")));
    };
    let inner = scope.inner();
    inner.frame.set(
        &Name::from("super"),
        Val::object(super::module::Super { scope: scope.clone(), name: name.clone(), level: level + 1 }),
    );
    let outside = scope.inheritance.file.replace(file.clone());
    let done = scope.context.deeper(|| body(&inner, &nodes, out));
    scope.inheritance.file.replace(outside);
    done.map(|_| ()).map_err(|fault| in_file(file.as_deref(), fault))
}

fn call_with_caller(scope: &Scope, call: &Expr, caller: Val) -> Res<Val> {
    let Expr::Chain(base, steps) = call else { return eval(scope, call) };
    let Some((last, before)) = steps.split_last() else { return eval(scope, call) };
    let (callee, arguments) = match last {
        super::tree::Step::Call(arguments) => (apply_steps(scope, eval(scope, base)?, before)?, arguments),
        super::tree::Step::Method(name, arguments) => {
            let object = apply_steps(scope, eval(scope, base)?, before)?;
            (super::attributes::attribute(&object, name), arguments)
        }
        _ => return eval(scope, call),
    };
    let mut arguments: Arguments = evaluate_arguments(scope, arguments)?;
    arguments.named.push((Name::from("caller"), caller));
    call_value(scope, &callee, arguments)
}

pub fn assign(scope: &Scope, target: &Target, value: Val) -> Res<()> {
    match target {
        Target::Name(name) => scope.frame.set(name, value),
        Target::Attribute(name, attribute) => {
            let object = super::eval::variable(scope, name).used()?;
            let done = matches!(&object, Val::Object(object) if object.set(attribute, value));
            if !done {
                return Err(raised("cannot assign attribute on non-namespace object"));
            }
        }
        Target::Many(targets) => {
            let items = value.iterate()?;
            if items.len() > targets.len() {
                return Err(raised(format!("too many values to unpack (expected {})", targets.len())));
            }
            if items.len() < targets.len() {
                return Err(raised(format!(
                    "not enough values to unpack (expected {}, got {})",
                    targets.len(),
                    items.len()
                )));
            }
            for (target, item) in targets.iter().zip(items) {
                assign(scope, target, item)?;
            }
        }
    }
    Ok(())
}

pub fn for_loop(scope: &Scope, it: &Arc<For>, items: Val, depth: usize, out: &mut Out) -> Res<()> {
    let mut items = items.iterate()?;
    if let Some(filter) = &it.filter {
        let mut kept = Vec::with_capacity(items.len());
        for item in items {
            scope.context.step()?;
            let inner = scope.inner();
            assign(&inner, &it.target, item.clone())?;
            if eval(&inner, filter)?.truthy()? {
                kept.push(item);
            }
        }
        items = kept;
    }
    if items.is_empty() {
        return body(&scope.inner(), &it.otherwise, out).map(|_| ());
    }
    let state = Rc::new(LoopObject::new(items, depth, it, scope));
    let loop_name = Name::from("loop");
    for index in 0..state.len() {
        scope.context.step()?;
        state.index.set(index);
        let Some(item) = state.item(index) else { break };
        let inner = scope.inner();
        inner.frame.set(&loop_name, Val::Object(Rc::clone(&state) as Rc<dyn super::val::Object>));
        assign(&inner, &it.target, item)?;
        match body(&inner, &it.body, out)? {
            Flow::Break => break,
            Flow::Go | Flow::Continue => {}
        }
    }
    Ok(())
}

fn include(scope: &Scope, name: &Expr, ignore_missing: bool, with_context: bool, out: &mut Out) -> Res<()> {
    let name = eval(scope, name)?.used()?;
    let template = match load(scope, &name) {
        Ok(template) => template,
        Err(fault) if ignore_missing && fault.kind != TemplateErrorKind::Syntax => return Ok(()),
        Err(fault) => return Err(fault),
    };
    let (frame, context) = if with_context {
        (Frame::child(&scope.frame), scope.context.clone())
    } else {
        (Frame::root(), scope.context.without_variables())
    };
    let inner = Scope { context, frame, inheritance: Rc::default() };
    if with_context {
        return scope.context.deeper(|| template_into(&inner, &template, out));
    }
    let mut nodes = Out::default();
    scope.context.deeper(|| template_into(&inner, &template, &mut nodes))?;
    out.append(nodes)
}

fn import(scope: &Scope, name: &Expr, with_context: bool) -> Res<Module> {
    let name = eval(scope, name)?.used()?;
    let template = load(scope, &name)?;
    let (frame, context) = if with_context {
        (Frame::child(&scope.frame), scope.context.clone())
    } else {
        (Frame::root(), scope.context.without_variables())
    };
    let inner = Scope { context, frame, inheritance: Rc::default() };
    let mut nodes = Out::default();
    scope.context.deeper(|| template_into(&inner, &template, &mut nodes))?;
    Ok(Module { name: super::print::text(&name)?, frame: inner.frame, body: nodes.joined()? })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::template::{Engine, SearchPath, Settings};
    use crate::value::{Dict, Str, Value};

    #[test]
    fn nothing_outlives_a_rendering() {
        for text in [
            "{% block a %}{{ v }}{{ self.b() }}{% endblock %}{% block b %}{% macro m() %}{{ m }}{% endmacro %}{% endblock %}",
            "{% macro m(n) %}{{ m(n - 1) if n else v }}{% endmacro %}{{ m(2) }}",
            "{% set ns = namespace(x=1) %}{% macro m() %}{{ ns }}{% endmacro %}{% set ns.m = m %}{{ ns.x }}",
            "{% for i in [1] %}{% macro m() %}{{ m }}{% endmacro %}{% call m() %}{{ i }}{% endcall %}{% endfor %}",
        ] {
            let variables = Arc::new(Dict::from_iter([(Value::str("v"), Value::Int(1))]));
            let search = Arc::new(SearchPath { dirs: Vec::new(), basedir: PathBuf::from("/nonexistent") });
            let templar = Engine::new(Settings::default()).templar(Arc::clone(&variables) as _, search);
            drop(templar.render(&Value::Str(Str::trusted(text, None))));
            drop(templar);
            assert_eq!(Arc::strong_count(&variables), 1, "{text}");
        }
    }
}
