//! Changes to the lines of an INI file.

/// Lines with their ends.
pub struct Lines(Vec<String>);

impl Lines {
    pub fn read(text: &str) -> Self {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        match lines.last_mut() {
            None => lines.push("\n".to_owned()),
            Some(last) if !last.ends_with('\n') => last.push('\n'),
            Some(_) => {}
        }
        Self(lines)
    }

    pub fn text(&self) -> String {
        self.0.concat()
    }

    /// The lines of a section without its head, as first and last plus one.
    fn section(&self, edit: &Edit<'_>) -> Option<(usize, usize)> {
        let end_of = |start: usize| {
            let rest = self.0.iter().skip(start);
            rest.take_while(|line| !line.starts_with('[')).count() + start
        };
        if edit.section.is_empty() {
            return Some((0, end_of(0)));
        }
        let heads = self.0.iter().enumerate().filter(|(_, line)| is_head(line, edit.section));
        heads
            .map(|(index, _)| (index + 1, end_of(index + 1)))
            .find(|(start, end)| edit.has.iter().all(|(option, values)| self.has(*start, *end, option, values)))
    }

    fn has(&self, start: usize, end: usize, option: &str, values: &[String]) -> bool {
        let found: Vec<_> = self
            .range(start, end)
            .iter()
            .filter_map(|line| Found::new(line, option))
            .filter(|found| found.active)
            .map(|found| found.value)
            .collect();
        if values.is_empty() {
            return found.contains(&None);
        }
        values.iter().all(|value| found.contains(&Some(value.as_str())))
    }

    fn range(&self, start: usize, end: usize) -> &[String] {
        self.0.get(start..end).unwrap_or_default()
    }
}

fn is_head(line: &str, section: &str) -> bool {
    line.strip_prefix('[').and_then(|rest| rest.split_once(']')).is_some_and(|(name, _)| name.trim() == section.trim())
}

/// A line that is about an option.
struct Found<'a> {
    active: bool,
    /// None without `=`.
    value: Option<&'a str>,
}

impl<'a> Found<'a> {
    fn new(line: &'a str, option: &str) -> Option<Self> {
        let line = line.trim_end_matches(['\r', '\n']).trim_start();
        let uncommented = line.strip_prefix(['#', ';']);
        let rest = uncommented.unwrap_or(line).trim_start().strip_prefix(option)?.trim_start();
        let active = uncommented.is_none();
        if rest.is_empty() {
            return Some(Self { active, value: None });
        }
        rest.strip_prefix('=').map(|value| Self { active, value: Some(value.trim_start()) })
    }
}

pub struct Edit<'a> {
    /// Empty for what stands above the first section.
    pub section: &'a str,
    pub has: Vec<(String, Vec<String>)>,
    pub option: Option<&'a str>,
    pub values: Vec<String>,
    pub exclusive: bool,
    /// What stands between option and value.
    pub equals: &'a str,
    pub ignore_spaces: bool,
    pub modify_inactive: bool,
}

impl Edit<'_> {
    fn line(&self, option: &str, value: Option<&str>) -> String {
        match value {
            Some(value) => format!("{option}{}{value}\n", self.equals),
            None => format!("{option}\n"),
        }
    }

    /// The lines that are wanted: one for each value, or one without.
    fn wanted(&self) -> Vec<Option<&str>> {
        if self.values.is_empty() { vec![None] } else { self.values.iter().map(|it| Some(it.as_str())).collect() }
    }

    /// Returns what was done, or nothing if nothing was to be done.
    pub fn set(&self, lines: &mut Lines) -> Option<&'static str> {
        let Some((start, end)) = lines.section(self) else {
            return Some(self.new_section(lines));
        };
        let option = self.option?;
        let mut own: Vec<Option<String>> = lines.range(start, end).iter().cloned().map(Some).collect();
        let mut wanted = self.wanted();
        let mut done = vec![false; own.len()];
        let mut msg = None;
        // Lines that have a wanted value stay where they are.
        for (line, done) in own.iter_mut().flatten().zip(&mut done) {
            let Some(found) = Found::new(line, option).filter(|it| it.active || self.modify_inactive) else { continue };
            let Some(index) = wanted.iter().position(|value| *value == found.value) else { continue };
            *done = true;
            let active = found.active;
            let new = self.line(option, wanted.remove(index));
            if *line != new && !(self.ignore_spaces && active) {
                *line = new;
                msg = Some("option changed");
            }
        }
        if self.exclusive {
            for (line, done) in own.iter_mut().zip(&mut done) {
                let Some(text) = line.as_deref().filter(|_| !*done) else { continue };
                let Some(found) = Found::new(text, option) else { continue };
                let active = found.active;
                if !wanted.is_empty() && (active || self.modify_inactive) {
                    *line = Some(self.line(option, wanted.remove(0)));
                    *done = true;
                } else if active {
                    *line = None;
                } else {
                    continue;
                }
                msg = Some("option changed");
            }
        }
        if !wanted.is_empty() {
            let carries = |line: &Option<String>| {
                line.as_deref().map(str::trim).is_some_and(|it| !it.is_empty() && !it.starts_with(['#', ';']))
            };
            let place = own.iter().rposition(carries).map_or(0, |index| index + 1);
            let new: Vec<_> = wanted.into_iter().map(|value| Some(self.line(option, value))).collect();
            own.splice(place..place, new);
            msg = Some("option added");
        }
        lines.0.splice(start..end, own.into_iter().flatten());
        msg
    }

    fn new_section(&self, lines: &mut Lines) -> &'static str {
        lines.0.push(format!("[{}]\n", self.section));
        for (option, values) in &self.has {
            if values.is_empty() {
                lines.0.push(self.line(option, None));
            }
            lines.0.extend(values.iter().map(|value| self.line(option, Some(value))));
        }
        let Some(option) = self.option else { return "only section added" };
        lines.0.extend(self.wanted().into_iter().map(|value| self.line(option, value)));
        "section and option added"
    }

    pub fn remove(&self, lines: &mut Lines) -> Option<&'static str> {
        let (start, end) = lines.section(self)?;
        let Some(option) = self.option else {
            let head = start.saturating_sub(usize::from(!self.section.is_empty()));
            lines.0.drain(head..end);
            return Some("section removed");
        };
        let goes = |line: &String| {
            let found = Found::new(line, option).filter(|it| it.active);
            found.is_some_and(|found| {
                self.exclusive || found.value.is_some_and(|value| self.values.iter().any(|it| it == value))
            })
        };
        let kept: Vec<String> = lines.range(start, end).iter().filter(|line| !goes(line)).cloned().collect();
        if kept.len() == end - start {
            return None;
        }
        lines.0.splice(start..end, kept);
        Some("option changed")
    }
}
