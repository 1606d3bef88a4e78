//! A target that lies: what answers in place of the agent is written here. It is reached through a false `ssh` program.

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rplay_module_api::frame::{FrameKind, HEADER_LENGTH, Header, encode};
use serde_json::{Value, json};

use crate::project::Project;

/// Answers every module with what the test wants.
pub struct HostileAgent {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl HostileAgent {
    /// `answer` gets the name of a module and gives the response's `result`, `{"Ok": …}` or `{"Err": …}`.
    pub fn start(answer: impl Fn(&str) -> Value + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                std::thread::spawn(move || serve(stream, &*answer, &log));
            }
        });
        Self { port, asked }
    }

    /// Adds the host `evil` and the way to it.
    pub fn host_of(&self, project: Project) -> Project {
        // What `-F none` says are the defaults; a jump host that is none of them needs the `ssh` program, which this is.
        // Like that one it tells that it is logged in by running LocalCommand.
        let ssh = format!(
            "#!/bin/bash\ncase \" $* \" in\n*' -F none '*) printf 'hostname evil\\nuser root\\nport 22\\n'; exit;;\n\
             *' -G '*) printf 'hostname evil\\nuser root\\nport 22\\nproxyjump other\\n'; exit;;\nesac\n\
             for word; do case $word in LocalCommand=*) eval \"${{word#*=}}\";; esac; done\n\
             line=\"$*\"; nonce=${{line#*; r=}}; printf '\\nRPLAY-HELLO %s\\n' \"${{nonce%%;*}}\"\n\
             exec 3<>/dev/tcp/127.0.0.1/{}\ncat <&3 &\ncat >&3\n",
            self.port
        );
        let inventory = format!(
            "evil ansible_ssh_executable={}/false-ssh ansible_ssh_common_args='-o ProxyJump=other'\n",
            project.path().display()
        );
        project.file("false-ssh", ssh).file("hosts", inventory)
    }

    /// The modules that were run there.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panicked").clone()
    }
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&str) -> Value, log: &Mutex<Vec<String>>) {
    let hello = json!({
        "pid": 1, "uid": 0, "gid": 0, "user": "root", "home": "/root", "machine": "x86_64", "hostname": "evil"
    });
    if stream.write_all(&encode(FrameKind::Hello, 0, hello.to_string().as_bytes())).is_err() {
        return;
    }
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut request = Vec::new();
    loop {
        let mut header = [0; HEADER_LENGTH];
        if reader.read_exact(&mut header).is_err() {
            return;
        }
        let header = Header::parse(header).expect("the controller's frames are right");
        let mut body = vec![0; header.length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        if header.kind != FrameKind::Request {
            continue;
        }
        request.extend(body);
        if header.more {
            continue;
        }
        let asked: Value = serde_json::from_slice(&std::mem::take(&mut request)).expect("a request is JSON");
        let module = asked["module"].as_str().unwrap_or_default().to_owned();
        let response = json!({ "result": answer(&module), "warnings": [] });
        log.lock().expect("nobody panicked").push(module);
        let _ = stream.write_all(&encode(FrameKind::Response, header.id, response.to_string().as_bytes()));
    }
}
