//! Callbacks: print what a run tells. They are the only part that writes results to the terminal.

mod banner;
mod color;
mod default;
mod diff_text;
mod dump;
mod excerpt;
mod minimal;
mod oneline;
mod output;
mod shown;
mod status_line;

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::engine::Event;

pub use output::Output;

/// What is shown and how.
#[derive(Clone, Debug)]
pub struct CallbackOptions {
    pub verbosity: u8,
    pub color: bool,
    /// Standard error is a terminal that a status line may use.
    pub status_line: bool,
    /// Width of banners.
    pub columns: usize,
    pub display_ok_hosts: bool,
    pub display_skipped_hosts: bool,
    pub display_failed_stderr: bool,
    pub show_custom_stats: bool,
    pub show_per_host_start: bool,
    pub show_task_path_on_failure: bool,
    pub check_mode_markers: bool,
}

impl Default for CallbackOptions {
    fn default() -> Self {
        Self {
            verbosity: 0,
            color: false,
            status_line: false,
            columns: 79,
            display_ok_hosts: true,
            display_skipped_hosts: true,
            display_failed_stderr: false,
            show_custom_stats: false,
            show_per_host_start: false,
            show_task_path_on_failure: false,
            check_mode_markers: false,
        }
    }
}

pub trait Callback: Send {
    fn event(&mut self, event: &Event, output: &mut Output);
}

/// The callback of this name (`stdout_callback`).
pub fn find(name: &str, options: &CallbackOptions) -> Option<Box<dyn Callback>> {
    match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
        "default" => Some(Box::new(default::Default::new(options.clone()))),
        "minimal" => Some(Box::new(minimal::Minimal::new(options.clone()))),
        "oneline" => Some(Box::new(oneline::Oneline::new(options.clone()))),
        _ => None,
    }
}

/// Prints events until nobody sends any more.
pub async fn print(mut events: UnboundedReceiver<Event>, mut callback: Box<dyn Callback>, options: CallbackOptions) {
    let mut output = Output::new(&options);
    let mut status = status_line::StatusLine::default();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            event = events.recv() => {
                let Some(event) = event else { break };
                status.note(&event);
                if options.status_line {
                    output.clear_status();
                }
                callback.event(&event, &mut output);
                while let Ok(event) = events.try_recv() {
                    status.note(&event);
                    callback.event(&event, &mut output);
                }
                output.flush();
            }
            _ = ticks.tick(), if options.status_line => {
                output.show_status(&status.text(options.columns));
            }
        }
    }
    output.clear_status();
    output.flush();
}
