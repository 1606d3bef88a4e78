//! Hosts named on the command line: `-i a,b,` and with ranges where `advanced_host_list` is enabled.

use super::{Inventory, address};
use crate::error::Error;

pub fn parse(inventory: &mut Inventory, text: &str, with_ranges: bool) -> Result<(), Error> {
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        if with_ranges {
            let (hosts, port) = address::expand_hosts(item)?;
            for host in hosts {
                inventory.name_host(&host, "ungrouped", port)?;
            }
        } else {
            let (host, port) = address::parse_address(item, false).unwrap_or_else(|| (item.to_owned(), None));
            if !inventory.hosts.contains_key(&*host) {
                inventory.name_host(&host, "ungrouped", port)?;
            }
        }
    }
    Ok(())
}
