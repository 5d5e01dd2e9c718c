/**
 * @module
 * Listening TCP sockets with an option that Deno doesn't offer, IPV6_V6ONLY: a socket of IPv6 doesn't accept
 * connections of IPv4 (ipv6(7)). Also interface indexes.
 */
import { checked, failed } from "./check.ts";
import { cString } from "./cstring.ts";
import { errnoOf } from "./errno.ts";
import { files } from "./files.ts";
import { O } from "./flags.ts";
import { errno, libc } from "./libc.ts";
import { OwnedFd } from "./owned_fd.ts";
import { SOCKET } from "./sockets.ts";

/** sys/socket.h, netinet/in.h and linux/in6.h; the same on both architectures. */
export const INET = {
  ...{ AF_INET: 2, AF_INET6: 10, SO_REUSEADDR: 2, SO_REUSEPORT: 15 },
  ...{ IPPROTO_IPV6: 41, IPV6_V6ONLY: 26 },
} as const;
/** `struct sockaddr_in` and `struct sockaddr_in6`. */
export const SOCKADDR_IN = { sizeBytes: 16, sin_port: 2, sin_addr: 4 } as const;
export const SOCKADDR_IN6 = { sizeBytes: 28, sin6_port: 2, sin6_addr: 8 } as const;

const BACKLOG = 511;
const IPV4_BYTES = 4;
/** How often a lookup is tried that neither finds an interface nor reports that it is absent. */
const MAX_ATTEMPTS = 3;

/**
 * Listens on an address and port. The returned socket is non-blocking, has close-on-exec, and is the caller's to close.
 * @param address 4 or 16 bytes
 * @param isShared set SO_REUSEPORT: other sockets of this user that set it too may listen on the same address
 * @throws {SysError} EADDRINUSE, EADDRNOTAVAIL
 */
export function listenTcp(address: Uint8Array, port: number, isShared = false): OwnedFd {
  using undo = new DisposableStack();
  const isIpv4 = address.length === IPV4_BYTES;
  const family = isIpv4 ? INET.AF_INET : INET.AF_INET6;
  // SAFETY: no memory is passed. SOCK_CLOEXEC and SOCK_NONBLOCK have the values of the O flags.
  const fd = checked(libc.socket(family, SOCKET.SOCK_STREAM | O.CLOEXEC | O.NONBLOCK, 0), "socket");
  const socket = undo.use(new OwnedFd(fd, files));
  const set = (level: number, option: number) => {
    // SAFETY: the value is an int, as its length says.
    checked(
      libc.setsockopt(fd, level, option, new Int32Array([1]), Int32Array.BYTES_PER_ELEMENT),
      "setsockopt",
      option,
    );
  };
  set(SOCKET.SOL_SOCKET, INET.SO_REUSEADDR);
  if (isShared) set(SOCKET.SOL_SOCKET, INET.SO_REUSEPORT);
  if (!isIpv4) set(INET.IPPROTO_IPV6, INET.IPV6_V6ONLY);
  const name = socketAddress(family, address, port);
  // SAFETY: name is a sockaddr of its family, of the length that is given; it isn't kept.
  checked(libc.bind(fd, name, name.length), "bind", `port ${port}`);
  // SAFETY: no memory is passed.
  checked(libc.listen(fd, BACKLOG), "listen", fd);
  undo.move();
  return socket;
}

/**
 * Returns the index of an interface in this process's network namespace, or undefined if there is none of that name.
 */
export function interfaceIndex(name: string): number | undefined {
  for (let attempt = 1;; attempt++) {
    // SAFETY: the name ends with NUL; it isn't kept.
    const index = libc.if_nametoindex(cString(name));
    if (index > 0) return index;
    const code = errno();
    if (code === errnoOf("ENODEV") || code === errnoOf("ENXIO")) return undefined;
    // An absent interface is a usual result, and another errno may stem from V8's own calls between the two.
    if (attempt === MAX_ATTEMPTS) failed(code, "if_nametoindex", name);
  }
}

function socketAddress(family: number, address: Uint8Array, port: number): Uint8Array<ArrayBuffer> {
  const isIpv4 = address.length === IPV4_BYTES;
  const bytes = new Uint8Array(isIpv4 ? SOCKADDR_IN.sizeBytes : SOCKADDR_IN6.sizeBytes);
  const view = new DataView(bytes.buffer);
  // The family is in the machine's byte order, the port in network byte order.
  view.setUint16(0, family, true);
  view.setUint16(isIpv4 ? SOCKADDR_IN.sin_port : SOCKADDR_IN6.sin6_port, port, false);
  bytes.set(address, isIpv4 ? SOCKADDR_IN.sin_addr : SOCKADDR_IN6.sin6_addr);
  return bytes;
}
