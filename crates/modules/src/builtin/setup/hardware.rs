//! Processors, memory, firmware, load.

use std::collections::{BTreeSet, HashMap};

use rplay_module_api::{Json, json};

use super::{Facts, Gathering, facts, line_of};

pub fn hardware(_: &mut Gathering) -> Facts {
    let mut found = memory(&line_of("/proc/meminfo"));
    found.extend(processors(&line_of("/proc/cpuinfo")));
    found.extend(firmware());
    let uptime = line_of("/proc/uptime");
    if let Some(seconds) = uptime.split('.').next().and_then(|it| it.parse::<u64>().ok()) {
        found.insert("uptime_seconds".into(), seconds.into());
    }
    found
}

pub fn load_average(_: &mut Gathering) -> Facts {
    let text = line_of("/proc/loadavg");
    let load: Vec<f64> = text.split_whitespace().take(3).filter_map(|it| it.parse().ok()).collect();
    match load.as_slice() {
        [one, five, fifteen] => facts([("loadavg", json!({"1m": one, "5m": five, "15m": fifteen}))]),
        _ => Facts::new(),
    }
}

pub fn memory(text: &str) -> Facts {
    let sizes: HashMap<&str, i64> = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter_map(|(name, value)| Some((name, value.split_whitespace().next()?.parse::<i64>().ok()? / 1024)))
        .collect();
    let size = |name: &str| sizes.get(name).copied().unwrap_or(0);
    let (total, free) = (size("MemTotal"), size("MemFree"));
    let (swap_total, swap_free) = (size("SwapTotal"), size("SwapFree"));
    let free_without_caches = free + size("Cached") + size("Buffers");
    facts([
        ("memtotal_mb", total.into()),
        ("memfree_mb", free.into()),
        ("swaptotal_mb", swap_total.into()),
        ("swapfree_mb", swap_free.into()),
        (
            "memory_mb",
            json!({
                "real": {"total": total, "used": total - free, "free": free},
                "nocache": {"free": free_without_caches, "used": total - free_without_caches},
                "swap": {"total": swap_total, "free": swap_free, "used": swap_total - swap_free, "cached": size("SwapCached")},
            }),
        ),
    ])
}

pub fn processors(text: &str) -> Facts {
    let mut described: Vec<Json> = Vec::new();
    let mut sockets: BTreeSet<String> = BTreeSet::new();
    let mut cores_of_socket: Option<u64> = None;
    let mut siblings: Option<u64> = None;
    let mut flags: Vec<&str> = Vec::new();
    let mut count = 0_u64;
    let mut socket = String::new();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match name.trim() {
            "processor" => {
                count += 1;
                described.push(value.into());
            }
            "vendor_id" | "model name" | "Model name" | "cpu" | "CPU" | "Processor" => described.push(value.into()),
            "physical id" => value.clone_into(&mut socket),
            "cpu cores" => cores_of_socket = value.parse().ok(),
            "siblings" => siblings = value.parse().ok(),
            "flags" | "Features" if flags.is_empty() => flags = value.split_whitespace().collect(),
            _ => {}
        }
        if name.trim() == "physical id" {
            sockets.insert(socket.clone());
        }
    }
    let usable = std::thread::available_parallelism().map_or(count, |it| it.get() as u64);
    // Without topology, as on ARM, each processor counts as a socket of its own.
    let socket_count = if sockets.is_empty() { count.max(1) } else { sockets.len() as u64 };
    let cores = cores_of_socket.unwrap_or(1).max(1);
    let threads = siblings.map_or(1, |it| (it / cores).max(1));
    facts([
        ("processor", described.into()),
        ("processor_count", socket_count.into()),
        ("processor_cores", cores.into()),
        ("processor_threads_per_core", threads.into()),
        ("processor_vcpus", (threads * socket_count * cores).into()),
        ("processor_nproc", usable.into()),
        ("flags", flags.into()),
    ])
}

#[rustfmt::skip]
const FIRMWARE: &[(&str, &str)] = &[
    ("bios_date", "bios_date"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("form_factor", "chassis_type"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("system_vendor", "sys_vendor"),
];

/// By the numbers of the SMBIOS standard.
#[rustfmt::skip]
const FORM_FACTORS: [&str; 37] = [
    "Unknown", "Other", "Unknown", "Desktop", "Low Profile Desktop", "Pizza Box", "Mini Tower", "Tower", "Portable",
    "Laptop", "Notebook", "Hand Held", "Docking Station", "All In One", "Sub Notebook", "Space-saving", "Lunch Box",
    "Main Server Chassis", "Expansion Chassis", "Sub Chassis", "Bus Expansion Chassis", "Peripheral Chassis",
    "RAID Chassis", "Rack Mount Chassis", "Sealed-case PC", "Multi-system", "CompactPCI", "AdvancedTCA", "Blade",
    "Blade Enclosure", "Tablet", "Convertible", "Detachable", "IoT Gateway", "Embedded PC", "Mini PC", "Stick PC",
];

fn firmware() -> Facts {
    FIRMWARE
        .iter()
        .map(|(fact, file)| {
            let mut value = line_of(format!("/sys/devices/virtual/dmi/id/{file}"));
            if *fact == "form_factor" {
                let name = value.parse::<usize>().ok().and_then(|it| FORM_FACTORS.get(it));
                if let Some(name) = name {
                    (*name).clone_into(&mut value);
                }
            }
            ((*fact).to_owned(), if value.is_empty() { "NA".into() } else { value.into() })
        })
        .collect()
}
