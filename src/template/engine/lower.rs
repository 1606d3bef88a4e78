//! From the template engine's syntax tree to ours. Literals are read from the source again, because Python and Ansible
//! read escapes and numbers differently; names of filters and tests are looked up here, once.

use std::str::FromStr;
use std::sync::Arc;

use minijinja::machinery::{Span, ast};
use num_bigint::BigInt;

use super::arguments::Name;
use super::literals::{join_literals, python_text, raw_text};
use super::normalize::written_as_call;
use super::tree::{
    Block, CallArgument, CallArguments, Comparison, Expr, For, Macro, Node, Operator, Statement, Step, Target, Template,
};
use crate::catalog::{Found, Kind, Missing, Plugin};
use crate::template::error::{Res, syntax};
use crate::template::{Settings, filters, python, tests};
use crate::value::{Str, Value};

pub struct Lowering<'a> {
    pub source: &'a str,
    /// Backslashes in literals of `{{ }}` stay as they are (arguments of tasks).
    pub plain_backslashes: bool,
    pub newline: &'static str,
    pub settings: &'a Settings,
    /// Literals that hold templates are rendered (conditions, lookup arguments).
    pub embedded: bool,
    pub block_end: &'a str,
    in_expression: bool,
    branches: usize,
    blocks: Vec<(Name, Arc<Vec<Node>>)>,
    extends: bool,
    used: Vec<Name>,
}

impl<'a> Lowering<'a> {
    pub fn new(source: &'a str, plain_backslashes: bool, newline: &'static str, settings: &'a Settings) -> Self {
        Self {
            source,
            plain_backslashes,
            newline,
            settings,
            embedded: false,
            block_end: "%}",
            in_expression: false,
            branches: 0,
            blocks: Vec::new(),
            extends: false,
            used: Vec::new(),
        }
    }

    pub fn template(mut self, root: &ast::Stmt<'_>) -> Res<Template> {
        let body = match root {
            ast::Stmt::Template(template) => self.body(&template.children)?,
            other => vec![self.statement(other)?],
        };
        Ok(Template {
            body,
            path: None,
            blocks: self.blocks,
            extends: self.extends,
            trailing_newlines: 0,
            last_newline: self.newline,
        })
    }

    fn body(&mut self, statements: &[ast::Stmt<'_>]) -> Res<Vec<Node>> {
        statements.iter().map(|statement| self.statement(statement)).collect()
    }

    /// A part that may not run: what it names and does not exist is an error only when it does.
    fn branch<T>(&mut self, part: impl FnOnce(&mut Self) -> Res<T>) -> Res<T> {
        self.branches += 1;
        let lowered = part(self);
        self.branches -= 1;
        lowered
    }

    fn slice(&self, span: Span) -> &'a str {
        self.source.get(span.start_offset as usize..span.end_offset as usize).unwrap_or("")
    }

    fn statement(&mut self, statement: &ast::Stmt<'_>) -> Res<Node> {
        let (span, statement) = match statement {
            ast::Stmt::EmitRaw(it) => (it.span(), self.text(it)),
            ast::Stmt::EmitExpr(it) => {
                self.in_expression = true;
                let expr = self.expr(&it.expr);
                self.in_expression = false;
                (it.span(), Statement::Emit(expr?))
            }
            ast::Stmt::Template(it) => (it.span(), Statement::Scope(self.body(&it.children)?)),
            ast::Stmt::ForLoop(it) => (it.span(), self.for_loop(it)?),
            ast::Stmt::IfCond(it) => {
                let test = self.branch(|this| this.expr(&it.expr))?;
                let then = self.branch(|this| this.body(&it.true_body))?;
                (it.span(), Statement::If(test, then, self.branch(|this| this.body(&it.false_body))?))
            }
            ast::Stmt::WithBlock(it) => {
                let assignments = it
                    .assignments
                    .iter()
                    .map(|(target, value)| Ok((self.target(target)?, self.expr(value)?)))
                    .collect::<Res<_>>()?;
                (it.span(), Statement::With(assignments, self.body(&it.body)?))
            }
            ast::Stmt::Set(it) => (it.span(), Statement::Set(self.target(&it.target)?, self.expr(&it.expr)?)),
            ast::Stmt::SetBlock(it) => {
                let steps = it.filter.as_ref().map_or(Ok(Vec::new()), |filter| self.filter_steps(filter))?;
                (it.span(), Statement::SetBlock(self.target(&it.target)?, steps, self.body(&it.body)?))
            }
            ast::Stmt::AutoEscape(it) => (it.span(), Statement::Scope(self.body(&it.body)?)),
            ast::Stmt::FilterBlock(it) => {
                (it.span(), Statement::Filter(self.filter_steps(&it.filter)?, self.body(&it.body)?))
            }
            ast::Stmt::Block(it) => {
                let tag = self.source.get(it.span().start_offset as usize..).unwrap_or("");
                let tag =
                    tag.split(self.block_end).next().and_then(|tag| tag.split_once(it.name)).map_or("", |it| it.1);
                let scoped = tag.lines().next().unwrap_or("").split_whitespace().any(|word| word == "scoped");
                (it.span(), self.block(it.name, &it.body, it.required, scoped)?)
            }
            ast::Stmt::Extends(it) => {
                self.extends = true;
                (it.span(), Statement::Extends(self.expr(&it.name)?))
            }
            ast::Stmt::Include(it) => {
                let with_context = !self.slice(it.span()).contains("without context");
                let name = self.expr(&it.name)?;
                (it.span(), Statement::Include { name, ignore_missing: it.ignore_missing, with_context })
            }
            ast::Stmt::Import(it) => {
                let with_context = self.slice(it.span()).contains("with context");
                let ast::Expr::Var(target) = &it.name else {
                    return Err(syntax("expected a name to import a template as"));
                };
                let target = Name::from(target.id);
                (it.span(), Statement::Import { name: self.expr(&it.expr)?, target, with_context })
            }
            ast::Stmt::FromImport(it) => {
                let tag = self.source.get(it.span().start_offset as usize..).unwrap_or("");
                let tag = tag.split(self.block_end).next().unwrap_or("").trim_end_matches(['-', '+']).trim_end();
                if tag.ends_with(',') {
                    return Err(syntax("expected token 'name', got 'end of statement block'"));
                }
                let with_context = self.slice(it.span()).contains("with context");
                let names = it
                    .names
                    .iter()
                    .filter_map(|(name, alias)| {
                        let name = variable_name(name)?;
                        let alias = alias.as_ref().and_then(variable_name).unwrap_or_else(|| name.clone());
                        Some((name, alias))
                    })
                    .collect();
                (it.span(), Statement::FromImport { name: self.expr(&it.expr)?, names, with_context })
            }
            ast::Stmt::Macro(it) => (it.span(), Statement::Macro(Arc::new(self.macro_definition(it)?))),
            ast::Stmt::CallBlock(it) if let Some((scoped, name)) = written_as_call(&it.call.expr) => {
                (it.span(), self.block(name, &it.macro_decl.body, false, scoped)?)
            }
            ast::Stmt::CallBlock(it) => {
                let call = self.call_expr(&it.call.expr, &it.call.args)?;
                (it.span(), Statement::Call(Box::new(call), Arc::new(self.macro_definition(&it.macro_decl)?)))
            }
            ast::Stmt::Continue(it) => {
                self.needs_extension("loopcontrols", "continue")?;
                (it.span(), Statement::Continue)
            }
            ast::Stmt::Break(it) => {
                self.needs_extension("loopcontrols", "break")?;
                (it.span(), Statement::Break)
            }
            ast::Stmt::Do(it) => {
                self.needs_extension("do", "do")?;
                (it.span(), Statement::Do(self.call_expr(&it.call.expr, &it.call.args)?))
            }
        };
        Ok(Node { line: u32::from(span.start_line), statement })
    }

    fn block(&mut self, name: &str, body: &[ast::Stmt<'_>], required: bool, scoped: bool) -> Res<Statement> {
        let (name, body) = (Name::from(name), Arc::new(self.body(body)?));
        self.blocks.push((name.clone(), body));
        Ok(Statement::Block(Block { name, required, scoped }))
    }

    fn needs_extension(&self, extension: &str, tag: &str) -> Res<()> {
        let known = |name: &String| name.rsplit('.').next().is_some_and(|name| name.eq_ignore_ascii_case(extension));
        if self.settings.jinja2_extensions.iter().any(known) {
            return Ok(());
        }
        Err(syntax(format!("Encountered unknown tag '{tag}'.")))
    }

    fn text(&self, raw: &ast::Spanned<ast::EmitRaw<'_>>) -> Statement {
        let span = raw.span();
        let text = self.slice(span);
        let text = if text.len() == raw.raw.len() { text } else { raw.raw };
        if self.newline == "\n" {
            Statement::Text(Str::data(text))
        } else {
            Statement::Text(Str::data(text.replace('\n', self.newline)))
        }
    }

    fn for_loop(&mut self, it: &ast::Spanned<ast::ForLoop<'_>>) -> Res<Statement> {
        Ok(Statement::For(Arc::new(For {
            target: self.target(&it.target)?,
            iter: self.expr(&it.iter)?,
            filter: it.filter_expr.as_ref().map(|filter| self.expr(filter)).transpose()?,
            recursive: it.recursive,
            body: self.body(&it.body)?,
            otherwise: self.body(&it.else_body)?,
        })))
    }

    fn macro_definition(&mut self, it: &ast::Macro<'_>) -> Res<Macro> {
        let before = std::mem::take(&mut self.used);
        let body = self.body(&it.body)?;
        let defaults = it.defaults.iter().map(|default| self.expr(default)).collect::<Res<_>>()?;
        let used = std::mem::replace(&mut self.used, before);
        let uses = |name: &str| used.iter().any(|used| &**used == name);
        let definition = Macro {
            name: Name::from(it.name),
            parameters: it.args.iter().filter_map(variable_name).collect(),
            defaults,
            body,
            uses_varargs: uses("varargs"),
            uses_kwargs: uses("kwargs"),
            uses_caller: uses("caller"),
        };
        self.used.extend(used);
        Ok(definition)
    }

    #[expect(clippy::self_only_used_in_recursion, reason = "a step of the same walk as the others")]
    fn target(&mut self, target: &ast::Expr<'_>) -> Res<Target> {
        match target {
            ast::Expr::Var(var) => Ok(Target::Name(Name::from(var.id))),
            ast::Expr::GetAttr(attribute) => match &attribute.expr {
                ast::Expr::Var(var) => Ok(Target::Attribute(Name::from(var.id), Name::from(attribute.name))),
                _ => Err(syntax("cannot assign to this")),
            },
            ast::Expr::List(list) => {
                Ok(Target::Many(list.items.iter().map(|item| self.target(item)).collect::<Res<_>>()?))
            }
            ast::Expr::Tuple(tuple) => {
                Ok(Target::Many(tuple.items.iter().map(|item| self.target(item)).collect::<Res<_>>()?))
            }
            other => Err(syntax(format!("can't assign to '{}'", other.description()))),
        }
    }

    fn filter_steps(&mut self, filter: &ast::Expr<'_>) -> Res<Vec<Step>> {
        let mut steps = Vec::new();
        let mut current = Some(filter);
        while let Some(expr) = current {
            let ast::Expr::Filter(filter) = expr else { break };
            steps.push(self.filter(filter)?);
            current = filter.expr.as_ref();
        }
        steps.reverse();
        Ok(steps)
    }

    fn filter(&mut self, filter: &ast::Filter<'_>) -> Res<Step> {
        let name: String = filter.name.split_whitespace().collect();
        let arguments = self.arguments(&filter.args)?;
        match filters::find(&name, self.settings) {
            Ok(Found { plugin: Plugin::Native(filter), .. }) => Ok(Step::Filter(filter, arguments)),
            Ok(Found { plugin: Plugin::Foreign(name), .. }) => Ok(Step::Foreign(Kind::Filter, name, arguments)),
            Ok(Found { plugin: Plugin::Known, full_name }) => {
                Ok(Step::Missing(python::missing(Kind::Filter, &full_name)))
            }
            Err(missing) => self.missing("filter", &name, &missing),
        }
    }

    fn test(&mut self, test: &ast::Test<'_>) -> Res<Step> {
        let name: String = test.name.split_whitespace().collect();
        let arguments = self.arguments(&test.args)?;
        match tests::find(&name) {
            Ok(Found { plugin: Plugin::Native(test), .. }) => Ok(Step::Test(test, arguments)),
            Ok(Found { plugin: Plugin::Foreign(name), .. }) => Ok(Step::Foreign(Kind::Test, name, arguments)),
            Ok(Found { plugin: Plugin::Known, full_name }) => {
                Ok(Step::Missing(python::missing(Kind::Test, &full_name)))
            }
            Err(missing) => self.missing("test", &name, &missing),
        }
    }

    fn refuse_chained_tests(&self, test: &ast::Spanned<ast::Test<'_>>) -> Res<()> {
        let behind = self.source.get(test.span().end_offset as usize..).unwrap_or("").trim_start();
        let another = behind
            .strip_prefix("is")
            .is_some_and(|rest| !rest.starts_with(|it: char| it.is_alphanumeric() || it == '_'));
        if another && test.args.is_empty() {
            return Err(syntax("You cannot chain multiple tests with is"));
        }
        Ok(())
    }

    fn missing(&self, what: &str, name: &str, missing: &Missing) -> Res<Step> {
        let found = if self.branches > 0 { " found" } else { "" };
        let near = match missing {
            Missing::Unknown { near } => near.as_deref(),
            Missing::Removed(removed) => removed.instead.as_deref(),
        };
        let message = match near.filter(|_| self.settings.suggest) {
            Some(near) => format!("No {what} named '{name}'{found}. Did you mean '{near}'?"),
            None => format!("No {what} named '{name}'{found}."),
        };
        if self.branches > 0 { Ok(Step::Missing(message)) } else { Err(syntax(message)) }
    }

    fn arguments(&mut self, arguments: &[ast::CallArg<'_>]) -> Res<CallArguments> {
        arguments
            .iter()
            .map(|argument| {
                Ok(match argument {
                    ast::CallArg::Pos(expr) => CallArgument::Positional(self.expr(expr)?),
                    ast::CallArg::Kwarg(name, expr) => CallArgument::Named(Name::from(*name), self.expr(expr)?),
                    ast::CallArg::PosSplat(expr) => CallArgument::Unpack(self.expr(expr)?),
                    ast::CallArg::KwargSplat(expr) => CallArgument::UnpackNamed(self.expr(expr)?),
                })
            })
            .collect::<Res<_>>()
            .map(CallArguments)
    }

    fn call_expr(&mut self, callee: &ast::Expr<'_>, arguments: &[ast::CallArg<'_>]) -> Res<Expr> {
        let (base, mut steps) = self.chain_base(callee)?;
        self.push_call(&base, &mut steps, callee, arguments)?;
        Ok(Expr::Chain(Box::new(base), steps))
    }

    fn push_call(
        &mut self,
        base: &Expr,
        steps: &mut Vec<Step>,
        callee: &ast::Expr<'_>,
        arguments: &[ast::CallArg<'_>],
    ) -> Res<()> {
        let is_lookup = steps.is_empty()
            && matches!(base, Expr::Var(name) if matches!(&**name, "lookup" | "query" | "q"))
            && matches!(callee, ast::Expr::Var(_));
        let before = self.embedded;
        self.embedded |= is_lookup;
        let arguments = self.arguments(arguments);
        self.embedded = before;
        let arguments = arguments?;
        match steps.pop() {
            Some(Step::Attribute(name)) => steps.push(Step::Method(name, arguments)),
            Some(other) => {
                steps.push(other);
                steps.push(Step::Call(arguments));
            }
            None => steps.push(Step::Call(arguments)),
        }
        Ok(())
    }

    /// The innermost expression of a chain of attributes, calls and filters, and the links from the inside out.
    fn chain_base(&mut self, expr: &ast::Expr<'_>) -> Res<(Expr, Vec<Step>)> {
        let mut links = Vec::new();
        let mut current = expr;
        loop {
            let inner = match current {
                ast::Expr::GetAttr(it) => &it.expr,
                ast::Expr::GetItem(it) => &it.expr,
                ast::Expr::Slice(it) => &it.expr,
                ast::Expr::Call(it) => &it.expr,
                ast::Expr::Test(it) => &it.expr,
                ast::Expr::Filter(it) => match &it.expr {
                    Some(inner) => inner,
                    None => break,
                },
                _ => break,
            };
            links.push(current);
            current = inner;
        }
        let base = self.expr_flat(current)?;
        let mut steps = Vec::with_capacity(links.len());
        for link in links.into_iter().rev() {
            match link {
                ast::Expr::GetAttr(it) => steps.push(Step::Attribute(Name::from(it.name))),
                ast::Expr::GetItem(it) => steps.push(Step::Item(self.expr(&it.subscript_expr)?)),
                ast::Expr::Slice(it) => {
                    let mut part = |part: &Option<ast::Expr<'_>>| part.as_ref().map(|it| self.expr(it)).transpose();
                    let parts = [part(&it.start)?, part(&it.stop)?, part(&it.step)?];
                    steps.push(Step::Slice(Box::new(parts)));
                }
                ast::Expr::Call(it) => self.push_call(&base, &mut steps, &it.expr, &it.args)?,
                ast::Expr::Test(it) => {
                    self.refuse_chained_tests(it)?;
                    steps.push(self.test(it)?);
                }
                ast::Expr::Filter(it) => steps.push(self.filter(it)?),
                _ => {}
            }
        }
        Ok((base, steps))
    }

    pub fn expr(&mut self, expr: &ast::Expr<'_>) -> Res<Expr> {
        match expr {
            ast::Expr::GetAttr(_)
            | ast::Expr::GetItem(_)
            | ast::Expr::Slice(_)
            | ast::Expr::Call(_)
            | ast::Expr::Test(_)
            | ast::Expr::Filter(_) => {
                let (base, steps) = self.chain_base(expr)?;
                Ok(Expr::Chain(Box::new(base), steps))
            }
            other => self.expr_flat(other),
        }
    }

    fn expr_flat(&mut self, expr: &ast::Expr<'_>) -> Res<Expr> {
        Ok(match expr {
            ast::Expr::Var(it) => {
                let name = Name::from(it.id);
                if matches!(it.id, "varargs" | "kwargs" | "caller") {
                    self.used.push(name.clone());
                }
                Expr::Var(name)
            }
            ast::Expr::Const(it) => self.constant(it)?,
            ast::Expr::UnaryOp(it) => {
                let inner = Box::new(self.expr(&it.expr)?);
                match it.op {
                    ast::UnaryOpKind::Not => Expr::Not(inner),
                    ast::UnaryOpKind::Neg if self.slice(it.span()).starts_with('+') => Expr::Plus(inner),
                    ast::UnaryOpKind::Neg => Expr::Neg(inner),
                }
            }
            ast::Expr::BinOp(_) => self.binary(expr)?,
            ast::Expr::Compare(it) => {
                let first = Box::new(self.expr(&it.expr)?);
                let rest = it
                    .ops
                    .iter()
                    .map(|op| {
                        let comparison = match op.op {
                            ast::CompareOpKind::Eq => Comparison::Eq,
                            ast::CompareOpKind::Ne => Comparison::Ne,
                            ast::CompareOpKind::Lt => Comparison::Lt,
                            ast::CompareOpKind::Lte => Comparison::Le,
                            ast::CompareOpKind::Gt => Comparison::Gt,
                            ast::CompareOpKind::Gte => Comparison::Ge,
                            ast::CompareOpKind::In => Comparison::In,
                            ast::CompareOpKind::NotIn => Comparison::NotIn,
                        };
                        Ok((comparison, self.expr(&op.expr)?))
                    })
                    .collect::<Res<_>>()?;
                Expr::Compare(first, rest)
            }
            ast::Expr::IfExpr(it) => Expr::If(Box::new(self.branch(|this| {
                let test = this.expr(&it.test_expr)?;
                let then = this.expr(&it.true_expr)?;
                Ok((test, then, it.false_expr.as_ref().map(|expr| this.expr(expr)).transpose()?))
            })?)),
            ast::Expr::List(it) => Expr::List(it.items.iter().map(|item| self.expr(item)).collect::<Res<_>>()?),
            ast::Expr::Tuple(it) => Expr::Tuple(it.items.iter().map(|item| self.expr(item)).collect::<Res<_>>()?),
            ast::Expr::Map(it) => Expr::Dict(
                it.keys
                    .iter()
                    .zip(&it.values)
                    .map(|(key, value)| Ok((self.expr(key)?, self.expr(value)?)))
                    .collect::<Res<_>>()?,
            ),
            other => return self.expr(other),
        })
    }

    /// Operators of one precedence become one list, so that long sums do not nest.
    fn binary(&mut self, expr: &ast::Expr<'_>) -> Res<Expr> {
        let ast::Expr::BinOp(outer) = expr else { return self.expr(expr) };
        let class = class_of(outer.op);
        let mut rest = Vec::new();
        let mut current = expr;
        while let ast::Expr::BinOp(it) = current
            && class_of(it.op) == class
            && (class != Class::Compare || std::ptr::eq(current, expr))
        {
            rest.push((it.op, &it.right));
            current = &it.left;
        }
        rest.reverse();
        let first = self.expr(current)?;
        let many = |this: &mut Self, first: Expr| -> Res<Vec<Expr>> {
            std::iter::once(Ok(first)).chain(rest.iter().map(|(_, expr)| this.expr(expr))).collect()
        };
        Ok(match class {
            Class::And => Expr::And(many(self, first)?),
            Class::Or => Expr::Or(many(self, first)?),
            Class::Concat => Expr::Concat(many(self, first)?),
            Class::Compare => {
                let rest = rest
                    .iter()
                    .map(|(op, expr)| {
                        let comparison = match op {
                            ast::BinOpKind::Ne => Comparison::Ne,
                            ast::BinOpKind::Lt => Comparison::Lt,
                            ast::BinOpKind::Lte => Comparison::Le,
                            ast::BinOpKind::Gt => Comparison::Gt,
                            ast::BinOpKind::Gte => Comparison::Ge,
                            ast::BinOpKind::In => Comparison::In,
                            _ => Comparison::Eq,
                        };
                        Ok((comparison, self.expr(expr)?))
                    })
                    .collect::<Res<_>>()?;
                Expr::Compare(Box::new(first), rest)
            }
            Class::Arithmetic(_) => {
                let rest = rest
                    .iter()
                    .map(|(op, expr)| {
                        let operator = match op {
                            ast::BinOpKind::Sub => Operator::Sub,
                            ast::BinOpKind::Mul => Operator::Mul,
                            ast::BinOpKind::Div => Operator::Div,
                            ast::BinOpKind::FloorDiv => Operator::FloorDiv,
                            ast::BinOpKind::Rem => Operator::Rem,
                            ast::BinOpKind::Pow => Operator::Pow,
                            _ => Operator::Add,
                        };
                        Ok((operator, self.expr(expr)?))
                    })
                    .collect::<Res<_>>()?;
                Expr::Arithmetic(Box::new(first), rest)
            }
        })
    }

    fn constant(&mut self, it: &ast::Spanned<ast::Const>) -> Res<Expr> {
        let span = it.span();
        let text = self.slice(span);
        let value = &it.value;
        if value.as_str().is_some() {
            let plain = self.plain_backslashes && self.in_expression;
            let text = join_literals(text, if plain { raw_text } else { python_text })
                .map_err(syntax)?
                .unwrap_or_else(|| value.as_str().unwrap_or("").to_owned());
            if self.embedded && super::is_template(&text) {
                return Ok(Expr::Embedded(Str::trusted(text, None)));
            }
            return Ok(Expr::Const(Value::str(text)));
        }
        if value.is_none() {
            return Ok(Expr::Const(Value::Null));
        }
        if matches!(value.kind(), minijinja::value::ValueKind::Bool) {
            return Ok(Expr::Const(Value::Bool(value.is_true())));
        }
        if text.contains("__")
            || (text.len() > 1
                && text.starts_with('0')
                && text.bytes().all(|byte| byte.is_ascii_digit())
                && text.bytes().any(|byte| byte != b'0'))
        {
            return Err(syntax("expected token 'end of print statement', got 'integer'"));
        }
        if value.is_integer() {
            let number = BigInt::from_str(&value.to_string()).map_err(|_| syntax(format!("invalid number {text}")))?;
            return Ok(Expr::Const(Value::big(number)));
        }
        Ok(Expr::Const(Value::Float(f64::try_from(value.clone()).unwrap_or(f64::NAN))))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    And,
    Or,
    Concat,
    Compare,
    Arithmetic(u8),
}

fn class_of(op: ast::BinOpKind) -> Class {
    match op {
        ast::BinOpKind::ScAnd => Class::And,
        ast::BinOpKind::ScOr => Class::Or,
        ast::BinOpKind::Concat => Class::Concat,
        ast::BinOpKind::Add | ast::BinOpKind::Sub => Class::Arithmetic(0),
        ast::BinOpKind::Mul | ast::BinOpKind::Div | ast::BinOpKind::FloorDiv | ast::BinOpKind::Rem => {
            Class::Arithmetic(1)
        }
        ast::BinOpKind::Pow => Class::Arithmetic(2),
        _ => Class::Compare,
    }
}

fn variable_name(expr: &ast::Expr<'_>) -> Option<Name> {
    match expr {
        ast::Expr::Var(var) => Some(Name::from(var.id)),
        _ => None,
    }
}
