/**
 * @module
 * Unix stream sockets, for receiving descriptors from another program (SCM_RIGHTS, unix(7)). Sockets that only carry
 * bytes are Deno's.
 */
import { TsdError } from "../errors.ts";
import { addressOf } from "./address.ts";
import { checked, unblocked } from "./check.ts";
import { files } from "./files.ts";
import { O } from "./flags.ts";
import { libc } from "./libc.ts";

/** One received message. */
export interface ReceivedFd {
  /** With close-on-exec, the caller's to close; undefined if the message carried none. */
  readonly fd: number | undefined;
  /** The message's data, at most 4 KiB. Empty and without a descriptor: the peer has closed the connection. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Calls on sockets. All sockets are non-blocking and have close-on-exec. Every call throws {@link SysError}. */
export interface SocketCalls {
  unixSocket(): number;
  /**
   * Creates the socket file `path`, with the permissions that fchmod(2) gave the socket.
   * @throws {TsdError} invalid_argument
   */
  bindUnix(socketFd: number, path: string): void;
  listen(socketFd: number, backlog: number): void;
  /** Returns the next connection, or "again" if there is none now. */
  accept(socketFd: number): number | "again";
  /** Receives one message with at most one descriptor; further ones are closed. "again": there is none now. */
  receiveFd(socketFd: number): ReceivedFd | "again";
  /**
   * Sends on a connected socket of any kind, also a blocking one. Returns the number of bytes sent; "again": no room
   * now.
   */
  send(socketFd: number, bytes: Uint8Array): number | "again";
}

/** sys/socket.h; the same on both architectures. */
export const SOCKET = {
  AF_UNIX: 1,
  SOCK_STREAM: 1,
  SOL_SOCKET: 1,
  SCM_RIGHTS: 1,
  MSG_DONTWAIT: 0x40,
  MSG_NOSIGNAL: 0x4000,
  MSG_CMSG_CLOEXEC: 0x40000000,
} as const;

/** `struct sockaddr_un`; the path has to leave room for its NUL. */
export const SOCKADDR_UN = { sizeBytes: 110, sun_path: 2 } as const;
const LONGEST_PATH = SOCKADDR_UN.sizeBytes - SOCKADDR_UN.sun_path - 1;
/** `struct msghdr` and `struct iovec` of 64-bit machines. */
export const MSGHDR = { sizeBytes: 56, msg_iov: 16, msg_iovlen: 24, msg_control: 32, msg_controllen: 40 } as const;
export const IOVEC = { sizeBytes: 16, iov_len: 8 } as const;
/** `struct cmsghdr`; the descriptors follow it. */
export const CMSGHDR = { sizeBytes: 16, cmsg_level: 8, cmsg_type: 12 } as const;

const FLAGS = O.CLOEXEC | O.NONBLOCK;
const SEND_FLAGS = SOCKET.MSG_DONTWAIT | SOCKET.MSG_NOSIGNAL;
const DATA_BYTES = 4096;
const FD_BYTES = 4;
/** Room for more than the one expected descriptor; the kernel closes those that don't fit. */
const CONTROL_BYTES = CMSGHDR.sizeBytes + 8 * FD_BYTES;

/** Returns a sockaddr_un and its length in use. @throws {TsdError} invalid_argument */
export function unixAddress(path: string): { readonly address: Uint8Array<ArrayBuffer>; readonly sizeBytes: number } {
  const bytes = new TextEncoder().encode(path);
  const wrong = path === "" || path.includes("\0");
  if (wrong || bytes.length > LONGEST_PATH) {
    const why = wrong ? "it is empty or holds a NUL" : `it has ${bytes.length} bytes, and ${LONGEST_PATH} is the most`;
    throw new TsdError("invalid_argument", `Bad path for a socket, ${JSON.stringify(path)}: ${why}`);
  }
  const address = new Uint8Array(SOCKADDR_UN.sizeBytes);
  new DataView(address.buffer).setUint16(0, SOCKET.AF_UNIX, true);
  address.set(bytes, SOCKADDR_UN.sun_path);
  return { address, sizeBytes: SOCKADDR_UN.sun_path + bytes.length + 1 };
}

function receiveFd(socketFd: number): ReceivedFd | "again" {
  const data = new Uint8Array(DATA_BYTES);
  const control = new Uint8Array(CONTROL_BYTES);
  const iov = new BigUint64Array([addressOf(data), BigInt(DATA_BYTES)]);
  const header = new Uint8Array(MSGHDR.sizeBytes);
  const v = new DataView(header.buffer);
  v.setBigUint64(MSGHDR.msg_iov, addressOf(iov), true);
  v.setBigUint64(MSGHDR.msg_iovlen, 1n, true);
  v.setBigUint64(MSGHDR.msg_control, addressOf(control), true);
  v.setBigUint64(MSGHDR.msg_controllen, BigInt(CONTROL_BYTES), true);
  // SAFETY: the header points to an iovec and buffers of the lengths it names, all used below, so alive until then.
  const count = unblocked(() => libc.recvmsg(socketFd, header, SOCKET.MSG_CMSG_CLOEXEC), "recvmsg", socketFd);
  if (count === "again") return count;
  const [fd, ...further] = descriptorsIn(control.subarray(0, Number(v.getBigUint64(MSGHDR.msg_controllen, true))));
  for (const each of further) files.close(each);
  return { fd, data: data.slice(0, Math.min(count, Number(iov[1]))) };
}

/** Returns the descriptors of all SCM_RIGHTS messages. */
function descriptorsIn(control: Uint8Array): number[] {
  const v = new DataView(control.buffer, control.byteOffset, control.byteLength);
  const found: number[] = [];
  for (let at = 0; at + CMSGHDR.sizeBytes <= control.length;) {
    const end = at + Number(v.getBigUint64(at, true));
    if (end < at + CMSGHDR.sizeBytes || end > control.length) break;
    const level = v.getInt32(at + CMSGHDR.cmsg_level, true);
    if (level === SOCKET.SOL_SOCKET && v.getInt32(at + CMSGHDR.cmsg_type, true) === SOCKET.SCM_RIGHTS) {
      for (let i = at + CMSGHDR.sizeBytes; i + FD_BYTES <= end; i += FD_BYTES) found.push(v.getInt32(i, true));
    }
    at = (end + 7) & ~7;
  }
  return found;
}

/** The real {@link SocketCalls}. */
export const sockets: SocketCalls = {
  unixSocket() {
    // SAFETY: no memory is passed. SOCK_CLOEXEC and SOCK_NONBLOCK have the values of the O flags.
    return checked(libc.socket(SOCKET.AF_UNIX, SOCKET.SOCK_STREAM | FLAGS, 0), "socket");
  },
  bindUnix(socketFd, path) {
    const { address, sizeBytes } = unixAddress(path);
    // SAFETY: address is a sockaddr_un of which sizeBytes are in use; it isn't kept.
    checked(libc.bind(socketFd, address, sizeBytes), "bind", path);
  },
  listen(socketFd, backlog) {
    // SAFETY: no memory is passed.
    checked(libc.listen(socketFd, backlog), "listen", socketFd);
  },
  accept: (socketFd) =>
    // SAFETY: NULL twice: the peer's address isn't requested.
    unblocked(() => libc.accept4(socketFd, null, null, FLAGS), "accept4", socketFd),
  receiveFd,
  send: (socketFd, bytes) =>
    unblocked(
      // SAFETY: the length is that of the view, which lives until the call returns; a connected socket needs no address.
      () => libc.sendto(socketFd, bytes as Uint8Array<ArrayBuffer>, BigInt(bytes.byteLength), SEND_FLAGS, null, 0),
      "sendto",
      socketFd,
    ),
};
