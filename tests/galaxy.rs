//! `rplay galaxy` with a stand-in for a Galaxy server, on loopback.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use crate::commands::{linked, run_as};
use crate::project::{Ended, Project};

/// Version 3 of Galaxy's interface, with what was published.
struct Server {
    url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Archives and dependencies by name and version.
    collections: BTreeMap<(String, String), (Vec<u8>, Json)>,
    published: Vec<String>,
    authorizations: Vec<String>,
    /// What is sent in place of an archive.
    spoiled: Option<Vec<u8>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State::default()));
        let (own, address) = (Arc::clone(&state), url.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, &own, &address);
            }
        });
        Self { url, state }
    }

    fn add(&self, name: &str, version: &str, archive: Vec<u8>, dependencies: Json) {
        let mut state = self.state.lock().expect("the state");
        state.collections.insert((name.to_owned(), version.to_owned()), (archive, dependencies));
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>, url: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "authorization" => state.lock().expect("the state").authorizations.push(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = path.split('?').next().unwrap_or_default();
    let mut state = state.lock().expect("the state");
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let found = match (method, parts.as_slice()) {
        ("GET", ["api"]) => Some(json!({"available_versions": {"v1": "v1/", "v3": "v3/"}}).to_string().into_bytes()),
        ("GET", ["api", "v3", "collections", namespace, name, "versions"]) => {
            let full = format!("{namespace}.{name}");
            let versions: Vec<Json> =
                state.collections.keys().filter(|it| it.0 == full).map(|it| json!({"version": it.1})).collect();
            let page = json!({"data": versions, "links": {"next": null}});
            (!versions.is_empty()).then(|| page.to_string().into_bytes())
        }
        ("GET", ["api", "v3", "collections", namespace, name, "versions", version]) => {
            let key = (format!("{namespace}.{name}"), (*version).to_owned());
            state.collections.get(&key).map(|(archive, dependencies)| {
                let download = format!("{url}/download/{namespace}.{name}/{version}");
                json!({
                    "artifact": {"sha256": hex::encode(Sha256::digest(archive))},
                    "download_url": download,
                    "href": path,
                    "metadata": {"dependencies": dependencies},
                })
                .to_string()
                .into_bytes()
            })
        }
        ("GET", ["download", name, version]) => {
            let archive = state.collections.get(&((*name).to_owned(), (*version).to_owned())).map(|it| it.0.clone());
            state.spoiled.clone().or(archive)
        }
        ("POST", ["api", "v3", "artifacts", "collections"]) => {
            state.published.push(String::from_utf8_lossy(&body).into_owned());
            Some(json!({"task": "/api/v3/imports/collections/7/"}).to_string().into_bytes())
        }
        ("GET", ["api", "v3", "imports", "collections", "7"]) => {
            let messages = json!([{"level": "WARNING", "message": "no changelog"}]);
            Some(json!({"state": "completed", "finished_at": "now", "messages": messages}).to_string().into_bytes())
        }
        ("GET", ["api", "v1", "roles"]) => {
            let role = json!({"id": 1, "github_user": "x", "github_repo": "y", "description": "Swims", "username": "samdoran", "name": "fish"});
            Some(json!({"results": [role]}).to_string().into_bytes())
        }
        ("GET", ["api", "v1", "search", "roles"]) => {
            let role = json!({"username": "samdoran", "name": "fish", "description": "Swims"});
            Some(json!({"count": 1, "results": [role]}).to_string().into_bytes())
        }
        _ => None,
    };
    let (status, body) = found.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

fn galaxy(project: &Project, arguments: &[&str]) -> Ended {
    run_as(project, "ansible-galaxy", arguments, "")
}

fn fine(project: &Project, arguments: &[&str]) -> String {
    let ended = galaxy(project, arguments);
    assert_eq!(ended.status, 0, "{arguments:?}: {}{}", ended.stdout, ended.stderr);
    ended.stdout
}

fn project() -> Project {
    linked(Project::new()).env("ANSIBLE_COLLECTIONS_PATH", "installed").env("ANSIBLE_ROLES_PATH", "installed-roles")
}

/// Makes a collection's archive with ansible-galaxy's own commands, and hands it to the server.
fn publish(project: &Project, server: &Server, name: &str, version: &str, dependencies: &Json) {
    let (namespace, short) = name.split_once('.').expect("a full name");
    let folder = project.path().join("sources").join(namespace).join(short);
    fs::create_dir_all(folder.join("plugins/filter")).expect("a folder");
    let yaml = format!(
        "namespace: {namespace}\nname: {short}\nversion: {version}\nreadme: README.md\nauthors: [someone]\ndependencies: {dependencies}\n"
    );
    fs::write(folder.join("galaxy.yml"), yaml).expect("a file");
    fs::write(folder.join("README.md"), format!("version {version}\n")).expect("a file");
    fs::write(folder.join("plugins/filter/up.py"), "x = 1\n").expect("a file");
    let source = format!("sources/{namespace}/{short}");
    fine(project, &["collection", "build", &source, "--output-path", "built", "--force"]);
    let archive =
        fs::read(project.path().join(format!("built/{namespace}-{short}-{version}.tar.gz"))).expect("an archive");
    server.add(name, version, archive, dependencies.clone());
}

fn served(project: Project, server: &Server) -> Project {
    let configuration =
        format!("[galaxy]\nserver_list = own\n[galaxy_server.own]\nurl = {}/api/\ntoken = abc\n", server.url);
    project.file("ansible.cfg", configuration)
}

#[test]
fn a_collection_is_made_built_installed_listed_and_verified() {
    let project = project();
    assert_eq!(
        fine(&project, &["collection", "init", "acme.tools"]),
        "- Collection acme.tools was created successfully\n"
    );
    let again = galaxy(&project, &["collection", "init", "acme.tools"]);
    assert_eq!(again.status, 1);
    assert!(again.stderr.contains("[ERROR]: - the directory ./acme/tools already exists."), "{}", again.stderr);
    let built = fine(&project, &["collection", "build", "acme/tools"]);
    assert_eq!(built, "Created collection for acme.tools at <cwd>/acme-tools-1.0.0.tar.gz\n");
    let installed = fine(&project, &["collection", "install", "acme-tools-1.0.0.tar.gz"]);
    assert_eq!(
        installed,
        "Starting galaxy collection install process\nProcess install dependency map\nStarting collection install process\n\
         Installing 'acme.tools:1.0.0' to '<cwd>/installed/ansible_collections/acme/tools'\n\
         acme.tools:1.0.0 was installed successfully\n"
    );
    let twice = fine(&project, &["collection", "install", "acme-tools-1.0.0.tar.gz"]);
    assert!(twice.contains("Nothing to do. All requested collections are already installed."), "{twice}");
    assert_eq!(
        fine(&project, &["collection", "list"]),
        "\n# <cwd>/installed/ansible_collections\nCollection Version\n---------- -------\nacme.tools 1.0.0  \n"
    );
    assert_eq!(
        fine(&project, &["collection", "list", "--format=json"]),
        "{\"<cwd>/installed/ansible_collections\": {\"acme.tools\": {\"version\": \"1.0.0\"}}}\n"
    );
    let verified = fine(&project, &["collection", "verify", "--offline", "acme.tools"]);
    assert!(
        verified.ends_with(
            "Successfully verified that checksums for 'acme.tools:1.0.0' are internally consistent with its manifest.\n"
        ),
        "{verified}"
    );
    fs::write(project.path().join("installed/ansible_collections/acme/tools/README.md"), "changed").expect("a file");
    let changed = galaxy(&project, &["collection", "verify", "--offline", "acme.tools"]);
    assert_eq!(changed.status, 1);
    assert!(
        changed.stdout.ends_with("contains modified content in the following files:\n    README.md\n"),
        "{}",
        changed.stdout
    );
    let wrong = galaxy(&project, &["collection", "list", "dirty.wraughten.name"]);
    assert!(wrong.stderr.contains("[ERROR]: Invalid collection name 'dirty.wraughten.name'"), "{}", wrong.stderr);
    let missing = galaxy(&project, &["collection", "list", "-p", "nope"]);
    assert!(
        missing.stderr.contains("[WARNING]: - the configured path <cwd>/nope does not exist."),
        "{}",
        missing.stderr
    );
}

/// Which files an archive has by the directives that Python's packages know.
#[test]
fn directives_choose_the_files_of_an_archive() {
    let galaxy_yml = "namespace: ns\nname: col\nversion: 1.0.0\nreadme: README.md\nauthors: [x]\nmanifest:\n  directives:\n  \
                      - include extra/keep.bin\n  - prune docs/private\n";
    let project = project()
        .file("c/galaxy.yml", galaxy_yml)
        .file("c/README.md", "")
        .file("c/plugins/modules/m.py", "")
        .file("c/plugins/modules/m.pyc", "")
        .file("c/plugins/modules/readme.txt", "")
        .file("c/docs/a.rst", "")
        .file("c/docs/private/b.rst", "")
        .file("c/extra/keep.bin", "")
        .file("c/extra/drop.bin", "")
        .file("c/.hidden", "");
    fine(&project, &["collection", "build", "c"]);
    let listed =
        Command::new("tar").args(["tzf", "ns-col-1.0.0.tar.gz"]).current_dir(project.path()).output().expect("tar");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut names: Vec<&str> = listed.lines().map(|name| name.trim_end_matches('/')).collect();
    names.sort_unstable();
    let expected = [
        "FILES.json",
        "MANIFEST.json",
        "README.md",
        "docs",
        "docs/a.rst",
        "extra",
        "extra/keep.bin",
        "plugins",
        "plugins/modules",
        "plugins/modules/m.py",
    ];
    assert_eq!(names, expected);
}

#[test]
fn versions_that_fit_together_come_from_the_server() {
    let server = Server::start();
    let project = served(project(), &server);
    publish(&project, &server, "acme.base", "1.0.0", &json!({}));
    publish(&project, &server, "acme.base", "1.5.0", &json!({}));
    publish(&project, &server, "acme.base", "2.0.0", &json!({}));
    publish(&project, &server, "acme.base", "3.0.0-beta", &json!({}));
    publish(&project, &server, "acme.web", "1.0.0", &json!({"acme.base": ">=1.0.0,<2.0.0"}));
    let installed = fine(&project, &["collection", "install", "acme.web"]);
    assert!(installed.contains("acme.base:1.5.0 was installed successfully"), "{installed}");
    assert!(installed.contains("acme.web:1.0.0 was installed successfully"), "{installed}");
    let info = project.path().join("installed/ansible_collections/acme.web-1.0.0.info/GALAXY.yml");
    assert!(fs::read_to_string(info).expect("what the server said").contains("format_version: 1.0.0"));
    let tokens = server.state.lock().expect("the state").authorizations.clone();
    assert!(!tokens.is_empty() && tokens.iter().all(|token| token == "Token abc"), "{tokens:?}");
    let verified = fine(&project, &["collection", "verify", "acme.web"]);
    assert!(verified.contains("match the remote collection."), "{verified}");
    let upgraded = fine(&project, &["collection", "install", "acme.base", "--upgrade"]);
    assert!(upgraded.contains("acme.base:2.0.0 was installed successfully"), "{upgraded}");
    let conflict = galaxy(&project, &["collection", "install", "acme.web", "acme.base:>=2.0.0", "--force"]);
    assert_eq!(conflict.status, 1);
    assert!(conflict.stderr.contains("Failed to resolve the requested dependencies map."), "{}", conflict.stderr);
    assert!(conflict.stderr.contains("* acme.base:>=2.0.0 (direct request)"), "{}", conflict.stderr);
    let none = galaxy(&project, &["collection", "install", "acme.nothing"]);
    assert!(none.stderr.contains("* acme.nothing:* (direct request)"), "{}", none.stderr);
    let alone = fine(&project, &["collection", "install", "acme.web", "-n", "-p", "other", "--force"]);
    assert!(alone.contains("acme.web:1.0.0") && !alone.contains("acme.base"), "{alone}");
    let early = fine(&project, &["collection", "install", "acme.base", "--pre", "-p", "other"]);
    assert!(early.contains("acme.base:3.0.0-beta was installed successfully"), "{early}");
    let kept = fine(&project, &["collection", "download", "acme.web", "-p", "kept"]);
    assert!(kept.contains("Collection 'acme.base:1.5.0' was downloaded successfully"), "{kept}");
    let in_folder =
        run_in(&project, "kept", &["collection", "install", "--offline", "-r", "requirements.yml", "-p", "../third"]);
    assert_eq!(in_folder.status, 0, "{}", in_folder.stderr);
}

fn run_in(project: &Project, folder: &str, arguments: &[&str]) -> Ended {
    let mut command = Command::new(project.path().join("bin/ansible-galaxy"));
    command.args(arguments).current_dir(project.path().join(folder)).env("ANSIBLE_COLLECTIONS_PATH", "../third");
    project.ended(command.output().expect("it runs"))
}

#[test]
fn a_lock_holds_versions_and_hashes() {
    let server = Server::start();
    let requirements = "collections:\n- name: acme.base\n  version: '>=1.0.0'\n";
    let project = served(project(), &server).file("requirements.yml", requirements);
    publish(&project, &server, "acme.base", "1.0.0", &json!({}));
    let install = ["collection", "install", "-r", "requirements.yml"];
    fine(&project, &[&install[..], &["--lock"]].concat());
    let lock = fs::read_to_string(project.path().join("requirements.lock.json")).expect("the lock");
    let lock: Json = serde_json::from_str(&lock).expect("JSON");
    assert_eq!(lock["collections"]["acme.base"]["version"], "1.0.0");
    publish(&project, &server, "acme.base", "1.1.0", &json!({}));
    let remove = || fs::remove_dir_all(project.path().join("installed")).expect("it is removed");
    remove();
    let locked = fine(&project, &install);
    assert!(locked.contains("acme.base:1.0.0 was installed successfully"), "{locked}");
    // Another archive under the same version.
    remove();
    let other = fs::read(project.path().join("built/acme-base-1.1.0.tar.gz")).expect("an archive");
    server.add("acme.base", "1.0.0", other, json!({}));
    let refused = galaxy(&project, &install);
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("the archive of acme.base:1.0.0 is not the locked one"), "{}", refused.stderr);
    assert!(!project.path().join("installed/ansible_collections/acme/base").exists());
}

#[test]
fn an_archive_that_is_not_what_the_server_told_of_is_refused() {
    let server = Server::start();
    let project = served(project(), &server);
    publish(&project, &server, "acme.base", "1.0.0", &json!({}));
    server.state.lock().expect("the state").spoiled = Some(b"something else".to_vec());
    let refused = galaxy(&project, &["collection", "install", "acme.base"]);
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("Mismatch artifact hash with downloaded file"), "{}", refused.stderr);
}

#[test]
fn an_archive_is_published() {
    let server = Server::start();
    let project = served(project(), &server);
    publish(&project, &server, "acme.base", "1.0.0", &json!({}));
    let published = galaxy(&project, &["collection", "publish", "built/acme-base-1.0.0.tar.gz"]);
    assert_eq!(published.status, 0, "{}", published.stderr);
    assert!(
        published.stdout.contains("Collection has been successfully published and imported to the Galaxy server own"),
        "{}",
        published.stdout
    );
    assert!(
        published.stderr.contains("[WARNING]: Galaxy import warning message: no changelog"),
        "{}",
        published.stderr
    );
    let bodies = server.state.lock().expect("the state").published.clone();
    assert!(bodies[0].contains("name=\"sha256\"") && bodies[0].contains("filename=\"acme-base-1.0.0.tar.gz\""));
}

/// Archives of one file whose path, or link, leads elsewhere.
fn hostile(project: &Project, name: &str, add: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> String {
    let mut builder = tar::Builder::new(Vec::new());
    let meta = b"galaxy_info: {}\n";
    let mut header = tar::Header::new_gnu();
    header.set_size(meta.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, "role/meta/main.yml", &meta[..]).expect("an entry");
    add(&mut builder);
    let file = format!("{name}.tar");
    fs::write(project.path().join(&file), builder.into_inner().expect("an archive")).expect("it is written");
    file
}

fn raw_entry(builder: &mut tar::Builder<Vec<u8>>, path: &str, kind: tar::EntryType, link: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_mode(0o644);
    // The library itself would refuse such names.
    let bytes = header.as_mut_bytes();
    bytes[..path.len()].copy_from_slice(path.as_bytes());
    bytes[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    builder.append(&header, &[][..]).expect("an entry");
}

#[test]
fn archives_that_leave_their_folder_are_refused() {
    let project = project();
    type Add = fn(&mut tar::Builder<Vec<u8>>);
    let attacks: [(&str, Add); 5] = [
        ("above", |tar| raw_entry(tar, "role/../../evil", tar::EntryType::Regular, "")),
        ("absolute", |tar| raw_entry(tar, "/tmp/rplay-evil", tar::EntryType::Regular, "")),
        ("link", |tar| raw_entry(tar, "role/tasks", tar::EntryType::Symlink, "../../../etc")),
        ("absolute-link", |tar| raw_entry(tar, "role/tasks", tar::EntryType::Symlink, "/etc/passwd")),
        ("hard-link", |tar| raw_entry(tar, "role/tasks", tar::EntryType::Link, "/etc/passwd")),
    ];
    for (name, add) in attacks {
        let file = hostile(&project, name, add);
        let refused = galaxy(&project, &["role", "install", &file]);
        assert_eq!(refused.status, 1, "{name}: {}{}", refused.stdout, refused.stderr);
        assert!(refused.stderr.contains("was NOT installed successfully"), "{name}: {}", refused.stderr);
        assert!(!project.path().join("installed-roles").join(&file).exists(), "{name}");
        assert!(!Path::new("/tmp/rplay-evil").exists());
    }
    let through = hostile(&project, "through", |tar| {
        raw_entry(tar, "role/files", tar::EntryType::Symlink, "tasks");
        raw_entry(tar, "role/files/inner", tar::EntryType::Regular, "");
    });
    assert_eq!(galaxy(&project, &["role", "install", &through]).status, 1);
    // A link, and then a file of the same name.
    let target = project.path().join("target");
    let twice = hostile(&project, "twice", |tar| {
        raw_entry(tar, "role/link", tar::EntryType::Symlink, &target.display().to_string());
        raw_entry(tar, "role/link", tar::EntryType::Regular, "");
    });
    let refused = galaxy(&project, &["role", "install", &twice]);
    assert!(refused.stderr.contains("is not a subpath of the role"), "{}", refused.stderr);
    assert!(!target.exists());
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]);
    let output = command.args(arguments).current_dir(folder).output().expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn roles_come_from_repositories_and_bring_what_they_need() {
    let project = project();
    for name in ["base", "web"] {
        assert_eq!(fine(&project, &["init", name]), format!("- Role {name} was created successfully\n"));
        let folder = project.path().join(name);
        if name == "web" {
            let base = project.path().join("base");
            fs::write(folder.join("meta/requirements.yml"), format!("- src: git+file://{}\n", base.display()))
                .expect("a file");
        }
        git(&folder, &["init", "--quiet", "."]);
        git(&folder, &["add", "."]);
        git(&folder, &["commit", "--quiet", "-m", "first"]);
        git(&folder, &["tag", "v1"]);
    }
    let web = format!("git+file://{}", project.path().join("web").display());
    let installed = fine(&project, &["install", &format!("{web},v1")]);
    assert!(
        installed.contains("- extracting web to <cwd>/installed-roles/web\n- web (v1) was installed successfully\n"),
        "{installed}"
    );
    assert!(installed.contains("- adding dependency: base\n"), "{installed}");
    assert!(installed.contains("- base was installed successfully"), "{installed}");
    assert!(!project.path().join("installed-roles/web/.git").exists());
    let again = fine(&project, &["install", &format!("{web},v1")]);
    assert!(again.contains("- web (v1) is already installed, skipping."), "{again}");
    assert_eq!(fine(&project, &["role", "list"]), "# <cwd>/installed-roles\n- base, (unknown version)\n- web, v1\n");
    let about = fine(&project, &["role", "info", "--offline", "web"]);
    assert!(about.contains("Role: web\n\tdescription: your role description\n"), "{about}");
    assert!(about.contains("\tinstalled_version: v1\n"), "{about}");
    assert_eq!(fine(&project, &["role", "remove", "web"]), "- successfully removed web\n");
    assert_eq!(fine(&project, &["role", "remove", "web"]), "- web is not installed, skipping.\n");
    let wrong = galaxy(&project, &["install", "git+file:///nowhere/at-all"]);
    assert_eq!(wrong.status, 1);
    assert!(wrong.stderr.contains("[ERROR]: - you can use --ignore-errors to skip failed roles"), "{}", wrong.stderr);
    let option = galaxy(&project, &["install", "git+--upload-pack=touch owned"]);
    assert_eq!(option.status, 1);
    assert!(!project.path().join("owned").exists(), "what is asked for is never an option of git");
}

#[test]
fn a_file_of_requirements_has_roles_and_collections() {
    let project = project();
    fine(&project, &["collection", "init", "acme.tools"]);
    fine(&project, &["collection", "build", "acme/tools"]);
    fine(&project, &["role", "init", "base"]);
    let tar =
        Command::new("tar").args(["czf", "base.tar.gz", "base"]).current_dir(project.path()).status().expect("tar");
    assert!(tar.success());
    let project = project.file(
        "requirements.yml",
        "roles:\n- src: base.tar.gz\n  name: base\ncollections:\n- name: acme-tools-1.0.0.tar.gz\n  type: file\n",
    );
    let installed = fine(&project, &["install", "-r", "requirements.yml"]);
    assert!(
        installed.contains("Starting galaxy role install process")
            && installed.contains("Starting galaxy collection install process"),
        "{installed}"
    );
    assert!(project.path().join("installed-roles/base/tasks/main.yml").is_file());
    assert!(project.path().join("installed/ansible_collections/acme/tools/MANIFEST.json").is_file());
    let project = project.file("wrong.yml", "things: []\n");
    let wrong = galaxy(&project, &["install", "-r", "wrong.yml"]);
    assert!(wrong.stderr.contains("Expecting only 'roles' and/or 'collections' as base keys"), "{}", wrong.stderr);
    let missing = galaxy(&project, &["collection", "install", "-r", "nothing.yml"]);
    assert!(missing.stderr.contains("The requirements file '<cwd>/nothing.yml' does not exist."), "{}", missing.stderr);
}

#[test]
fn the_server_is_asked_about_roles() {
    let server = Server::start();
    let project = served(project(), &server);
    let about = fine(&project, &["role", "info", "samdoran.fish"]);
    assert!(about.contains("Role: samdoran.fish\n\tdescription: Swims\n"), "{about}");
    assert_eq!(fine(&project, &["role", "info", "notaroll"]), "- the role notaroll was not found\n");
    let found = fine(&project, &["role", "search", "fish"]);
    assert_eq!(
        found,
        "\nFound 1 roles matching your search:\n\n Name          Description\n ----          -----------\n samdoran.fish Swims\n"
    );
    let nothing = galaxy(&project, &["role", "search"]);
    assert!(nothing.stderr.contains("Invalid query."), "{}", nothing.stderr);
}

#[test]
fn a_skeleton_of_ones_own_is_filled_in() {
    let project = project()
        .file("skeleton/README.md.j2", "{{ role_name }} by {{ author }}\n")
        .file("skeleton/templates/t.j2", "{{ stays }}\n")
        .file("skeleton/.git/config", "x");
    fine(&project, &["role", "init", "mine", "--role-skeleton", "skeleton", "-e", "author=me"]);
    let read = |path: &str| fs::read_to_string(project.path().join("mine").join(path)).expect("a file");
    assert_eq!(read("README.md"), "mine by me\n");
    assert_eq!(read("templates/t.j2"), "{{ stays }}\n");
    assert!(!project.path().join("mine/.git").exists());
}
