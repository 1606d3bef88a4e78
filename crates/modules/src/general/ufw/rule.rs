//! One rule in ufw's long form.

use rplay_module_api::{Ctx, Failure};

use super::{Args, TUPLE, Ufw, tuples};

pub fn set(args: &Args, rule: &str, before: &str, ufw: &mut Ufw, ctx: &mut Ctx) -> Result<bool, Failure> {
    if !matches!(args.direction.as_deref(), None | Some("in" | "out")) {
        return Err(Failure::new(
            "For rules, direction must be one of \"in\" and \"out\", or direction must not be specified.",
        ));
    }
    if !args.route && args.interface_in.is_some() && args.interface_out.is_some() {
        return Err(Failure::new("Only route rules can combine interface_in and interface_out"));
    }
    let place = match args.insert {
        Some(insert) if !args.delete => place(args, insert, ufw, ctx)?,
        _ => None,
    };
    let words = words(args, rule, place.as_deref());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = ufw.change(&words, ctx)?;
    Ok(ctx.check && would_change(args, before, &said))
}

fn words(args: &Args, rule: &str, place: Option<&str>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut add = |these: &[&str]| words.extend(these.iter().map(|it| (*it).to_owned()));
    if args.route {
        add(&["route"]);
    }
    if args.delete {
        add(&["delete"]);
    }
    if let Some(place) = place {
        add(&["insert", place]);
    }
    add(&[rule]);
    if let Some(direction) = &args.direction {
        add(&[direction]);
    }
    let interfaces: [(&[&str], &Option<String>); 3] =
        [(&["on"], &args.interface), (&["in", "on"], &args.interface_in), (&["out", "on"], &args.interface_out)];
    for (before, interface) in interfaces {
        if let Some(interface) = interface {
            add(before);
            add(&[interface]);
        }
    }
    if args.log {
        add(&["log"]);
    }
    let parts = [
        ("from", Some(&args.from_ip)),
        ("port", args.from_port.as_ref()),
        ("to", Some(&args.to_ip)),
        ("port", args.to_port.as_ref()),
        ("proto", args.proto.as_ref()),
        ("app", args.name.as_ref()),
        ("comment", args.comment.as_ref()),
    ];
    for (name, value) in parts {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            add(&[name, value]);
        }
    }
    words
}

/// The number to insert at; none is the end.
fn place(args: &Args, insert: i64, ufw: &mut Ufw, ctx: &mut Ctx) -> Result<Option<String>, Failure> {
    if args.insert_relative_to == "zero" {
        return Ok(Some(insert.to_string()));
    }
    let numbered = ufw.run(&["status", "numbered"], ctx)?;
    // The list of what was run shows changes.
    ufw.commands.pop();
    let base = base(&args.insert_relative_to, &numbered);
    let last = numbers(&numbered).last().map_or(0, |(number, _)| *number);
    Ok((insert + base <= last).then(|| (insert + base).to_string()))
}

/// The numbers of the rules, and whether each is of version 6.
fn numbers(numbered: &str) -> Vec<(i64, bool)> {
    let lines = numbered.lines().filter_map(|line| {
        let (number, rest) = line.strip_prefix('[')?.split_once(']')?;
        Some((number.trim().parse().ok()?, rest.contains("(v6)") || rest.split_whitespace().any(is_v6)))
    });
    lines.collect()
}

fn base(relative_to: &str, numbered: &str) -> i64 {
    let numbers = numbers(numbered);
    let of = |v6: bool| numbers.iter().filter(move |(_, it)| *it == v6).map(|(number, _)| *number);
    let last = numbers.iter().map(|(number, _)| *number).max().unwrap_or(0);
    match relative_to {
        "first-ipv4" => 1,
        "last-ipv4" => of(false).max().unwrap_or(1),
        "first-ipv6" => of(true).min().unwrap_or_else(|| of(false).max().map_or(1, |last| last + 1)),
        _ => of(true).max().unwrap_or(last + 1),
    }
}

fn address(word: &str) -> &str {
    word.split('/').next().unwrap_or(word)
}

fn is_v4(word: &str) -> bool {
    address(word).parse::<std::net::Ipv4Addr>().is_ok()
}

fn is_v6(word: &str) -> bool {
    address(word).parse::<std::net::Ipv6Addr>().is_ok()
}

/// Whether a dry run shows other rules than there are. It shows those of one version alone if the rule is about that.
fn would_change(args: &Args, before: &str, said: &str) -> bool {
    if !said.is_empty() && said.lines().all(|line| line.contains("Skipping")) {
        return false;
    }
    let after = tuples(said);
    let of = |text: &str, fits: fn(&str) -> bool| -> String {
        text.split_inclusive('\n').filter(|line| line.split_whitespace().any(fits)).collect()
    };
    let addresses = [args.from_ip.as_str(), args.to_ip.as_str()];
    debug_assert!(after.lines().all(|line| line.starts_with(TUPLE)), "only rules are compared");
    if addresses.into_iter().any(is_v4) {
        of(before, is_v4) != of(&after, is_v4)
    } else if addresses.into_iter().any(is_v6) {
        of(before, is_v6) != of(&after, is_v6)
    } else {
        before != after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_from_a_place() {
        let numbered = "Status: active\n\n[ 1] 22/tcp   ALLOW IN  Anywhere\n[ 2] 80  ALLOW IN 10.0.0.0/8\n\
                        [ 3] 22/tcp (v6) ALLOW IN Anywhere (v6)\n";
        for (relative_to, wanted) in [("first-ipv4", 1), ("last-ipv4", 2), ("first-ipv6", 3), ("last-ipv6", 3)] {
            assert_eq!(base(relative_to, numbered), wanted, "{relative_to}");
        }
        assert_eq!(base("last-ipv6", "Status: inactive\n"), 1);
    }
}
