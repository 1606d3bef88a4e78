//! Jinja2 as Ansible configures it: rendering of values, expressions, conditions and template files.

pub mod condition;
pub mod engine;
pub mod error;
pub mod file;
pub mod filters;
pub mod limits;
pub mod lookups;
mod own_variables;
pub(crate) mod python;
pub mod search;
pub mod tests;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

pub use condition::Condition;
pub use error::{TemplateError, TemplateErrorKind};
pub use file::FileOptions;
pub use limits::Interrupt;
pub use own_variables::own_variables;
pub use search::SearchPath;

pub use engine::marks::{Lenient, Mark, marks_text};

use engine::compile::{Cache, Syntax};
use engine::context::Context;
use engine::marks::Marks;
use engine::output::{finalize, stored};
use engine::run::Scope;
use engine::val::{Val, from_data};
use error::{Fault, Res, rendering_failed};

use crate::error::Notices;
use crate::source::{SourceFile, Span};
use crate::value::{Dict, Str, Value};

/// What templates see: variables by name, unrendered.
pub trait Variables: Send + Sync {
    fn get(&self, name: &str) -> Option<Value>;
    fn names(&self) -> Vec<String>;

    /// The names in `hostvars`, each under itself; none where there is no inventory.
    fn hosts(&self) -> Option<Arc<Dict>> {
        None
    }

    /// The variables of another host, for `hostvars`.
    fn of_host(&self, _host: &str) -> Option<Arc<dyn Variables>> {
        None
    }
}

impl Variables for Dict {
    fn get(&self, name: &str) -> Option<Value> {
        Dict::get(self, name).cloned()
    }

    fn names(&self) -> Vec<String> {
        self.keys().filter_map(|key| key.as_str().map(str::to_owned)).collect()
    }
}

pub struct Settings {
    pub notices: Notices,
    /// Conditions may have any type, as before 2.19.
    pub allow_broken_conditionals: bool,
    /// Old spellings of filters (`x|success`, `version_compare`) still work, with a warning.
    pub accept_removed: bool,
    /// Messages about unknown names say what is close.
    pub suggest: bool,
    /// `jinja2_extensions` of ansible.cfg: `do` and `loopcontrols` are known.
    pub jinja2_extensions: Vec<String>,
    /// Opens vaulted files that lookups read.
    pub vault: Option<Arc<crate::vault::Secrets>>,
    /// What a template's `ansible_managed` says, before its codes are filled in.
    pub ansible_managed: String,
    /// Looks up settings for the lookup `config`.
    pub config: Option<Arc<dyn Fn(&str) -> Option<Value> + Send + Sync>>,
    /// The hosts that patterns mean among groups, for the lookup `inventory_hostnames`.
    pub hosts_matching: Option<HostsMatching>,
    /// Ends every rendering of the run.
    pub interrupt: Interrupt,
    /// Bytes that one rendering may hold.
    pub memory: isize,
}

/// Groups with the names of their hosts, and patterns.
pub type HostsMatching = Arc<dyn Fn(&Dict, &[String]) -> Result<Vec<String>, String> + Send + Sync>;

impl Default for Settings {
    fn default() -> Self {
        Self {
            notices: Notices::default(),
            allow_broken_conditionals: false,
            accept_removed: true,
            suggest: true,
            jinja2_extensions: Vec::new(),
            vault: None,
            ansible_managed: "Ansible managed".to_owned(),
            config: None,
            hosts_matching: None,
            interrupt: Interrupt::default(),
            memory: limits::MOST_MEMORY,
        }
    }
}

/// The settings of a run and every template compiled so far.
pub struct Engine {
    pub settings: Settings,
    pub(crate) cache: Cache,
    pub(crate) syntax: Syntax,
}

impl Engine {
    pub fn new(settings: Settings) -> Arc<Engine> {
        Arc::new(Engine { settings, cache: Cache::default(), syntax: Syntax::default() })
    }

    pub fn templar(self: &Arc<Self>, variables: Arc<dyn Variables>, search: Arc<SearchPath>) -> Templar {
        let interrupt = self.settings.interrupt.clone();
        Templar { engine: Arc::clone(self), variables, search, locals: None, file: None, beside: None, interrupt }
    }
}

/// Renders with the variables of one host and task.
#[derive(Clone)]
pub struct Templar {
    engine: Arc<Engine>,
    variables: Arc<dyn Variables>,
    search: Arc<SearchPath>,
    locals: Option<Arc<Dict>>,
    /// The options of the template file that is being rendered; included ones share them.
    file: Option<Arc<Syntax>>,
    /// A folder where other templates are looked for first.
    beside: Option<Arc<Path>>,
    interrupt: Interrupt,
}

impl Templar {
    pub fn is_template(text: &str) -> bool {
        engine::is_template(text)
    }

    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub fn variables(&self) -> &Arc<dyn Variables> {
        &self.variables
    }

    pub fn search(&self) -> &Arc<SearchPath> {
        &self.search
    }

    pub fn locals(&self) -> Option<&Dict> {
        self.locals.as_deref()
    }

    /// The same with other variables, those of another host.
    pub(crate) fn with_variables(&self, variables: Arc<dyn Variables>) -> Templar {
        Templar { variables, locals: None, ..self.clone() }
    }

    /// The same with another search path.
    #[must_use]
    pub fn with_search(&self, search: Arc<SearchPath>) -> Templar {
        Templar { search, ..self.clone() }
    }

    pub(crate) fn beside(&self, file: &Path) -> Templar {
        Templar { beside: file.parent().map(Arc::from), ..self.clone() }
    }

    /// The same, ended by another flag than the run's (`Interrupt::child` makes one that the run's ends as well).
    #[must_use]
    pub fn with_interrupt(&self, interrupt: Interrupt) -> Templar {
        Templar { interrupt, ..self.clone() }
    }

    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The same with more variables, which win over all others.
    #[must_use]
    pub fn with_locals(&self, locals: Dict) -> Templar {
        let mut all = self.locals.as_deref().cloned().unwrap_or_default();
        all.extend(locals);
        Templar { locals: Some(Arc::new(all)), ..self.clone() }
    }

    /// Renders every template in a value. `omit` stays at the top and is dropped inside containers.
    pub fn render(&self, value: &Value) -> Result<Value, TemplateError> {
        if let Value::Str(text) = value
            && (!text.is_trusted() || !engine::is_template(text))
        {
            return Ok(value.clone());
        }
        let context = Context::new(self.clone());
        let _session = context.session();
        let result = context.import(value);
        self.result(&context, Ok(result), value.span())
    }

    /// The same, with marks where something can't be rendered.
    pub fn render_leniently(&self, value: &Value) -> Result<Lenient, TemplateError> {
        let marks = Rc::new(Marks::default());
        let context = Context::with_marks(self.clone(), Some(Rc::clone(&marks)));
        let _session = context.session();
        let result = context.import(value);
        let value = self.result(&context, Ok(result), value.span())?;
        Ok(Lenient { value, marks: marks.take() })
    }

    /// A bare expression.
    pub fn expression(&self, text: &Str) -> Result<Value, TemplateError> {
        let context = Context::new(self.clone());
        let _session = context.session();
        let result = self.evaluate(&context, text);
        self.result(&context, result, text.span())
    }

    fn evaluate(&self, context: &Context, text: &Str) -> Res<Val> {
        if !text.is_trusted() {
            return Err(Box::new(TemplateError::new(
                TemplateErrorKind::Untrusted,
                "Encountered untrusted template or expression.",
            )));
        }
        let expr = self.engine.cache.expression(text.arc(), &self.engine.settings)?;
        engine::eval::eval(&Scope::new(context), &expr)
    }

    fn result(&self, context: &Context, result: Res<Val>, place: Option<&Span>) -> Result<Value, TemplateError> {
        let value = result.and_then(|value| stored(&value)).map_err(|fault| outside(fault, place))?;
        Ok(if context.saw_secrets() { mark_secrets(value, context) } else { value })
    }

    /// Calls a lookup: for the items of `with_NAME` of a task with the action `loop_of`, or for itself. The terms are rendered values.
    pub fn lookup(
        &self,
        name: &str,
        terms: &[Value],
        options: &Dict,
        loop_of: Option<&str>,
    ) -> Result<Vec<Value>, TemplateError> {
        let context = Context::new(self.clone());
        let _session = context.session();
        let scope = Scope::new(&context);
        let terms = terms.iter().map(from_data).collect();
        let options =
            options.iter().filter_map(|(key, value)| Some((Arc::from(key.as_str()?), from_data(value)))).collect();
        let request = lookups::Request { terms, options, loop_of: loop_of.map(str::to_owned) };
        lookups::run(&scope, name, request)
            .and_then(|found| found.iter().map(finalize).collect::<Res<Vec<_>>>())
            .map_err(|fault| outside(fault, None))
    }

    /// A template beside the current one, or in the search path.
    pub(crate) fn load_template(&self, name: &str) -> Res<Option<Arc<engine::tree::Template>>> {
        let Some(path) = self.find_template(name) else { return Ok(None) };
        let text = read_text(&path)?;
        let syntax = self.file.clone().unwrap_or_else(|| Arc::new(Syntax::default()));
        let template = engine::compile::template(&text, &syntax, &self.engine.settings).map_err(|mut fault| {
            if fault.place.is_none() {
                let file = SourceFile::new(path.clone(), text.clone());
                fault.place = Some(Span::new(&file, fault.line.max(1), 1));
            }
            fault
        })?;
        Ok(Some(Arc::new(engine::tree::Template { path: Some(path.into()), ..template })))
    }

    fn find_template(&self, name: &str) -> Option<PathBuf> {
        let beside = self.beside.as_ref().map(|folder| folder.join(name)).filter(|path| path.is_file());
        beside.or_else(|| self.search.find("templates", name).filter(|path| path.is_file()))
    }
}

/// The bytes of a text in an encoding that Python knows by this name.
pub fn encode(text: &str, encoding: &str) -> Result<Vec<u8>, String> {
    engine::encoding::encode(text, encoding, "strict").map_err(|fault| fault.message)
}

fn read_text(path: &Path) -> Res<String> {
    let bytes =
        std::fs::read(path).map_err(|error| error::raised(format!("unable to read {}: {error}", path.display())))?;
    String::from_utf8(bytes)
        .map_err(|_| error::raised(format!("Template source files must be utf-8 encoded: {}", path.display())))
}

/// How an error leaves this module.
pub(crate) fn outside(fault: Fault, place: Option<&Span>) -> TemplateError {
    rendering_failed(fault).at(place)
}

fn mark_secrets(value: Value, context: &Context) -> Value {
    match value {
        Value::Str(text) if !text.is_secret() && context.holds_secret(&text) => Value::Str(text.into_secret()),
        Value::List(items) => Value::list(items.iter().map(|item| mark_secrets(item.clone(), context)).collect()),
        Value::Dict(dict) => {
            Value::dict(dict.iter().map(|(key, item)| (key.clone(), mark_secrets(item.clone(), context))).collect())
        }
        other => other,
    }
}
