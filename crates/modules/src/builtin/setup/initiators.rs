//! Names that the host has towards its storage: iSCSI, NVMe, Fibre Channel, logical volumes.

use std::fs;

use rplay_module_api::{Command, Ctx, Json, Map, json};

use super::{Facts, Gathering, facts, line_of};
use crate::support::program;

pub fn iscsi(_: &mut Gathering) -> Facts {
    let text = line_of("/etc/iscsi/initiatorname.iscsi");
    let name = text.lines().find_map(|line| line.trim().strip_prefix("InitiatorName=")).unwrap_or_default();
    facts([("iscsi_iqn", name.into())])
}

pub fn nvme(_: &mut Gathering) -> Facts {
    let text = line_of("/etc/nvme/hostnqn");
    let name = text.lines().find(|line| line.starts_with("nqn.")).unwrap_or_default();
    facts([("hostnqn", name.trim().into())])
}

pub fn fibre_channel(_: &mut Gathering) -> Facts {
    let hosts = fs::read_dir("/sys/class/fc_host").into_iter().flatten().flatten();
    let mut names: Vec<String> = hosts
        .map(|host| line_of(host.path().join("port_name")).trim_start_matches("0x").to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    facts([("fibre_channel_wwn", names.into())])
}

/// Volume groups, logical and physical volumes, with sizes in GB as LVM writes them; `N/A` without LVM or without root.
pub fn lvm(gathering: &mut Gathering) -> Facts {
    let able = rustix::process::getuid().is_root() && program::find("vgs").is_some();
    let found = if able { volumes(gathering.ctx) } else { "N/A".into() };
    facts([("lvm", found)])
}

fn volumes(ctx: &mut Ctx) -> Json {
    // Columns of each program's own report.
    let groups = report("vgs", ctx, |row| {
        let [.., size, free] = row else { return None };
        Some(json!({"size_g": size, "free_g": free, "num_lvs": row.get(2)?, "num_pvs": row.get(1)?}))
    });
    let logical = report("lvs", ctx, |row| Some(json!({"size_g": row.get(3)?, "vg": row.get(1)?})));
    let physical =
        report("pvs", ctx, |row| Some(json!({"size_g": row.get(4)?, "free_g": row.get(5)?, "vg": row.get(1)?})));
    json!({"vgs": groups, "lvs": logical, "pvs": physical})
}

fn report(name: &str, ctx: &mut Ctx, about: impl Fn(&[&str]) -> Option<Json>) -> Map<String, Json> {
    let command = Command::new([name, "--noheadings", "--nosuffix", "--units", "g", "--separator", ","]);
    let text = ctx.command(&command).map(|output| output.stdout_text()).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let row: Vec<&str> = line.trim().split(',').collect();
            Some(((*row.first()?).to_owned(), about(&row)?))
        })
        .collect()
}
