//! A network of namespaces: one for each node, joined by one that routes, so that packets are lost on one link and in one direction.
//!
//! etcd and the clients are at two addresses of this machine. Needs the program `ip`, and the right to make namespaces.

use std::ffi::OsString;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where `ip` may be.
const PROGRAMS: [&str; 4] = ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip", "/bin/ip"];
/// The range for benchmarks of networks, which no real host has: 198.18.S.0/24 for each network.
const RANGE: (u8, u8) = (198, 18);
/// How many networks one machine has room for.
const SUBNETS: u8 = 250;
/// What is needed, for whoever lacks it.
const NEEDS: &str = "cutting links between nodes needs network namespaces: run as root (in a container with CAP_NET_ADMIN and CAP_SYS_ADMIN), with `ip` of the package iproute2 (apt-get install iproute2)";

/// An end of a link.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum End {
    /// A node, by number.
    Node(usize),
    /// All members of etcd.
    Etcd,
    /// All clients.
    Clients,
}

/// A network that is gone when it is dropped.
#[derive(Debug)]
pub struct Network {
    program: PathBuf,
    subnet: u8,
    nodes: usize,
    cuts: AtomicU32,
}

impl Network {
    /// A network for so many nodes. Panics, naming what is missing, if it cannot be made.
    pub fn start(nodes: usize) -> Self {
        let program = PROGRAMS.iter().map(PathBuf::from).find(|path| path.exists());
        let program = program.unwrap_or_else(|| panic!("`ip` is missing: {NEEDS}"));
        remove_leftovers(&program);
        let subnet = (0..SUBNETS).find(|subnet| took(&program, *subnet));
        let subnet = subnet.unwrap_or_else(|| panic!("no network can be made: {NEEDS}"));
        let network = Self { program, subnet, nodes, cuts: AtomicU32::new(0) };
        network.join_this_machine();
        (0..nodes).for_each(|node| network.join(node));
        network
    }

    /// The address of an end.
    pub fn address(&self, end: End) -> IpAddr {
        let last = match end {
            End::Etcd => 1,
            End::Clients => 2,
            End::Node(number) => 10 + u8::try_from(number).expect("few nodes"),
        };
        IpAddr::V4(Ipv4Addr::new(RANGE.0, RANGE.1, self.subnet, last))
    }

    /// What starts a program where a node is; its process is the one that is started.
    pub fn inside(&self, node: usize, program: &Path) -> Vec<OsString> {
        let namespace = self.namespace(&node.to_string());
        vec![
            self.program.clone().into(),
            "netns".into(),
            "exec".into(),
            namespace.into(),
            program.as_os_str().to_owned(),
        ]
    }

    /// Loses every packet from one end to another.
    pub fn cut(&self, from: End, to: End) {
        let number = 1_000 + self.cuts.fetch_add(1, Ordering::SeqCst);
        let (from, to) = (self.address(from), self.address(to));
        self.batch(Some("hub"), &format!("rule add pref {number} from {from} to {to} blackhole\n"));
    }

    /// Loses nothing more.
    pub fn heal(&self) {
        let cuts = self.cuts.swap(0, Ordering::SeqCst);
        let lines: String = (0..cuts).map(|cut| format!("rule del pref {}\n", 1_000 + cut)).collect();
        self.batch(Some("hub"), &lines);
    }

    fn gateway(&self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(RANGE.0, RANGE.1, self.subnet, 254))
    }

    fn join_this_machine(&self) {
        let (hub, link, gateway) = (self.namespace("hub"), link(self.subnet), self.gateway());
        let [etcd, clients] = [End::Etcd, End::Clients].map(|end| self.address(end));
        let all = Ipv4Addr::new(RANGE.0, RANGE.1, self.subnet, 0);
        self.batch(None, &format!("netns add {hub}\nlink set {link}h netns {hub}\n"));
        self.batch(
            Some("hub"),
            &format!(
                "link set lo up\naddr add {gateway}/32 dev lo\nlink set {link}h up\nroute add {etcd}/32 dev {link}h\nroute add {clients}/32 dev {link}h\n"
            ),
        );
        self.batch(
            None,
            &format!(
                "addr add {etcd}/32 dev {link}\naddr add {clients}/32 dev {link}\nlink set {link} up\nroute add {gateway}/32 dev {link}\nroute add {all}/24 via {gateway} dev {link} src {clients}\n"
            ),
        );
        let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
        let arguments = ["netns", "exec", &hub, "sh", "-c", forward];
        let status = Command::new(&self.program).args(arguments).status().expect("ip runs");
        assert!(status.success(), "packets cannot be forwarded: {NEEDS}");
    }

    fn join(&self, node: usize) {
        let (name, gateway) = (self.namespace(&node.to_string()), self.gateway());
        let address = self.address(End::Node(node));
        self.batch(None, &format!("netns add {name}\n"));
        self.batch(
            Some("hub"),
            &format!(
                "link add n{node} type veth peer name out netns {name}\nlink set n{node} up\nroute add {address}/32 dev n{node}\n"
            ),
        );
        self.batch(
            Some(&node.to_string()),
            &format!(
                "link set lo up\naddr add {address}/32 dev out\nlink set out up\nroute add {gateway}/32 dev out\nroute add default via {gateway} dev out\n"
            ),
        );
    }

    fn namespace(&self, of: &str) -> String {
        format!("{}-{of}", prefix(self.subnet, std::process::id()))
    }

    /// Runs lines of `ip`, in a namespace of this network or on this machine.
    fn batch(&self, inside: Option<&str>, lines: &str) {
        let namespace = inside.map(|of| self.namespace(of));
        if let Err(why) = batch(&self.program, namespace.as_deref(), lines) {
            panic!("{why}\n{NEEDS}");
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let names = (0..self.nodes).map(|node| node.to_string()).chain(["hub".into()]);
        for name in names {
            let line = format!("netns del {}\n", self.namespace(&name));
            let _ = batch(&self.program, None, &line);
        }
        let _ = batch(&self.program, None, &format!("link del {}\n", link(self.subnet)));
    }
}

/// The end of the link from this machine into a network.
fn link(subnet: u8) -> String {
    format!("apportion{subnet}")
}

fn prefix(subnet: u8, process: u32) -> String {
    format!("apportion-{subnet}-{process}")
}

/// Takes a subnet by making its link, which only one process can. Returns whether it was free.
fn took(program: &Path, subnet: u8) -> bool {
    let link = link(subnet);
    batch(program, None, &format!("link add {link} type veth peer name {link}h\n")).is_ok()
}

fn batch(program: &Path, namespace: Option<&str>, lines: &str) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(namespace.iter().flat_map(|namespace| ["-n", namespace]));
    command.args(["-batch", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("ip: {error}"))?;
    child
        .stdin
        .take()
        .expect("it is piped")
        .write_all(lines.as_bytes())
        .map_err(|error| error.to_string())?;
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let why = || format!("ip refused one of:\n{lines}{}", String::from_utf8_lossy(&output.stderr));
    output.status.success().then_some(()).ok_or_else(why)
}

/// Removes what processes left behind that were killed.
fn remove_leftovers(program: &Path) {
    let listed = Command::new(program).args(["netns", "list"]).output().expect("ip runs");
    for name in String::from_utf8_lossy(&listed.stdout).lines().filter_map(|line| line.split(' ').next()) {
        let parts: Vec<_> = name.split('-').collect();
        if let ["apportion", subnet, process, of] = parts[..]
            && !Path::new("/proc").join(process).exists()
        {
            let _ = batch(program, None, &format!("netns del {name}\n"));
            if let Some(subnet) = subnet.parse().ok().filter(|_| of == "hub") {
                let _ = batch(program, None, &format!("link del {}\n", link(subnet)));
            }
        }
    }
}
