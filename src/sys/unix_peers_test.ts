import { strict as assert } from "node:assert";
import { checked } from "./check.ts";
import { libc } from "./libc.ts";
import { isErrno, O, OwnedFd, sockets, unixPeers } from "./mod.ts";
import "./preopen_testing.ts";
import { SOCKET, unixAddress } from "./sockets.ts";
import { PEER } from "./unix_peers.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function datagramSocket(): OwnedFd {
  // SAFETY: no memory is passed.
  return new OwnedFd(checked(libc.socket(SOCKET.AF_UNIX, PEER.SOCK_DGRAM | O.CLOEXEC | O.NONBLOCK, 0), "socket"));
}

function received(socket: OwnedFd): string {
  const message = sockets.receiveFd(socket.fd);
  assert.ok(message !== "again");
  return new TextDecoder().decode(message.data);
}

Deno.test("datagrams: to a path, to an abstract address, to a missing socket", async () => {
  const dir = await Deno.makeTempDir();
  try {
    using file = datagramSocket();
    sockets.bindUnix(file.fd, `${dir}/s`);
    unixPeers.sendDatagram(`${dir}/s`, bytes("READY=1\nSTATUS=üp"));
    unixPeers.sendDatagram(`${dir}/s`, bytes("STOPPING=1"));
    assert.deepEqual([received(file), received(file)], ["READY=1\nSTATUS=üp", "STOPPING=1"]);
    using abstract = datagramSocket();
    const name = `@tsd-test-${crypto.randomUUID()}`;
    const { address, sizeBytes } = unixAddress(name);
    address[2] = 0;
    // SAFETY: address is a sockaddr_un of which sizeBytes - 1 are in use.
    checked(libc.bind(abstract.fd, address, sizeBytes - 1), "bind");
    unixPeers.sendDatagram(name, bytes("hello"));
    assert.equal(received(abstract), "hello");
    assert.throws(() => unixPeers.sendDatagram(`${dir}/none`, bytes("x")), (thrown) => isErrno(thrown, "ENOENT"));
    assert.throws(() => unixPeers.sendDatagram("", bytes("x")), /Bad path for a socket/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("listener returns the credentials of the listening process", async () => {
  const dir = await Deno.makeTempDir();
  const open = () => [...Deno.readDirSync("/proc/self/fd")].length;
  try {
    const listener = Deno.listen({ transport: "unix", path: `${dir}/s` });
    const before = open();
    try {
      const { pid, uid, gid } = unixPeers.listener(`${dir}/s`);
      assert.deepEqual([pid, uid, gid], [Deno.pid, Deno.uid(), Deno.gid()]);
    } finally {
      listener.close();
    }
    assert.throws(() => unixPeers.listener(`${dir}/s`), (thrown) => isErrno(thrown, "ECONNREFUSED", "ENOENT"));
    assert.throws(() => unixPeers.listener(`${dir}/none`), (thrown) => isErrno(thrown, "ENOENT"));
    assert.ok(open() <= before);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
