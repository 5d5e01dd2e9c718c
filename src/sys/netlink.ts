/**
 * @module
 * Sockets to the kernel's network configuration (netlink(7)). The kernel performs a request while it is being sent, so
 * what it answers can be read right afterwards.
 */
import { checked, unblocked } from "./check.ts";
import { isErrno } from "./errno.ts";
import { O } from "./flags.ts";
import { libc } from "./libc.ts";
import { OwnedFd } from "./owned_fd.ts";
import { SOCKET } from "./sockets.ts";

/** Every call throws {@link SysError}. */
export interface NetlinkCalls {
  /** Non-blocking, with close-on-exec; @param groups bits of the multicast groups that are heard */
  netlinkSocket(protocol: number, groups: number): number;
  /** By which the kernel and others know a socket. */
  netlinkPort(socketFd: number): number;
  /** Sends requests from another thread: the kernel may wait there for others who change the same. */
  sendNetlink(socketFd: number, requests: Uint8Array<ArrayBuffer>): Promise<void>;
  /** What has come. "again": nothing now; "lost": more came than the socket could hold. */
  receiveNetlink(socketFd: number): Uint8Array<ArrayBuffer> | "again" | "lost";
}

/** linux/netlink.h and sys/socket.h; the same on both architectures. */
export const NETLINK = {
  AF_NETLINK: 16,
  SOCK_RAW: 3,
  NETLINK_ROUTE: 0,
  NETLINK_NETFILTER: 12,
  SO_RCVBUFFORCE: 33,
} as const;
/** `struct sockaddr_nl`. */
export const SOCKADDR_NL = { sizeBytes: 12, nl_pid: 4, nl_groups: 8 } as const;

/** More than any message of the kernel (NLMSG_GOODSIZE, and dumps of up to 32 KiB). */
const RECEIVE_BYTES = 65_536;
/** For those who listen: room for what happens until they are asked, such as a table of hundreds of networks. */
const LISTEN_BYTES = 16 << 20;

function kernelAddress(groups: number): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(SOCKADDR_NL.sizeBytes);
  const view = new DataView(address.buffer);
  view.setUint16(0, NETLINK.AF_NETLINK, true);
  view.setUint32(SOCKADDR_NL.nl_groups, groups, true);
  return address;
}

function makeRoom(fd: number): void {
  const value = new Int32Array([LISTEN_BYTES]);
  // SAFETY: the value is an int, as its length says.
  const result = libc.setsockopt(fd, SOCKET.SOL_SOCKET, NETLINK.SO_RCVBUFFORCE, value, value.byteLength);
  checked(result, "setsockopt SO_RCVBUFFORCE", fd);
}

/** The real {@link NetlinkCalls}. */
export const netlink: NetlinkCalls = {
  netlinkSocket(protocol, groups) {
    // SAFETY: no memory is passed. SOCK_CLOEXEC and SOCK_NONBLOCK have the values of the O flags.
    const fd = checked(libc.socket(NETLINK.AF_NETLINK, NETLINK.SOCK_RAW | O.CLOEXEC | O.NONBLOCK, protocol), "socket");
    using socket = new OwnedFd(fd);
    if (groups !== 0) makeRoom(fd);
    const address = kernelAddress(groups);
    // SAFETY: address is a sockaddr_nl of the length that is given; it isn't kept.
    checked(libc.bind(fd, address, address.length), "bind", "netlink");
    return socket.take();
  },
  netlinkPort(socketFd) {
    const address = kernelAddress(0);
    // SAFETY: address has the length that is given.
    const result = libc.getsockname(socketFd, address, new Uint32Array([address.length]));
    checked(result, "getsockname", socketFd);
    return new DataView(address.buffer).getUint32(SOCKADDR_NL.nl_pid, true);
  },
  async sendNetlink(socketFd, requests) {
    const address = kernelAddress(0);
    const size = BigInt(requests.length);
    // SAFETY: both buffers have the lengths that are given and are referenced here until the call has returned.
    const sent = await libc.sendtoBlocking(socketFd, requests, size, 0, address, address.length);
    // The other thread's errno is out of reach. What couldn't be sent there had no effect, and fails here in the same way.
    // SAFETY: as above.
    if (sent < 0) checked(libc.sendto(socketFd, requests, size, 0, address, address.length), "sendto", "netlink");
  },
  receiveNetlink(socketFd) {
    const buffer = new Uint8Array(RECEIVE_BYTES);
    try {
      // SAFETY: buffer has the length that is given.
      const count = unblocked(() => libc.recv(socketFd, buffer, BigInt(buffer.length), 0), "recv", socketFd);
      return count === "again" ? count : buffer.slice(0, count);
    } catch (thrown) {
      if (isErrno(thrown, "ENOBUFS")) return "lost";
      throw thrown;
    }
  },
};
