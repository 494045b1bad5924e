//! A pod's namespaces: a network with an address of its own and a place for what istio-agent keeps on disk.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr, TcpListener as BlockingListener, TcpStream as BlockingStream},
    os::fd::AsFd as _,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    thread,
};

use anyhow::{Context, Result, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::{AbortHandle, JoinSet},
};

use crate::{poll::DEADLINE, process::run};

/// Namespaces that live as long as this value: those of a process that sleeps, as the pause container of a pod does.
#[derive(Debug)]
pub(super) struct Sandbox {
    pause: Child,
    address: Ipv4Addr,
}

/// Who a program in a sandbox is; what `istio-iptables` captures depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// An application, whose traffic is captured.
    Application,
    /// The proxy and its agent.
    Proxy,
}

impl Sandbox {
    /// Makes a sandbox with the next free address.
    pub(super) fn new() -> Result<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let [high, low] = number.to_be_bytes();
        let address = Ipv4Addr::new(10, 244, high, low);
        let pause = pause().context("a sandbox")?;
        let sandbox = Self { pause, address };
        sandbox.plug_in(number)?;
        Ok(sandbox)
    }

    /// The address of the pod.
    pub(super) fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The command line in front of a program that is to run here.
    pub(super) fn prefix(&self, identity: Identity) -> Vec<OsString> {
        let target = format!("--target={}", self.pause.id());
        let mut prefix = vec!["nsenter".into(), target.into()];
        prefix.extend(["--net".into(), "--mount".into()]);
        if identity == Identity::Proxy {
            prefix.push(format!("--setgid={PROXY_GROUP}").into());
        }
        prefix
    }

    /// A program that is to run here.
    pub(super) fn command(&self, identity: Identity, program: impl Into<OsString>) -> Command {
        let mut words = self.prefix(identity);
        words.push(program.into());
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command
    }

    /// An address here on this side that leads to another as seen from inside the sandbox. Connections come from an
    /// application of the pod.
    pub(super) async fn gate(&self, target: SocketAddr) -> Result<Gate> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let process = self.pause.id();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut outside, _)) = listener.accept().await {
                connections.spawn(async move {
                    // A refusal inside is a connection that ends outside.
                    if let Ok(mut inside) = connect(process, target).await {
                        let _ = outside.set_nodelay(true);
                        let _ = copy_bidirectional(&mut outside, &mut inside).await;
                    }
                });
            }
        });
        Ok(Gate {
            address,
            task: task.abort_handle(),
        })
    }

    /// Connects from inside.
    pub(super) async fn connect(&self, target: SocketAddr) -> Result<TcpStream> {
        connect(self.pause.id(), target).await
    }

    /// Listens inside.
    pub(super) async fn listen(&self, address: SocketAddr) -> Result<TcpListener> {
        let listener = inside(self.pause.id(), move || {
            let listener = BlockingListener::bind(address)?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        let listener = listener
            .await
            .with_context(|| format!("listening on {address}"))?;
        Ok(TcpListener::from_std(listener)?)
    }

    /// The TCP ports that somebody listens on here, on whichever address.
    pub(super) fn listening(&self) -> Result<BTreeSet<u16>> {
        let mut ports = BTreeSet::new();
        for table in ["tcp", "tcp6"] {
            let file = format!("/proc/{}/net/{table}", self.pause.id());
            // Without IPv6 there is no such table.
            let lines = fs::read_to_string(file).unwrap_or_default();
            for line in lines.lines().skip(1) {
                ports.extend(listening_port(line));
            }
        }
        ensure!(!ports.is_empty(), "nobody listens");
        Ok(ports)
    }

    fn plug_in(&self, number: u16) -> Result<()> {
        let process = self.pause.id().to_string();
        let outside = format!("pod{number}");
        ip(&[
            "link", "add", &outside, "type", "veth", "peer", "name", "eth0", "netns", &process,
        ])?;
        ip(&["link", "set", &outside, "master", BRIDGE, "up"])?;
        let inside = format!(
            "set -e
             ip link set lo up
             ip address add {}/16 dev eth0
             ip link set eth0 up
             ip route add default via {GATEWAY}
             mount -t tmpfs tmpfs /var/lib
             mkdir -p /var/lib/istio/data",
            self.address
        );
        run(self
            .command(Identity::Application, "sh")
            .args(["-c", &inside]))?;
        Ok(())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.pause.kill();
        let _ = self.pause.wait();
    }
}

/// A way into a sandbox; dropping it ends its connections.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    task: AbortHandle,
}

impl Gate {
    /// Where to connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts the sleeping process and waits until it is in its namespaces.
fn pause() -> Result<Child> {
    let mut pause = Command::new("unshare")
        .args([
            "--net",
            "--mount",
            "sh",
            "-c",
            "echo in; exec sleep infinity",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("unshare does not start (Debian, Ubuntu: apt install util-linux)")?;
    let mut line = String::new();
    let output = pause.stdout.take().context("no standard output")?;
    BufReader::new(output).read_line(&mut line)?;
    ensure!(line.trim() == "in", "unshare failed; see above");
    Ok(pause)
}

/// Connects from the network namespace of a process.
async fn connect(process: u32, target: SocketAddr) -> Result<TcpStream> {
    let stream = inside(process, move || {
        let stream = BlockingStream::connect_timeout(&target, DEADLINE)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    });
    let stream = stream
        .await
        .with_context(|| format!("connecting to {target}"))?;
    Ok(TcpStream::from_std(stream)?)
}

/// Does something in the network namespace of a process. A thread of its own goes there, as threads of the runtime serve
/// others, too.
async fn inside<T: Send + 'static>(
    process: u32,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = oneshot::channel();
    thread::spawn(move || {
        let done = File::open(format!("/proc/{process}/ns/net"))
            .map_err(anyhow::Error::from)
            .and_then(|namespace| {
                let kind = Some(LinkNameSpaceType::Network);
                Ok(move_into_link_name_space(namespace.as_fd(), kind)?)
            })
            .and_then(|()| work());
        // Nobody may be waiting any more.
        let _ = sender.send(done);
    });
    receiver.await?
}

/// The port of a line of `/proc/…/net/tcp`, when it is of a socket that listens.
fn listening_port(line: &str) -> Option<u16> {
    const LISTEN: &str = "0A";
    let mut words = line.split_whitespace().skip(1);
    let (local, _, state) = (words.next()?, words.next()?, words.next()?);
    let (_, port) = local.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    (state == LISTEN).then_some(port)
}

fn ip(arguments: &[&str]) -> Result<()> {
    run(Command::new("ip").args(arguments))?;
    Ok(())
}

/// The address of the node, where the image registry and istiod are.
pub(super) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 1);

/// The node's end of the network, made by `e2e/istio/enter`.
const BRIDGE: &str = "mesh0";

/// The group whose traffic Istio never captures.
const PROXY_GROUP: u32 = 1337;

/// The last two bytes of the next address.
static NUMBER: AtomicU16 = AtomicU16::new(0x0101);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_that_listen_are_told_from_connections() {
        let listens =
            "   0: 00000000:5190 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1";
        assert_eq!(listening_port(listens), Some(20880));
        let of_six = "   1: 00000000000000000000000000000000:3AAC 00000000000000000000000000000000:0000 0A 0:0";
        assert_eq!(listening_port(of_six), Some(15020));
        let connection =
            "   2: 0100007F:5190 0100007F:C350 01 00000000:00000000 00:00000000 00000000";
        assert_eq!(listening_port(connection), None);
    }
}
