//! Who listens on a port, as far as the system tells without special rights.
//!
//! Read from `/proc` on Linux: the listening socket's inode, then the process that has it open. Elsewhere,
//! and for processes of other users, nobody is named. It only serves a message, so it never fails.

use std::fmt;
use std::fs;
use std::net::IpAddr;

/// A process that listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its id.
    pub pid: u32,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` (process {})", self.name, self.pid)
    }
}

/// The process that listens on `port` of `ip`, or on that port of all addresses.
pub fn holder_of(ip: IpAddr, port: u16) -> Option<Holder> {
    let tables =
        if ip.is_ipv4() { ["/proc/net/tcp", "/proc/net/tcp6"] } else { ["/proc/net/tcp6", "/proc/net/tcp"] };
    let inode = tables
        .iter()
        .find_map(|table| listening_inode(&fs::read_to_string(table).ok()?, port).map(str::to_owned))?;
    let wanted = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    for process in processes {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        let holds = files
            .flatten()
            .any(|file| fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str()));
        if holds {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(Holder { pid, name: name.trim().to_owned() });
        }
    }
    None
}

/// The inode of the socket that listens on `port`, from a table of the kernel.
fn listening_inode(table: &str, port: u16) -> Option<&str> {
    const LISTEN: &str = "0A";
    let local = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let is_it = columns.get(1)?.ends_with(&local) && *columns.get(3)? == LISTEN;
        is_it.then(|| columns.get(9).copied()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2253 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0
   1: 0100007F:2253 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100 0
   2: 00000000:2254 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100 0
";

    #[test]
    fn only_listening_sockets_of_the_port_count() {
        for (port, expected) in [(8787, Some("222")), (8788, Some("333")), (8789, None)] {
            assert_eq!(listening_inode(TABLE, port), expected, "port {port}");
        }
        assert_eq!(listening_inode("", 1), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let holder = holder_of(address.ip(), address.port()).unwrap();
        assert_eq!(holder.pid, std::process::id());
        assert!(holder.to_string().contains("(process "), "{holder}");
    }
}
