//! What may stand behind `rplay galaxy`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

/// Installs and makes collections and roles.
#[derive(Debug, Parser)]
#[command(name = "rplay galaxy", version, disable_version_flag = true)]
#[command(
    after_help = "Without `collection` or `role` it is `role`; then `install -r FILE` installs a file's collections, too.\n\n\
                        Examples:\n  rplay galaxy collection install community.general:>=9\n  \
                        rplay galaxy install -r requirements.yml\n  rplay galaxy collection install -r requirements.yml --lock"
)]
pub struct GalaxyOptions {
    #[command(subcommand)]
    pub subject: Subject,
    /// Print the version
    #[arg(long, action = ArgAction::Version)]
    pub version: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub enum Subject {
    /// Collections
    #[command(subcommand)]
    Collection(CollectionAction),
    /// Roles
    #[command(subcommand)]
    Role(RoleAction),
}

#[derive(Debug, Subcommand)]
#[command(args_override_self = true)]
pub enum CollectionAction {
    /// Download collections and what they need, for an installation without a network
    Download(CollectionDownload),
    /// Make the folder of a new collection
    Init(CollectionInit),
    /// Make an archive that can be published
    Build(Build),
    /// Publish an archive
    Publish(Publish),
    /// Install collections
    Install(CollectionInstall),
    /// List installed collections
    List(CollectionList),
    /// Compare installed collections with what their server has
    Verify(Verify),
}

#[derive(Debug, Subcommand)]
#[command(args_override_self = true)]
pub enum RoleAction {
    /// Make the folder of a new role
    Init(RoleInit),
    /// Remove installed roles
    Remove(RoleRemove),
    /// Remove a role from the server
    Delete(Github),
    /// List installed roles
    List(RoleList),
    /// Search for roles on the server
    Search(Search),
    /// Have the server import a role
    Import(Import),
    /// Manage what the server takes roles from
    Setup(Setup),
    /// Show what is known of roles
    Info(Info),
    /// Install roles
    Install(RoleInstall),
}

#[derive(Clone, Debug, Args)]
pub struct ServerOptions {
    /// The server: an address, or a name of the configuration
    #[arg(short = 's', long, value_name = "SERVER")]
    pub server: Option<String>,
    /// The version of the server's interface
    #[arg(long, hide = true, value_name = "VERSION")]
    pub api_version: Option<u8>,
    /// The token for the server
    #[arg(long, visible_alias = "api-key", value_name = "TOKEN")]
    pub token: Option<String>,
    /// Do not check certificates
    #[arg(short = 'c', long)]
    pub ignore_certs: bool,
    /// Seconds until the server must have answered
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// More output; repeat for still more
    #[arg(short = 'v', long, action = ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Debug, Args)]
pub struct CacheOptions {
    /// Forget what servers answered before
    #[arg(long)]
    pub clear_response_cache: bool,
    /// Ask servers again
    #[arg(long)]
    pub no_cache: bool,
}

#[derive(Clone, Debug, Default, Args)]
pub struct SignatureOptions {
    /// The keyring for signatures
    #[arg(long, value_name = "FILE")]
    pub keyring: Option<PathBuf>,
    /// How many signatures must be right: a number or `all`, with a + if there must be one
    #[arg(long, value_name = "COUNT")]
    pub required_valid_signature_count: Option<String>,
    /// What gpg may say without a signature being refused
    #[arg(long, visible_alias = "ignore-signature-status-code", value_name = "CODE", num_args = 1..)]
    pub ignore_signature_status_codes: Vec<String>,
}

#[derive(Debug, Args)]
pub struct CollectionDownload {
    /// Collections
    pub collections: Vec<String>,
    /// Leave out what they need
    #[arg(short = 'n', long)]
    pub no_deps: bool,
    /// Where they are put
    #[arg(short = 'p', long, value_name = "DIR", default_value = "./collections")]
    pub download_path: PathBuf,
    /// A file of collections
    #[arg(short = 'r', long, value_name = "FILE")]
    pub requirements_file: Option<PathBuf>,
    /// Pre-releases, too
    #[arg(long)]
    pub pre: bool,
    #[command(flatten)]
    pub cache: CacheOptions,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct CollectionInit {
    /// NAMESPACE.NAME
    pub collection_name: String,
    /// The folder that it is made in
    #[arg(long, value_name = "DIR", default_value = "./")]
    pub init_path: PathBuf,
    /// The folder that it is made from
    #[arg(long, value_name = "DIR")]
    pub collection_skeleton: Option<PathBuf>,
    /// Variables for the folder's templates
    #[arg(short = 'e', long, value_name = "VARS")]
    pub extra_vars: Vec<String>,
    /// Replace what is there
    #[arg(short = 'f', long)]
    pub force: bool,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct Build {
    /// Folders of collections
    #[arg(default_value = ".")]
    pub collections: Vec<PathBuf>,
    /// Where the archives are put
    #[arg(long, value_name = "DIR", default_value = "./")]
    pub output_path: PathBuf,
    /// Replace what is there
    #[arg(short = 'f', long)]
    pub force: bool,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct Publish {
    /// The archive
    pub collection_path: PathBuf,
    /// Do not wait for the server's import
    #[arg(long)]
    pub no_wait: bool,
    /// Seconds to wait for the server's import
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub import_timeout: u64,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct CollectionInstall {
    /// Collections: names with versions, archives, folders, addresses, repositories
    pub collections: Vec<String>,
    /// Go on with the others if one cannot be installed
    #[arg(short = 'i', long)]
    pub ignore_errors: bool,
    /// Leave out what they need
    #[arg(short = 'n', long, conflicts_with = "force_with_deps")]
    pub no_deps: bool,
    /// Replace what is there, and what it needs
    #[arg(long)]
    pub force_with_deps: bool,
    /// The folder of collections
    #[arg(short = 'p', long, value_name = "DIR")]
    pub collections_path: Option<PathBuf>,
    /// A file of collections
    #[arg(short = 'r', long, value_name = "FILE")]
    pub requirements_file: Option<PathBuf>,
    /// Pre-releases, too
    #[arg(long)]
    pub pre: bool,
    /// Take newer versions of what is installed
    #[arg(short = 'U', long)]
    pub upgrade: bool,
    /// Do not check signatures
    #[arg(long)]
    pub disable_gpg_verify: bool,
    /// Another signature of the collection
    #[arg(long, value_name = "SOURCE")]
    pub signature: Vec<String>,
    /// Install archives without asking a server
    #[arg(long)]
    pub offline: bool,
    /// Replace what is there
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Write down what is installed, with hashes, beside the file of requirements; later installations take just that
    #[arg(long, requires = "requirements_file")]
    pub lock: bool,
    #[command(flatten)]
    pub signatures: SignatureOptions,
    #[command(flatten)]
    pub cache: CacheOptions,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    Human,
    Yaml,
    Json,
}

#[derive(Debug, Args)]
pub struct CollectionList {
    /// Only this one
    pub collection: Option<String>,
    /// Format of the output
    #[arg(long, value_enum, default_value = "human")]
    pub format: ListFormat,
    /// More folders of collections, separated by colons
    #[arg(short = 'p', long, value_name = "PATHS")]
    pub collections_path: Vec<String>,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// Installed collections
    pub collections: Vec<String>,
    /// Go on with the others if one cannot be checked
    #[arg(short = 'i', long)]
    pub ignore_errors: bool,
    /// Check against the collection's own list alone
    #[arg(long)]
    pub offline: bool,
    /// A file of collections
    #[arg(short = 'r', long, value_name = "FILE")]
    pub requirements_file: Option<PathBuf>,
    /// Another signature of the collection
    #[arg(long, value_name = "SOURCE")]
    pub signature: Vec<String>,
    /// More folders of collections, separated by colons
    #[arg(short = 'p', long, value_name = "PATHS")]
    pub collections_path: Vec<String>,
    #[command(flatten)]
    pub signatures: SignatureOptions,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct RolesPath {
    /// Folders of roles, separated by colons, that go before the configured ones
    #[arg(short = 'p', long, value_name = "PATHS")]
    pub roles_path: Vec<String>,
}

#[derive(Debug, Args)]
pub struct RoleInit {
    /// Name of the role
    pub role_name: String,
    /// The folder that it is made in
    #[arg(long, value_name = "DIR", default_value = "./")]
    pub init_path: PathBuf,
    /// The folder that it is made from
    #[arg(long, value_name = "DIR")]
    pub role_skeleton: Option<PathBuf>,
    /// Kind of the role: default, container, apb or network
    #[arg(long = "type", value_name = "TYPE", default_value = "default")]
    pub role_type: String,
    /// Variables for the folder's templates
    #[arg(short = 'e', long, value_name = "VARS")]
    pub extra_vars: Vec<String>,
    /// Ask no server
    #[arg(long)]
    pub offline: bool,
    /// Replace what is there
    #[arg(short = 'f', long)]
    pub force: bool,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct RoleRemove {
    /// Roles
    #[arg(required = true)]
    pub roles: Vec<String>,
    #[command(flatten)]
    pub path: RolesPath,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct Github {
    /// User at GitHub
    pub github_user: String,
    /// Repository at GitHub
    pub github_repo: String,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct RoleList {
    /// Only this one
    pub role: Option<String>,
    #[command(flatten)]
    pub path: RolesPath,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct Search {
    /// Words to search for
    pub words: Vec<String>,
    /// Only roles for these platforms
    #[arg(long)]
    pub platforms: Option<String>,
    /// Only roles with these tags
    #[arg(long)]
    pub galaxy_tags: Option<String>,
    /// Only roles of this user
    #[arg(long)]
    pub author: Option<String>,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct Import {
    /// Do not wait for the result
    #[arg(long)]
    pub no_wait: bool,
    /// The branch to import
    #[arg(long)]
    pub branch: Option<String>,
    /// The role's name, if it is not the repository's
    #[arg(long)]
    pub role_name: Option<String>,
    /// Only tell how the last import went
    #[arg(long)]
    pub status: bool,
    #[command(flatten)]
    pub github: Github,
}

#[derive(Debug, Args)]
pub struct Setup {
    /// Remove this integration
    #[arg(long, value_name = "ID")]
    pub remove: Option<String>,
    /// List integrations
    #[arg(long)]
    pub list: bool,
    /// Source, such as github
    pub source: String,
    /// User at GitHub
    pub github_user: String,
    /// Repository at GitHub
    pub github_repo: String,
    /// The secret
    pub secret: String,
    #[command(flatten)]
    pub path: RolesPath,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct Info {
    /// Roles
    #[arg(required = true)]
    pub roles: Vec<String>,
    /// Ask no server
    #[arg(long)]
    pub offline: bool,
    #[command(flatten)]
    pub path: RolesPath,
    #[command(flatten)]
    pub server: ServerOptions,
}

#[derive(Debug, Args)]
pub struct RoleInstall {
    /// Roles: names with versions, archives, addresses, repositories
    pub roles: Vec<String>,
    /// Go on with the others if one cannot be installed
    #[arg(short = 'i', long)]
    pub ignore_errors: bool,
    /// Leave out what they need
    #[arg(short = 'n', long, conflicts_with = "force_with_deps")]
    pub no_deps: bool,
    /// Replace what is there, and what it needs
    #[arg(long)]
    pub force_with_deps: bool,
    /// A file of roles
    #[arg(short = 'r', long, value_name = "FILE")]
    pub role_file: Option<PathBuf>,
    /// Keep the repository's own files
    #[arg(short = 'g', long)]
    pub keep_scm_meta: bool,
    /// Replace what is there
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Do not check signatures of a file's collections
    #[arg(long)]
    pub disable_gpg_verify: bool,
    #[command(flatten)]
    pub signatures: SignatureOptions,
    #[command(flatten)]
    pub path: RolesPath,
    #[command(flatten)]
    pub server: ServerOptions,
}
