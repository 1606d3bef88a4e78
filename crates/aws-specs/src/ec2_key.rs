//! `ec2_key`: key pairs.

use rplay_module_api::{Arg, Rule, Spec};

use crate::CONNECTION_ARGS;

pub const EC2_KEY: Spec = Spec {
    name: "ec2_key",
    summary: "Create, import and delete EC2 key pairs.",
    args: &[
        Arg::path("file_name", "Where to write the private key of a new pair, readable by the owner only."),
        Arg::bool("force", "Replace a pair whose key is another one.").default("yes"),
        Arg::str("key_material", "Public key to import."),
        Arg::str("key_type", "Type of a key that AWS makes.").choices(&["rsa", "ed25519"]),
        Arg::str("name", "Name of the key pair.").required(),
        Arg::bool("purge_tags", "Remove tags that are not in `tags`.").default("yes"),
        Arg::str("state", "Whether the pair is to exist.").default("present").choices(&["present", "absent"]),
        Arg::dict("tags", "Tags of the pair; left alone if not given.").aliases(&["resource_tags"]),
        Arg::bool("wait", "Of old playbooks: AWS answers at once, so there is nothing to wait for."),
        Arg::int("wait_timeout", "Of old playbooks, as `wait`."),
    ],
    shared: &[CONNECTION_ARGS],
    rules: &[Rule::MutuallyExclusive(&["key_material", "key_type"])],
    ..Spec::EMPTY
};
