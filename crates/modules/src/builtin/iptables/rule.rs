//! What packets a rule is about and what becomes of them, as the words of iptables.

use rplay_module_api::{Failure, ModuleArgs};

#[derive(Default, ModuleArgs)]
pub struct Rule {
    /// The protocol; `!` before it, as before other values, means all but that.
    protocol: Option<String>,
    /// From which address.
    source: Option<String>,
    /// To which address.
    destination: Option<String>,
    /// Extensions that look at packets.
    #[arg(name = "match", default = "[]")]
    matches: Vec<String>,
    /// Which of the flags of TCP are looked at, and which of them are set.
    tcp_flags: Option<TcpFlags>,
    /// What becomes of the packets.
    jump: Option<String>,
    /// Where copies go, with TEE.
    gateway: Option<String>,
    /// What stands before the lines of a log.
    log_prefix: Option<String>,
    /// How important they are.
    #[arg(choices(
        "0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"
    ))]
    log_level: Option<String>,
    /// The address to put in place of the destination.
    to_destination: Option<String>,
    /// The ports that packets go to.
    #[arg(default = "[]")]
    destination_ports: Vec<String>,
    /// The address to put in place of the source.
    to_source: Option<String>,
    /// The chain to go on with.
    goto: Option<String>,
    /// The interface that packets come in by.
    in_interface: Option<String>,
    /// The interface that packets go out by.
    out_interface: Option<String>,
    /// Second and further fragments.
    fragment: Option<String>,
    /// What the rule's counters begin with.
    set_counters: Option<String>,
    /// From which port.
    source_port: Option<String>,
    /// To which port.
    destination_port: Option<String>,
    /// The port to put in place of the destination's.
    to_ports: Option<String>,
    /// The mark to set.
    set_dscp_mark: Option<String>,
    /// The class to set.
    set_dscp_mark_class: Option<String>,
    /// Packets that open a connection, or all others.
    #[arg(default = "ignore", choices("ignore", "match", "negate"))]
    syn: String,
    /// States of connections.
    #[arg(default = "[]")]
    ctstate: Vec<String>,
    /// From which range of addresses.
    src_range: Option<String>,
    /// To which range of addresses.
    dst_range: Option<String>,
    /// A set of addresses.
    match_set: Option<String>,
    /// What of a packet is looked for in the set.
    #[arg(choices("src", "dst", "src,dst", "dst,src", "src,src", "dst,dst"))]
    match_set_flags: Option<String>,
    /// How often the rule applies.
    limit: Option<String>,
    /// How often before that counts.
    limit_burst: Option<String>,
    /// The user that sends.
    uid_owner: Option<String>,
    /// The group that sends.
    gid_owner: Option<String>,
    /// What to answer; then the packets are rejected.
    reject_with: Option<String>,
    /// The type of ICMP.
    icmp_type: Option<String>,
    /// What the rule is for.
    comment: Option<String>,
}

/// Flags of TCP.
#[derive(ModuleArgs)]
struct TcpFlags {
    /// Those that are looked at.
    flags: Option<Vec<String>>,
    /// Those of them that must be set.
    flags_set: Option<Vec<String>>,
}

#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn add(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
    }

    /// A flag with its value; a `!` before the value goes before the flag.
    fn option(&mut self, flag: &str, value: Option<&String>) {
        let Some(value) = value.filter(|it| !it.is_empty()) else { return };
        match value.strip_prefix('!') {
            Some(rest) => self.add(&["!", flag, rest.trim_start()]),
            None => self.add(&[flag, value]),
        }
    }

    fn list(&mut self, flag: &str, values: &[String]) {
        if !values.is_empty() {
            self.add(&[flag, &values.join(",")]);
        }
    }
}

impl Rule {
    /// A rule with something to log is one that logs.
    pub fn log(&mut self) -> Result<(), Failure> {
        if self.log_prefix.is_none() && self.log_level.is_none() {
            return Ok(());
        }
        match self.jump.as_deref() {
            None => self.jump = Some("LOG".to_owned()),
            Some("LOG") => {}
            Some(_) => return Err(Failure::new("Logging options can only be used with the LOG jump target.")),
        }
        Ok(())
    }

    fn jumps_to(&self, target: &str) -> bool {
        self.jump.as_ref().is_some_and(|jump| jump.eq_ignore_ascii_case(target))
    }

    fn has_match(&self, name: &str) -> bool {
        self.matches.iter().any(|it| it == name)
    }

    pub fn words(&self, ip_version: &str) -> Vec<String> {
        let mut words = Words::default();
        words.option("-p", self.protocol.as_ref());
        words.option("-s", self.source.as_ref());
        words.option("-d", self.destination.as_ref());
        for name in &self.matches {
            words.option("-m", Some(name));
        }
        if let Some(TcpFlags { flags: Some(flags), flags_set: Some(set) }) = &self.tcp_flags {
            words.add(&["--tcp-flags", &flags.join(","), &set.join(",")]);
        }
        words.option("-j", self.jump.as_ref());
        if self.jumps_to("tee") {
            words.option("--gateway", self.gateway.as_ref());
        }
        words.option("--log-prefix", self.log_prefix.as_ref());
        words.option("--log-level", self.log_level.as_ref());
        words.option("--to-destination", self.to_destination.as_ref());
        if !self.destination_ports.is_empty() {
            words.add(&["-m", "multiport"]);
        }
        words.list("--dports", &self.destination_ports);
        let options = [
            ("--to-source", &self.to_source),
            ("-g", &self.goto),
            ("-i", &self.in_interface),
            ("-o", &self.out_interface),
            ("-f", &self.fragment),
            ("-c", &self.set_counters),
            ("--source-port", &self.source_port),
            ("--destination-port", &self.destination_port),
            ("--to-ports", &self.to_ports),
        ];
        for (flag, value) in options {
            words.option(flag, value.as_ref());
        }
        for (flag, value) in [("--set-dscp", &self.set_dscp_mark), ("--set-dscp-class", &self.set_dscp_mark_class)] {
            words.option(flag, value.as_ref());
            if value.is_some() && !self.jumps_to("dscp") {
                words.add(&["-j", "DSCP"]);
            }
        }
        match self.syn.as_str() {
            "match" => words.add(&["--syn"]),
            "negate" => words.add(&["!", "--syn"]),
            _ => {}
        }
        self.extensions(&mut words);
        if self.jump.is_none() && self.reject_with.is_some() {
            words.add(&["-j", "REJECT"]);
        }
        words.option("--reject-with", self.reject_with.as_ref());
        words.option(if ip_version == "ipv6" { "--icmpv6-type" } else { "--icmp-type" }, self.icmp_type.as_ref());
        if self.comment.is_some() {
            words.add(&["-m", "comment"]);
        }
        words.option("--comment", self.comment.as_ref());
        words.0
    }

    /// What needs an extension, which is named unless the task did that.
    fn extensions(&self, words: &mut Words) {
        if !self.has_match("conntrack") && self.has_match("state") {
            words.list("--state", &self.ctstate);
        } else {
            if !self.has_match("conntrack") && !self.ctstate.is_empty() {
                words.add(&["-m", "conntrack"]);
            }
            words.list("--ctstate", &self.ctstate);
        }
        if !self.has_match("iprange") && (self.src_range.is_some() || self.dst_range.is_some()) {
            words.add(&["-m", "iprange"]);
        }
        words.option("--src-range", self.src_range.as_ref());
        words.option("--dst-range", self.dst_range.as_ref());
        if !self.has_match("set") && self.match_set.is_some() {
            words.add(&["-m", "set"]);
        }
        words.option("--match-set", self.match_set.as_ref());
        if let Some(flags) = self.match_set_flags.as_ref().filter(|_| self.match_set.is_some()) {
            words.add(&[flags]);
        }
        if self.limit.is_some() || self.limit_burst.is_some() {
            words.add(&["-m", "limit"]);
        }
        words.option("--limit", self.limit.as_ref());
        words.option("--limit-burst", self.limit_burst.as_ref());
        for (flag, value) in [("--uid-owner", &self.uid_owner), ("--gid-owner", &self.gid_owner)] {
            if value.is_some() {
                words.add(&["-m", "owner"]);
            }
            words.option(flag, value.as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &Rule, wanted: &str) {
        assert_eq!(rule.words("ipv4").join(" "), wanted);
    }

    #[test]
    fn rules_are_words() {
        let text = |it: &str| Some(it.to_owned());
        let list = |it: &str| it.split(' ').map(str::to_owned).collect::<Vec<_>>();
        check(
            &Rule {
                protocol: text("tcp"),
                destination_port: text("!22"),
                ctstate: list("NEW ESTABLISHED"),
                jump: text("ACCEPT"),
                comment: text("a b"),
                syn: "match".to_owned(),
                ..Rule::default()
            },
            "-p tcp -j ACCEPT ! --destination-port 22 --syn -m conntrack --ctstate NEW,ESTABLISHED -m comment --comment a b",
        );
        check(
            &Rule { matches: list("state"), ctstate: list("NEW"), reject_with: text("tcp-reset"), ..Rule::default() },
            "-m state --state NEW -j REJECT --reject-with tcp-reset",
        );
        check(
            &Rule {
                limit: text("2/second"),
                uid_owner: text("joe"),
                match_set: text("s"),
                match_set_flags: text("src"),
                ..Rule::default()
            },
            "-m set --match-set s src -m limit --limit 2/second -m owner --uid-owner joe",
        );
        let mut rule = Rule { log_prefix: text("x"), ..Rule::default() };
        rule.log().expect("nothing else is wanted");
        check(&rule, "-j LOG --log-prefix x");
        rule.jump = text("DROP");
        assert!(rule.log().is_err());
    }
}
