//! A file of sections with options, as Python's `configparser` reads and writes it: names of options in lower case, comments lost.

use rplay_module_api::config_parser::{self, Mistake, Rules};

#[derive(Default)]
pub struct Ini {
    sections: Vec<(String, Vec<(String, String)>)>,
}

impl Ini {
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        let sections = config_parser::read(text, Rules::default())?.into_iter().map(|section| {
            let options = section.entries.into_iter().map(|entry| (entry.name, entry.value.unwrap_or_default()));
            (section.name, options.collect())
        });
        Ok(Self { sections: sections.collect() })
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
