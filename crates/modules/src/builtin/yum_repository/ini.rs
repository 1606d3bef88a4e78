//! A file of sections with options, as Python's `configparser` reads and writes it: names of options in lower case, comments lost.

#[derive(Default)]
pub struct Ini {
    sections: Vec<(String, Vec<(String, String)>)>,
}

impl Ini {
    pub fn parse(text: &str) -> Self {
        let mut ini = Self::default();
        for line in text.lines() {
            let content = line.trim();
            if content.is_empty() || content.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = content.strip_prefix('[').and_then(|it| it.split_once(']')).map(|(name, _)| name) {
                ini.sections.push((name.to_owned(), Vec::new()));
                continue;
            }
            let Some((_, options)) = ini.sections.last_mut() else { continue };
            let continues = line.starts_with(char::is_whitespace);
            match options.last_mut() {
                Some((_, value)) if continues => {
                    value.push('\n');
                    value.push_str(content);
                }
                _ => {
                    let (key, value) = content.split_once(['=', ':']).unwrap_or((content, ""));
                    options.push((key.trim().to_lowercase(), value.trim().to_owned()));
                }
            }
        }
        ini
    }

    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    pub fn remove(&mut self, section: &str) {
        self.sections.retain(|(name, _)| name != section);
    }

    pub fn add(&mut self, section: &str, options: Vec<(String, String)>) {
        self.sections.push((section.to_owned(), options));
    }

    /// The whole for a look at differences: everything in order.
    pub fn sorted(&self) -> String {
        let mut sections = self.sections.clone();
        sections.sort();
        sections
            .iter_mut()
            .map(|(name, options)| {
                options.sort();
                let lines: String = options.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
                format!("[{name}]\n{lines}\n")
            })
            .collect()
    }

    pub fn text(&self) -> String {
        self.sections
            .iter()
            .map(|(name, options)| {
                let line = |(key, value): &(String, String)| format!("{key} = {}\n", value.replace('\n', "\n\t"));
                format!("[{name}]\n{}\n", options.iter().map(line).collect::<String>())
            })
            .collect()
    }
}
