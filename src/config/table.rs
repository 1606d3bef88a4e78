//! The one list of settings: what rplay does with it, name, type, default, where ansible.cfg and the environment have it.

use std::path::PathBuf;

use super::types::{
    ColorCode, Gathering, GroupNames, Handle, HashBehavior, PathList, PathSpec, ResultFormat, SortOrder, Type,
    Unmatched, VarsPluginsRun, VarsRoot,
};
use super::{Setting, Support};
use crate::yaml::DuplicateKeys;

/// A row makes an entry of `SETTINGS`; one that is used makes the handle by which `Config::get` reads it, too. A handle that nobody
/// reads is dead code, which the compiler tells.
macro_rules! settings {
    ($($support:ident $name:ident: $type:ty = $default:literal, $ini:expr, $env:expr;)*) => {
        /// Sorted by name.
        pub const SETTINGS: &[&Setting] = &[$(&rows::$name),*];

        mod rows {
            use super::*;
            $(pub static $name: Setting = Setting {
                name: stringify!($name),
                kind: <$type as Type>::KIND,
                default: $default,
                ini: $ini,
                env: $env,
                support: support!($support),
            };)*
        }

        $(handle!($support $name: $type);)*
    };
}

macro_rules! support {
    (used) => {
        Support::Used
    };
    (accepted) => {
        Support::Accepted
    };
    (unsupported) => {
        Support::Unsupported
    };
}

macro_rules! handle {
    (used $name:ident: $type:ty) => {
        pub(crate) const $name: Handle<$type> = Handle::new(&rows::$name);
    };
    ($other:ident $name:ident: $type:ty) => {};
}

// Two defaults are not Ansible's: `DEFAULT_FORKS`, because a connection costs little here, and `ALLOW_BROKEN_CONDITIONALS`, because
// older playbooks are to keep running (COMPATIBILITY.md).
#[rustfmt::skip]
settings! {
    used ALLOW_BROKEN_CONDITIONALS: bool = "true", &[("defaults", "allow_broken_conditionals")], &["ANSIBLE_ALLOW_BROKEN_CONDITIONALS"];
    unsupported ALLOW_EMBEDDED_TEMPLATES: bool = "true", &[("defaults", "allow_embedded_templates")], &["ANSIBLE_ALLOW_EMBEDDED_TEMPLATES"];
    used ANSIBLE_FORCE_COLOR: bool = "false", &[("defaults", "force_color")], &["ANSIBLE_FORCE_COLOR"];
    used ANSIBLE_HOME: PathBuf = "~/.ansible", &[("defaults", "home")], &["ANSIBLE_HOME"];
    used ANSIBLE_NOCOLOR: bool = "false", &[("defaults", "nocolor")], &["ANSIBLE_NOCOLOR", "NO_COLOR"];
    accepted ANSIBLE_NOCOWS: bool = "false", &[("defaults", "nocows")], &["ANSIBLE_NOCOWS"];
    accepted ANSIBLE_PIPELINING: bool = "false", &[("defaults", "pipelining"), ("connection", "pipelining"), ("ssh_connection", "pipelining")], &["ANSIBLE_PIPELINING", "ANSIBLE_SSH_PIPELINING"];
    used ANY_ERRORS_FATAL: bool = "false", &[("defaults", "any_errors_fatal")], &["ANSIBLE_ANY_ERRORS_FATAL"];
    used ASYNC_DIR: String = "~/.ansible_async", &[("defaults", "async_dir")], &["ANSIBLE_ASYNC_DIR"];
    used BECOME_ALLOW_SAME_USER: bool = "false", &[("privilege_escalation", "become_allow_same_user")], &["ANSIBLE_BECOME_ALLOW_SAME_USER"];
    used BECOME_PASSWORD_FILE: Option<PathBuf> = "", &[("defaults", "become_password_file")], &["ANSIBLE_BECOME_PASSWORD_FILE"];
    unsupported BECOME_PLUGIN_PATH: PathSpec = "~/.ansible/plugins/become:/usr/share/ansible/plugins/become", &[("defaults", "become_plugins")], &["ANSIBLE_BECOME_PLUGINS"];
    used CACHE_PLUGIN: String = "memory", &[("defaults", "fact_caching")], &["ANSIBLE_CACHE_PLUGIN"];
    used CACHE_PLUGIN_CONNECTION: Option<String> = "", &[("defaults", "fact_caching_connection")], &["ANSIBLE_CACHE_PLUGIN_CONNECTION"];
    used CACHE_PLUGIN_PREFIX: String = "ansible_facts", &[("defaults", "fact_caching_prefix")], &["ANSIBLE_CACHE_PLUGIN_PREFIX"];
    used CACHE_PLUGIN_TIMEOUT: i64 = "86400", &[("defaults", "fact_caching_timeout")], &["ANSIBLE_CACHE_PLUGIN_TIMEOUT"];
    used CALLBACKS_ENABLED: Vec<String> = "", &[("defaults", "callbacks_enabled")], &["ANSIBLE_CALLBACKS_ENABLED"];
    used CALLBACK_CHECK_MODE_MARKERS: bool = "false", &[("defaults", "check_mode_markers")], &["ANSIBLE_CHECK_MODE_MARKERS"];
    used CALLBACK_DISPLAY_FAILED_STDERR: bool = "false", &[("defaults", "display_failed_stderr")], &["ANSIBLE_DISPLAY_FAILED_STDERR"];
    used CALLBACK_DISPLAY_OK_HOSTS: bool = "true", &[("defaults", "display_ok_hosts")], &["ANSIBLE_DISPLAY_OK_HOSTS"];
    used CALLBACK_FORMAT_PRETTY: Option<bool> = "", &[("defaults", "callback_format_pretty")], &["ANSIBLE_CALLBACK_FORMAT_PRETTY"];
    used CALLBACK_JSON_INDENT: Option<i64> = "", &[("defaults", "json_indent")], &["ANSIBLE_JSON_INDENT"];
    used CALLBACK_JUNIT_FAIL_ON_CHANGE: bool = "false", &[], &["JUNIT_FAIL_ON_CHANGE"];
    used CALLBACK_JUNIT_FAIL_ON_IGNORE: bool = "false", &[], &["JUNIT_FAIL_ON_IGNORE"];
    used CALLBACK_JUNIT_HIDE_TASK_ARGUMENTS: bool = "false", &[], &["JUNIT_HIDE_TASK_ARGUMENTS"];
    used CALLBACK_JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT: bool = "true", &[], &["JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT"];
    used CALLBACK_JUNIT_OUTPUT_DIR: PathBuf = "~/.ansible.log", &[], &["JUNIT_OUTPUT_DIR"];
    used CALLBACK_JUNIT_REPLACE_OUT_OF_TREE_PATH: Option<String> = "", &[], &["JUNIT_REPLACE_OUT_OF_TREE_PATH"];
    used CALLBACK_JUNIT_TASK_CLASS: bool = "false", &[], &["JUNIT_TASK_CLASS"];
    used CALLBACK_JUNIT_TASK_RELATIVE_PATH: Option<PathBuf> = "", &[], &["JUNIT_TASK_RELATIVE_PATH"];
    used CALLBACK_JUNIT_TEST_CASE_PREFIX: Option<String> = "", &[], &["JUNIT_TEST_CASE_PREFIX"];
    used CALLBACK_LOG_PLAYS_FOLDER: PathBuf = "/var/log/ansible/hosts", &[("callback_log_plays", "log_folder")], &["ANSIBLE_LOG_FOLDER"];
    used CALLBACK_PROFILE_ROLES_SUMMARY_ONLY: bool = "false", &[("callback_profile_roles", "summary_only")], &["PROFILE_ROLES_SUMMARY_ONLY"];
    used CALLBACK_PROFILE_TASKS_DATETIME_FORMAT: String = "%A %d %B %Y  %H:%M:%S %z", &[("callback_profile_tasks", "datetime_format")], &["PROFILE_TASKS_DATETIME_FORMAT"];
    used CALLBACK_PROFILE_TASKS_OUTPUT_LIMIT: String = "20", &[("callback_profile_tasks", "task_output_limit")], &["PROFILE_TASKS_TASK_OUTPUT_LIMIT"];
    used CALLBACK_PROFILE_TASKS_SORT_ORDER: SortOrder = "descending", &[("callback_profile_tasks", "sort_order")], &["PROFILE_TASKS_SORT_ORDER"];
    used CALLBACK_PROFILE_TASKS_SUMMARY_ONLY: bool = "false", &[("callback_profile_tasks", "summary_only")], &["PROFILE_TASKS_SUMMARY_ONLY"];
    used CALLBACK_RESULT_FORMAT: ResultFormat = "json", &[("defaults", "callback_result_format")], &["ANSIBLE_CALLBACK_RESULT_FORMAT"];
    used CALLBACK_SHOW_PER_HOST_START: bool = "false", &[("defaults", "show_per_host_start")], &["ANSIBLE_SHOW_PER_HOST_START"];
    used CALLBACK_SHOW_TASK_PATH_ON_FAILURE: bool = "false", &[("defaults", "show_task_path_on_failure")], &["ANSIBLE_SHOW_TASK_PATH_ON_FAILURE"];
    used CALLBACK_TREE_DIR: PathBuf = "~/.ansible/tree", &[("callback_tree", "directory")], &["ANSIBLE_CALLBACK_TREE_DIR"];
    used COLLECTIONS_PATHS: PathSpec = "~/.ansible/collections:/usr/share/ansible/collections", &[("defaults", "collections_path")], &["ANSIBLE_COLLECTIONS_PATH"];
    used COLOR_CHANGED: ColorCode = "yellow", &[("colors", "changed")], &["ANSIBLE_COLOR_CHANGED"];
    used COLOR_DEBUG: ColorCode = "dark gray", &[("colors", "debug")], &["ANSIBLE_COLOR_DEBUG"];
    used COLOR_DEPRECATE: ColorCode = "purple", &[("colors", "deprecate")], &["ANSIBLE_COLOR_DEPRECATE"];
    used COLOR_DIFF_ADD: ColorCode = "green", &[("colors", "diff_add")], &["ANSIBLE_COLOR_DIFF_ADD"];
    used COLOR_DIFF_LINES: ColorCode = "cyan", &[("colors", "diff_lines")], &["ANSIBLE_COLOR_DIFF_LINES"];
    used COLOR_DIFF_REMOVE: ColorCode = "red", &[("colors", "diff_remove")], &["ANSIBLE_COLOR_DIFF_REMOVE"];
    used COLOR_ERROR: ColorCode = "red", &[("colors", "error")], &["ANSIBLE_COLOR_ERROR"];
    accepted COLOR_HIGHLIGHT: ColorCode = "white", &[("colors", "highlight")], &["ANSIBLE_COLOR_HIGHLIGHT"];
    used COLOR_INCLUDED: ColorCode = "cyan", &[("colors", "included")], &["ANSIBLE_COLOR_INCLUDED"];
    used COLOR_OK: ColorCode = "green", &[("colors", "ok")], &["ANSIBLE_COLOR_OK"];
    used COLOR_SKIP: ColorCode = "cyan", &[("colors", "skip")], &["ANSIBLE_COLOR_SKIP"];
    used COLOR_UNREACHABLE: ColorCode = "bright red", &[("colors", "unreachable")], &["ANSIBLE_COLOR_UNREACHABLE"];
    used COLOR_VERBOSE: ColorCode = "blue", &[("colors", "verbose")], &["ANSIBLE_COLOR_VERBOSE"];
    used COLOR_WARN: ColorCode = "bright purple", &[("colors", "warn")], &["ANSIBLE_COLOR_WARN"];
    used CONNECTION_PASSWORD_FILE: Option<PathBuf> = "", &[("defaults", "connection_password_file")], &["ANSIBLE_CONNECTION_PASSWORD_FILE"];
    unsupported DEFAULT_ACTION_PLUGIN_PATH: PathSpec = "~/.ansible/plugins/action:/usr/share/ansible/plugins/action", &[("defaults", "action_plugins")], &["ANSIBLE_ACTION_PLUGINS"];
    used DEFAULT_ASK_PASS: bool = "false", &[("defaults", "ask_pass")], &["ANSIBLE_ASK_PASS"];
    used DEFAULT_ASK_VAULT_PASS: bool = "false", &[("defaults", "ask_vault_pass")], &["ANSIBLE_ASK_VAULT_PASS"];
    used DEFAULT_BECOME: bool = "false", &[("privilege_escalation", "become")], &["ANSIBLE_BECOME"];
    used DEFAULT_BECOME_ASK_PASS: bool = "false", &[("privilege_escalation", "become_ask_pass")], &["ANSIBLE_BECOME_ASK_PASS"];
    used DEFAULT_BECOME_EXE: Option<String> = "", &[("privilege_escalation", "become_exe")], &["ANSIBLE_BECOME_EXE"];
    used DEFAULT_BECOME_FLAGS: Option<String> = "", &[("privilege_escalation", "become_flags")], &["ANSIBLE_BECOME_FLAGS"];
    used DEFAULT_BECOME_METHOD: String = "sudo", &[("privilege_escalation", "become_method")], &["ANSIBLE_BECOME_METHOD"];
    used DEFAULT_BECOME_USER: String = "root", &[("privilege_escalation", "become_user")], &["ANSIBLE_BECOME_USER"];
    unsupported DEFAULT_CACHE_PLUGIN_PATH: PathSpec = "~/.ansible/plugins/cache:/usr/share/ansible/plugins/cache", &[("defaults", "cache_plugins")], &["ANSIBLE_CACHE_PLUGINS"];
    unsupported DEFAULT_CALLBACK_PLUGIN_PATH: PathSpec = "~/.ansible/plugins/callback:/usr/share/ansible/plugins/callback", &[("defaults", "callback_plugins")], &["ANSIBLE_CALLBACK_PLUGINS"];
    unsupported DEFAULT_CONNECTION_PLUGIN_PATH: PathSpec = "~/.ansible/plugins/connection:/usr/share/ansible/plugins/connection", &[("defaults", "connection_plugins")], &["ANSIBLE_CONNECTION_PLUGINS"];
    used DEFAULT_EXECUTABLE: String = "/bin/sh", &[("defaults", "executable")], &["ANSIBLE_EXECUTABLE"];
    unsupported DEFAULT_FILTER_PLUGIN_PATH: PathSpec = "~/.ansible/plugins/filter:/usr/share/ansible/plugins/filter", &[("defaults", "filter_plugins")], &["ANSIBLE_FILTER_PLUGINS"];
    used DEFAULT_FORCE_HANDLERS: bool = "false", &[("defaults", "force_handlers")], &["ANSIBLE_FORCE_HANDLERS"];
    used DEFAULT_FORKS: usize = "50", &[("defaults", "forks")], &["ANSIBLE_FORKS"];
    used DEFAULT_GATHERING: Gathering = "implicit", &[("defaults", "gathering")], &["ANSIBLE_GATHERING"];
    used DEFAULT_HASH_BEHAVIOUR: HashBehavior = "replace", &[("defaults", "hash_behaviour")], &["ANSIBLE_HASH_BEHAVIOUR"];
    used DEFAULT_HOST_LIST: PathList = "/etc/ansible/hosts", &[("defaults", "inventory")], &["ANSIBLE_INVENTORY"];
    unsupported DEFAULT_INVENTORY_PLUGIN_PATH: PathSpec = "~/.ansible/plugins/inventory:/usr/share/ansible/plugins/inventory", &[("defaults", "inventory_plugins")], &["ANSIBLE_INVENTORY_PLUGINS"];
    used DEFAULT_JINJA2_EXTENSIONS: Vec<String> = "", &[("defaults", "jinja2_extensions")], &["ANSIBLE_JINJA2_EXTENSIONS"];
    accepted DEFAULT_JINJA2_NATIVE: bool = "true", &[("defaults", "jinja2_native")], &["ANSIBLE_JINJA2_NATIVE"];
    accepted DEFAULT_KEEP_REMOTE_FILES: bool = "false", &[("defaults", "keep_remote_files")], &["ANSIBLE_KEEP_REMOTE_FILES"];
    used DEFAULT_LOAD_CALLBACK_PLUGINS: bool = "false", &[("defaults", "bin_ansible_callbacks")], &["ANSIBLE_LOAD_CALLBACK_PLUGINS"];
    used DEFAULT_LOCAL_TMP: PathBuf = "~/.ansible/tmp", &[("defaults", "local_tmp")], &["ANSIBLE_LOCAL_TEMP"];
    unsupported DEFAULT_LOG_FILTER: Vec<String> = "", &[("defaults", "log_filter")], &["ANSIBLE_LOG_FILTER"];
    used DEFAULT_LOG_PATH: Option<PathBuf> = "", &[("defaults", "log_path")], &["ANSIBLE_LOG_PATH"];
    unsupported DEFAULT_LOOKUP_PLUGIN_PATH: PathSpec = "~/.ansible/plugins/lookup:/usr/share/ansible/plugins/lookup", &[("defaults", "lookup_plugins")], &["ANSIBLE_LOOKUP_PLUGINS"];
    used DEFAULT_MANAGED_STR: String = "Ansible managed", &[("defaults", "ansible_managed")], &[];
    used DEFAULT_MODULE_ARGS: Option<String> = "", &[("defaults", "module_args")], &["ANSIBLE_MODULE_ARGS"];
    accepted DEFAULT_MODULE_COMPRESSION: String = "ZIP_DEFLATED", &[("defaults", "module_compression")], &[];
    used DEFAULT_MODULE_NAME: String = "command", &[("defaults", "module_name")], &[];
    used DEFAULT_MODULE_PATH: PathSpec = "~/.ansible/plugins/modules:/usr/share/ansible/plugins/modules", &[("defaults", "library")], &["ANSIBLE_LIBRARY"];
    unsupported DEFAULT_MODULE_UTILS_PATH: PathSpec = "~/.ansible/plugins/module_utils:/usr/share/ansible/plugins/module_utils", &[("defaults", "module_utils")], &["ANSIBLE_MODULE_UTILS"];
    used DEFAULT_NO_LOG: bool = "false", &[("defaults", "no_log")], &["ANSIBLE_NO_LOG"];
    unsupported DEFAULT_NULL_REPRESENTATION: Option<String> = "", &[("defaults", "null_representation")], &["ANSIBLE_NULL_REPRESENTATION"];
    used DEFAULT_POLL_INTERVAL: i64 = "15", &[("defaults", "poll_interval")], &["ANSIBLE_POLL_INTERVAL"];
    used DEFAULT_PRIVATE_KEY_FILE: Option<PathBuf> = "", &[("defaults", "private_key_file")], &["ANSIBLE_PRIVATE_KEY_FILE"];
    used DEFAULT_PRIVATE_ROLE_VARS: bool = "false", &[("defaults", "private_role_vars")], &["ANSIBLE_PRIVATE_ROLE_VARS"];
    used DEFAULT_REMOTE_PORT: Option<u16> = "", &[("defaults", "remote_port")], &["ANSIBLE_REMOTE_PORT"];
    used DEFAULT_REMOTE_USER: Option<String> = "", &[("defaults", "remote_user")], &["ANSIBLE_REMOTE_USER"];
    used DEFAULT_ROLES_PATH: PathSpec = "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles", &[("defaults", "roles_path")], &["ANSIBLE_ROLES_PATH"];
    accepted DEFAULT_SELINUX_SPECIAL_FS: Vec<String> = "fuse,nfs,vboxsf,ramfs,9p,vfat", &[("selinux", "special_context_filesystems")], &["ANSIBLE_SELINUX_SPECIAL_FS"];
    used DEFAULT_STDOUT_CALLBACK: String = "default", &[("defaults", "stdout_callback")], &["ANSIBLE_STDOUT_CALLBACK"];
    used DEFAULT_STRATEGY: String = "linear", &[("defaults", "strategy")], &["ANSIBLE_STRATEGY"];
    unsupported DEFAULT_STRATEGY_PLUGIN_PATH: PathSpec = "~/.ansible/plugins/strategy:/usr/share/ansible/plugins/strategy", &[("defaults", "strategy_plugins")], &["ANSIBLE_STRATEGY_PLUGINS"];
    unsupported DEFAULT_SU: bool = "false", &[("defaults", "su")], &["ANSIBLE_SU"];
    unsupported DEFAULT_TEST_PLUGIN_PATH: PathSpec = "~/.ansible/plugins/test:/usr/share/ansible/plugins/test", &[("defaults", "test_plugins")], &["ANSIBLE_TEST_PLUGINS"];
    used DEFAULT_TIMEOUT: u64 = "10", &[("defaults", "timeout"), ("ssh_connection", "timeout")], &["ANSIBLE_TIMEOUT", "ANSIBLE_SSH_TIMEOUT"];
    used DEFAULT_TRANSPORT: String = "ssh", &[("defaults", "transport")], &["ANSIBLE_TRANSPORT"];
    accepted DEFAULT_UNDEFINED_VAR_BEHAVIOR: bool = "true", &[("defaults", "error_on_undefined_vars")], &["ANSIBLE_ERROR_ON_UNDEFINED_VARS"];
    unsupported DEFAULT_VARS_PLUGIN_PATH: PathSpec = "~/.ansible/plugins/vars:/usr/share/ansible/plugins/vars", &[("defaults", "vars_plugins")], &["ANSIBLE_VARS_PLUGINS"];
    used DEFAULT_VAULT_ENCRYPT_IDENTITY: Option<String> = "", &[("defaults", "vault_encrypt_identity")], &["ANSIBLE_VAULT_ENCRYPT_IDENTITY"];
    unsupported DEFAULT_VAULT_IDENTITY: String = "default", &[("defaults", "vault_identity")], &["ANSIBLE_VAULT_IDENTITY"];
    used DEFAULT_VAULT_IDENTITY_LIST: Vec<String> = "", &[("defaults", "vault_identity_list")], &["ANSIBLE_VAULT_IDENTITY_LIST"];
    used DEFAULT_VAULT_ID_MATCH: bool = "false", &[("defaults", "vault_id_match")], &["ANSIBLE_VAULT_ID_MATCH"];
    used DEFAULT_VAULT_PASSWORD_FILE: Option<PathBuf> = "", &[("defaults", "vault_password_file")], &["ANSIBLE_VAULT_PASSWORD_FILE"];
    used DEFAULT_VERBOSITY: u8 = "0", &[("defaults", "verbosity")], &["ANSIBLE_VERBOSITY"];
    used DEPRECATION_WARNINGS: bool = "true", &[("defaults", "deprecation_warnings")], &["ANSIBLE_DEPRECATION_WARNINGS"];
    used DIFF_ALWAYS: bool = "false", &[("diff", "always")], &["ANSIBLE_DIFF_ALWAYS"];
    used DIFF_CONTEXT: usize = "3", &[("diff", "context")], &["ANSIBLE_DIFF_CONTEXT"];
    unsupported DISPLAY_ARGS_TO_STDOUT: bool = "false", &[("defaults", "display_args_to_stdout")], &["ANSIBLE_DISPLAY_ARGS_TO_STDOUT"];
    used DISPLAY_SKIPPED_HOSTS: bool = "true", &[("defaults", "display_skipped_hosts")], &["ANSIBLE_DISPLAY_SKIPPED_HOSTS"];
    unsupported DISPLAY_TRACEBACK: Vec<String> = "never", &[("defaults", "display_traceback")], &["ANSIBLE_DISPLAY_TRACEBACK"];
    used DUPLICATE_YAML_DICT_KEY: DuplicateKeys = "warn", &[("defaults", "duplicate_dict_key")], &["ANSIBLE_DUPLICATE_YAML_DICT_KEY"];
    used EDITOR: String = "vi", &[("defaults", "editor")], &["EDITOR", "ANSIBLE_EDITOR"];
    used ENABLE_TASK_DEBUGGER: bool = "false", &[("defaults", "enable_task_debugger")], &["ANSIBLE_ENABLE_TASK_DEBUGGER"];
    used ERROR_ON_MISSING_HANDLER: bool = "true", &[("defaults", "error_on_missing_handler")], &["ANSIBLE_ERROR_ON_MISSING_HANDLER"];
    unsupported FACTS_MODULES: Vec<String> = "smart", &[("defaults", "facts_modules")], &["ANSIBLE_FACTS_MODULES"];
    used HOST_KEY_CHECKING: bool = "true", &[("defaults", "host_key_checking"), ("ssh_connection", "host_key_checking")], &["ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"];
    used HOST_PATTERN_MISMATCH: Unmatched = "warning", &[("inventory", "host_pattern_mismatch")], &["ANSIBLE_HOST_PATTERN_MISMATCH"];
    used INJECT_FACTS_AS_VARS: bool = "true", &[("defaults", "inject_facts_as_vars")], &["ANSIBLE_INJECT_FACT_VARS"];
    used INTERPRETER_PYTHON: String = "auto", &[("defaults", "interpreter_python")], &["ANSIBLE_PYTHON_INTERPRETER"];
    unsupported INVALID_TASK_ATTRIBUTE_FAILED: bool = "true", &[("defaults", "invalid_task_attribute_failed")], &["ANSIBLE_INVALID_TASK_ATTRIBUTE_FAILED"];
    used INVENTORY_ANY_UNPARSED_IS_FAILED: bool = "false", &[("inventory", "any_unparsed_is_failed")], &["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"];
    used INVENTORY_ENABLED: Vec<String> = "host_list,script,auto,yaml,ini,toml", &[("inventory", "enable_plugins")], &["ANSIBLE_INVENTORY_ENABLED"];
    used INVENTORY_EXPORT: bool = "false", &[("inventory", "export")], &["ANSIBLE_INVENTORY_EXPORT"];
    used INVENTORY_IGNORE_EXTS: Vec<String> = ".pyc,.pyo,.swp,.bak,~,.rpm,.md,.txt,.rst,.orig,.cfg,.retry", &[("defaults", "inventory_ignore_extensions"), ("inventory", "ignore_extensions")], &["ANSIBLE_INVENTORY_IGNORE"];
    used INVENTORY_IGNORE_PATTERNS: Vec<String> = "", &[("defaults", "inventory_ignore_patterns"), ("inventory", "ignore_patterns")], &["ANSIBLE_INVENTORY_IGNORE_REGEX"];
    used INVENTORY_UNPARSED_IS_FAILED: bool = "false", &[("inventory", "unparsed_is_failed")], &["ANSIBLE_INVENTORY_UNPARSED_FAILED"];
    used INVENTORY_UNPARSED_WARNING: bool = "true", &[("inventory", "inventory_unparsed_warning")], &["ANSIBLE_INVENTORY_UNPARSED_WARNING"];
    unsupported INVENTORY_USE_EXTRA_VARS: bool = "false", &[("inventory_plugins", "use_extra_vars")], &["ANSIBLE_INVENTORY_USE_EXTRA_VARS"];
    used INVENTORY_YAML_EXTENSIONS: Vec<String> = ".yaml,.yml,.json", &[("inventory_plugin_yaml", "yaml_valid_extensions")], &["ANSIBLE_INVENTORY_PLUGIN_EXTS"];
    used LOCALHOST_WARNING: bool = "true", &[("defaults", "localhost_warning")], &["ANSIBLE_LOCALHOST_WARNING"];
    unsupported MAX_FILE_SIZE_FOR_DIFF: i64 = "104448", &[("defaults", "max_diff_size")], &["ANSIBLE_MAX_DIFF_SIZE"];
    used PAGER: Option<String> = "less", &[("defaults", "pager")], &["PAGER", "ANSIBLE_PAGER"];
    used PLAYBOOK_DIR: Option<PathBuf> = "", &[("defaults", "playbook_dir")], &["ANSIBLE_PLAYBOOK_DIR"];
    unsupported PLAYBOOK_VARS_ROOT: VarsRoot = "top", &[("defaults", "playbook_vars_root")], &["ANSIBLE_PLAYBOOK_VARS_ROOT"];
    unsupported PLUGIN_FILTERS_CFG: Option<PathBuf> = "", &[("defaults", "plugin_filters_cfg")], &[];
    accepted REMOTE_TMP: String = "~/.ansible/tmp", &[("defaults", "remote_tmp")], &["ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP"];
    unsupported RETRY_FILES_ENABLED: bool = "false", &[("defaults", "retry_files_enabled")], &["ANSIBLE_RETRY_FILES_ENABLED"];
    accepted RETRY_FILES_SAVE_PATH: Option<PathBuf> = "", &[("defaults", "retry_files_save_path")], &["ANSIBLE_RETRY_FILES_SAVE_PATH"];
    unsupported RUN_VARS_PLUGINS: VarsPluginsRun = "demand", &[("defaults", "run_vars_plugins")], &["ANSIBLE_RUN_VARS_PLUGINS"];
    used SHOW_CUSTOM_STATS: bool = "false", &[("defaults", "show_custom_stats")], &["ANSIBLE_SHOW_CUSTOM_STATS"];
    used SSH_ARGS: String = "-C -o ControlMaster=auto -o ControlPersist=60s", &[("ssh_connection", "ssh_args")], &["ANSIBLE_SSH_ARGS"];
    used SSH_COMMON_ARGS: Option<String> = "", &[("ssh_connection", "ssh_common_args")], &["ANSIBLE_SSH_COMMON_ARGS"];
    accepted SSH_CONTROL_PATH: Option<String> = "", &[("ssh_connection", "control_path")], &["ANSIBLE_SSH_CONTROL_PATH"];
    accepted SSH_CONTROL_PATH_DIR: String = "~/.ansible/cp", &[("ssh_connection", "control_path_dir")], &["ANSIBLE_SSH_CONTROL_PATH_DIR"];
    used SSH_EXECUTABLE: String = "ssh", &[("ssh_connection", "ssh_executable")], &["ANSIBLE_SSH_EXECUTABLE"];
    used SSH_EXTRA_ARGS: Option<String> = "", &[("ssh_connection", "ssh_extra_args")], &["ANSIBLE_SSH_EXTRA_ARGS"];
    unsupported SSH_PKCS11_PROVIDER: Option<String> = "", &[("ssh_connection", "pkcs11_provider")], &["ANSIBLE_PKCS11_PROVIDER"];
    used SSH_RETRIES: u32 = "0", &[("connection", "retries"), ("ssh_connection", "retries")], &["ANSIBLE_SSH_RETRIES"];
    accepted SSH_TRANSFER_METHOD: String = "smart", &[("ssh_connection", "transfer_method")], &["ANSIBLE_SSH_TRANSFER_METHOD"];
    accepted SSH_USE_TTY: bool = "true", &[("ssh_connection", "usetty")], &["ANSIBLE_SSH_USETTY"];
    unsupported SUDO_CHDIR: Option<String> = "", &[("sudo_become_plugin", "chdir")], &["ANSIBLE_SUDO_CHDIR"];
    used SUDO_EXE: Option<String> = "", &[("sudo_become_plugin", "executable")], &["ANSIBLE_SUDO_EXE"];
    used SUDO_FLAGS: Option<String> = "", &[("sudo_become_plugin", "flags")], &["ANSIBLE_SUDO_FLAGS"];
    used SUDO_USER: Option<String> = "", &[("sudo_become_plugin", "user")], &["ANSIBLE_SUDO_USER"];
    used SU_EXE: Option<String> = "", &[("su_become_plugin", "executable")], &["ANSIBLE_SU_EXE"];
    used SU_FLAGS: Option<String> = "", &[("su_become_plugin", "flags")], &["ANSIBLE_SU_FLAGS"];
    used SU_USER: Option<String> = "", &[("su_become_plugin", "user")], &["ANSIBLE_SU_USER"];
    unsupported SYSTEM_WARNINGS: bool = "true", &[("defaults", "system_warnings")], &["ANSIBLE_SYSTEM_WARNINGS"];
    used TAGS_RUN: Vec<String> = "", &[("tags", "run")], &["ANSIBLE_RUN_TAGS"];
    used TAGS_SKIP: Vec<String> = "", &[("tags", "skip")], &["ANSIBLE_SKIP_TAGS"];
    used TASK_DEBUGGER_IGNORE_ERRORS: bool = "true", &[("defaults", "task_debugger_ignore_errors")], &["ANSIBLE_TASK_DEBUGGER_IGNORE_ERRORS"];
    used TASK_TIMEOUT: i64 = "0", &[("defaults", "task_timeout")], &["ANSIBLE_TASK_TIMEOUT"];
    used TRANSFORM_INVALID_GROUP_CHARS: GroupNames = "never", &[("defaults", "force_valid_group_names")], &["ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"];
    unsupported VARIABLE_PLUGINS_ENABLED: Vec<String> = "host_group_vars", &[("defaults", "vars_plugins_enabled")], &["ANSIBLE_VARS_ENABLED"];
    used VARIABLE_PRECEDENCE: Vec<String> = "all_inventory,groups_inventory,all_plugins_inventory,all_plugins_play,groups_plugins_inventory,groups_plugins_play", &[("defaults", "precedence")], &["ANSIBLE_PRECEDENCE"];
    unsupported VARS_PLUGIN_STAGE: Option<String> = "", &[("vars_host_group_vars", "stage")], &["ANSIBLE_VARS_PLUGIN_STAGE"];
    used VAULT_ENCRYPT_SALT: Option<String> = "", &[("defaults", "vault_encrypt_salt")], &["ANSIBLE_VAULT_ENCRYPT_SALT"];
    unsupported VERBOSE_TO_STDERR: bool = "false", &[("defaults", "verbose_to_stderr")], &["ANSIBLE_VERBOSE_TO_STDERR"];
    used YAML_FILENAME_EXTENSIONS: Vec<String> = ".yml,.yaml,.json", &[("defaults", "yaml_valid_extensions")], &["ANSIBLE_YAML_FILENAME_EXT"];
}
