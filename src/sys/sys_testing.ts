/** For tests only: the peer's side of sockets and terminals, which the engine never uses. */
import { addressOf } from "./address.ts";
import { checked } from "./check.ts";
import { cString } from "./cstring.ts";
import { files } from "./files.ts";
import { O } from "./flags.ts";
import { libc } from "./libc.ts";
import { OwnedFd } from "./owned_fd.ts";
import "./preopen_testing.ts";
import { CMSGHDR, IOVEC, MSGHDR, SOCKADDR_UN, SOCKET, sockets } from "./sockets.ts";

// Opened by the import, before the tests start: a library that a test opens counts as leaked.
const { socketpair, connect, sendmsg } = Deno.dlopen("libc.so.6", {
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "isize" },
}).symbols;

/** Returns two connected non-blocking sockets; the caller closes both. */
export function socketPair(): [OwnedFd, OwnedFd] {
  const pair = new Int32Array(2);
  // SAFETY: pair is the int[2] that the call writes.
  checked(socketpair(SOCKET.AF_UNIX, SOCKET.SOCK_STREAM | O.CLOEXEC | O.NONBLOCK, 0, pair), "socketpair");
  return [new OwnedFd(pair[0]), new OwnedFd(pair[1])];
}

/** Connects to a listening socket. @throws {SysError} ECONNREFUSED, ENOENT */
export function connectUnix(path: string): OwnedFd {
  const socket = new OwnedFd(sockets.unixSocket());
  const address = new Uint8Array(SOCKADDR_UN.sizeBytes);
  address[0] = SOCKET.AF_UNIX;
  address.set(new TextEncoder().encode(path), SOCKADDR_UN.sun_path);
  // SAFETY: address is a sockaddr_un.
  const result = connect(socket.fd, address, address.length);
  using _closed = result === 0 ? undefined : socket;
  checked(result, "connect", path);
  return socket;
}

/** Sends bytes (at least one) and any number of descriptors in one message. */
export function sendFds(socketFd: number, fds: readonly number[], text = "x"): void {
  const data = new TextEncoder().encode(text);
  const control = new Uint8Array(CMSGHDR.sizeBytes + 4 * fds.length);
  const c = new DataView(control.buffer);
  c.setBigUint64(0, BigInt(control.length), true);
  c.setInt32(CMSGHDR.cmsg_level, SOCKET.SOL_SOCKET, true);
  c.setInt32(CMSGHDR.cmsg_type, SOCKET.SCM_RIGHTS, true);
  for (const [i, fd] of fds.entries()) c.setInt32(CMSGHDR.sizeBytes + 4 * i, fd, true);
  const iov = new BigUint64Array(IOVEC.sizeBytes / 8);
  iov[0] = addressOf(data);
  iov[1] = BigInt(data.length);
  const header = new Uint8Array(MSGHDR.sizeBytes);
  const v = new DataView(header.buffer);
  v.setBigUint64(MSGHDR.msg_iov, addressOf(iov), true);
  v.setBigUint64(MSGHDR.msg_iovlen, 1n, true);
  if (fds.length > 0) {
    v.setBigUint64(MSGHDR.msg_control, addressOf(control), true);
    v.setBigUint64(MSGHDR.msg_controllen, BigInt(control.length), true);
  }
  // SAFETY: the header points to an iovec and buffers of the lengths it names, all alive until they are used below.
  const sent = checked(sendmsg(socketFd, header, 0), "sendmsg", socketFd);
  if (sent !== Number(iov[1]) || control.length === 0) throw new Error(`sendmsg took ${sent} bytes only`);
}

const TIOCSPTLCK = 0x40045431n;
const TIOCGPTN = 0x80045430n;

/** Opens a pty: the non-blocking master, and the path of the slave. */
export function openPty(): { readonly master: OwnedFd; readonly path: string } {
  const master = new OwnedFd(files.open(cString("/dev/ptmx"), O.RDWR | O.NOCTTY | O.NONBLOCK));
  const number = new Int32Array(1);
  // SAFETY: both requests take one int.
  checked(libc.ioctl(master.fd, TIOCSPTLCK, number), "ioctl TIOCSPTLCK", master.fd);
  checked(libc.ioctl(master.fd, TIOCGPTN, number), "ioctl TIOCGPTN", master.fd);
  return { master, path: `/dev/pts/${number[0]}` };
}
