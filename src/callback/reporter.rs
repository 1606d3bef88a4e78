//! Who takes the events of a run: any number of reporters, of which one owns the terminal.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::JoinHandle;

use super::{Callback, Terminal, ask, status_line};
use crate::engine::Event;
use crate::engine::event::{Ask, Message};
use crate::error::{Error, ErrorKind};

pub trait Reporter: Send {
    fn event(&mut self, event: &Event);

    /// What came at once was given; what is kept for a moment is written.
    fn flush(&mut self) {}

    /// Called while nothing happens.
    fn tick(&mut self) {}

    /// The run is over. An error says that the report is not whole.
    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Answers a question if that is this reporter's business, else gives it back.
    fn ask(&mut self, question: Ask) -> Option<Ask> {
        Some(question)
    }
}

/// Shows a run to a person: callbacks, and the terminal that they write to, in their order.
pub struct OnTerminal {
    pub callbacks: Vec<Box<dyn Callback>>,
    pub terminal: Terminal,
}

impl Reporter for OnTerminal {
    fn event(&mut self, event: &Event) {
        self.terminal.observe(event);
        for callback in &mut self.callbacks {
            callback.event(event, &mut self.terminal);
        }
    }

    fn flush(&mut self) {
        self.terminal.flush();
    }

    fn tick(&mut self) {
        self.terminal.draw_status();
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.terminal.finish()
    }

    /// Nothing else is written until the answer is there: the question comes over the same queue as all events.
    fn ask(&mut self, question: Ask) -> Option<Ask> {
        self.terminal.clear();
        ask::answer(question);
        None
    }
}

/// Gives events to reporters, on a thread of its own, until the run is over.
pub fn report(messages: Receiver<Message>, mut reporters: Vec<Box<dyn Reporter>>) -> JoinHandle<Result<(), Error>> {
    std::thread::spawn(move || {
        'run: loop {
            let mut next = match messages.recv_timeout(status_line::PERIOD) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => {
                    for reporter in &mut reporters {
                        reporter.tick();
                    }
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            // Whatever has come meanwhile is written in one go.
            while let Some(message) = next {
                match message {
                    Message::Event(event) => reporters.iter_mut().for_each(|reporter| reporter.event(&event)),
                    Message::Ask(question) => {
                        flush(&mut reporters);
                        // A question that nobody takes is dropped, which tells whoever asked.
                        let _ = reporters.iter_mut().try_fold(question, |question, reporter| reporter.ask(question));
                    }
                    Message::End => break 'run,
                }
                next = messages.try_recv().ok();
            }
            flush(&mut reporters);
        }
        let ended = reporters.iter_mut().filter_map(|reporter| reporter.finish().err()).collect();
        Error::collect(ended)
    })
}

fn flush(reporters: &mut [Box<dyn Reporter>]) {
    for reporter in reporters {
        reporter.flush();
    }
}

/// Waits until everything has been reported.
pub fn join(reports: JoinHandle<Result<(), Error>>) -> Result<(), Error> {
    reports.join().unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the output failed")))
}
