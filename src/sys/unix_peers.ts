/**
 * @module
 * Peers of unix sockets (unix(7)): the credentials of the process listening on one, and single datagrams, as
 * sd_notify(3) sends them.
 */
import { checked } from "./check.ts";
import { files } from "./files.ts";
import { O } from "./flags.ts";
import { libc } from "./libc.ts";
import { OwnedFd } from "./owned_fd.ts";
import { SOCKADDR_UN, SOCKET, unixAddress } from "./sockets.ts";

/** Credentials of the process that called listen(2), as of that call. */
export interface PeerCredentials {
  /** 0 if the process isn't in our pid namespace. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** Every call throws {@link SysError}, and {@link TsdError} invalid_argument for an invalid socket path. */
export interface UnixPeerCalls {
  /**
   * Connects to a socket and returns its listener's credentials.
   * @throws {SysError} ENOENT, ECONNREFUSED (no listener), EACCES, EAGAIN (its backlog is full)
   */
  listener(path: string): PeerCredentials;
  /** Sends one message to a datagram socket; `@name` is an abstract address. */
  sendDatagram(path: string, message: Uint8Array<ArrayBuffer>): void;
}

/** sys/socket.h; the same on both architectures. */
export const PEER = { SOCK_DGRAM: 2, SO_PEERCRED: 17, MSG_NOSIGNAL: 0x4000 } as const;
/** `struct ucred`: three numbers of 32 bits. */
export const UCRED = { sizeBytes: 12, pid: 0, uid: 4, gid: 8 } as const;

function socketOf(type: number): OwnedFd {
  // SAFETY: no memory is passed. SOCK_CLOEXEC and SOCK_NONBLOCK have the values of the O flags.
  return new OwnedFd(checked(libc.socket(SOCKET.AF_UNIX, type | O.CLOEXEC | O.NONBLOCK, 0), "socket"), files);
}

/** The real {@link UnixPeerCalls}. */
export const unixPeers: UnixPeerCalls = {
  listener(path) {
    const { address, sizeBytes } = unixAddress(path);
    using socket = socketOf(SOCKET.SOCK_STREAM);
    // SAFETY: address is a sockaddr_un of which sizeBytes are in use; it isn't kept.
    checked(libc.connect(socket.fd, address, sizeBytes), "connect", path);
    const found = new Uint8Array(UCRED.sizeBytes);
    const length = new Uint32Array([UCRED.sizeBytes]);
    // SAFETY: found has the length that length says, which the call overwrites.
    const result = libc.getsockopt(socket.fd, SOCKET.SOL_SOCKET, PEER.SO_PEERCRED, found, length);
    checked(result, "getsockopt SO_PEERCRED", path);
    const v = new DataView(found.buffer);
    return { pid: v.getInt32(UCRED.pid, true), uid: v.getUint32(UCRED.uid, true), gid: v.getUint32(UCRED.gid, true) };
  },
  sendDatagram(path, message) {
    const { address, sizeBytes } = unixAddress(path);
    const isAbstract = path.startsWith("@");
    if (isAbstract) address[SOCKADDR_UN.sun_path] = 0;
    using socket = socketOf(PEER.SOCK_DGRAM);
    // SAFETY: both buffers have the lengths that are given; an abstract name has no NUL at its end.
    const result = libc.sendto(
      socket.fd,
      message,
      BigInt(message.length),
      PEER.MSG_NOSIGNAL,
      address,
      isAbstract ? sizeBytes - 1 : sizeBytes,
    );
    checked(result, "sendto", path);
  },
};
