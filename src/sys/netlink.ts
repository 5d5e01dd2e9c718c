/**
 * @module
 * Sockets for the kernel's network configuration (netlink(7)). The kernel executes a request during the send, so its
 * response can be read right afterwards.
 */
import { checked, unblocked } from "./check.ts";
import { isErrno } from "./errno.ts";
import { O } from "./flags.ts";
import { libc } from "./libc.ts";
import { OwnedFd } from "./owned_fd.ts";
import { SOCKET } from "./sockets.ts";

/** Calls on netlink sockets. Every call throws {@link SysError}. */
export interface NetlinkCalls {
  /**
   * Opens a socket, non-blocking and with close-on-exec; the caller closes it.
   * @param protocol `NETLINK.NETLINK_ROUTE` or `NETLINK.NETLINK_NETFILTER`
   * @param groups bits of the multicast groups to subscribe to
   */
  netlinkSocket(protocol: number, groups: number): number;
  /** Returns the socket's port id, its address towards the kernel and other sockets. */
  netlinkPort(socketFd: number): number;
  /** Sends requests from a thread of the blocking pool: the kernel may wait for locks that other writers hold. */
  sendNetlink(socketFd: number, requests: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Returns the next datagram; "again": none now; "lost": the receive buffer overflowed and messages were dropped. */
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

/** Larger than any message of the kernel (NLMSG_GOODSIZE, and dumps of up to 32 KiB). */
const RECEIVE_BYTES = 65_536;
/**
 * Receive buffer of a subscribed socket: room for all events until the next read, such as a table of hundreds of
 * networks.
 */
const SUBSCRIBER_BUFFER_BYTES = 16 << 20;

function kernelAddress(groups: number): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(SOCKADDR_NL.sizeBytes);
  const view = new DataView(address.buffer);
  view.setUint16(0, NETLINK.AF_NETLINK, true);
  view.setUint32(SOCKADDR_NL.nl_groups, groups, true);
  return address;
}

function enlargeReceiveBuffer(fd: number): void {
  const value = new Int32Array([SUBSCRIBER_BUFFER_BYTES]);
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
    if (groups !== 0) enlargeReceiveBuffer(fd);
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
    // The errno of the other thread is out of reach. A failed send had no effect, and fails on this thread in the same
    // way.
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
