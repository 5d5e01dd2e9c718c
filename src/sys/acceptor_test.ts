import { strict as assert } from "node:assert";
import "./preopen.ts";
import { Acceptor, Epoll, files, listenTcp, sockets, SysError } from "./mod.ts";

const LOOPBACK = new Uint8Array([127, 0, 0, 1]);

/** A listening socket of which the first calls of accept end as given. */
function bench(failures: ("EMFILE" | "ECONNABORTED")[]) {
  const epoll = new Epoll({ onHandlerError: (thrown) => assert.fail(String(thrown)) });
  void epoll.run();
  const port = freePort();
  const troubles: string[] = [];
  const accepted = Promise.withResolvers<void>();
  const acceptor = new Acceptor(listenTcp(LOOPBACK, port), {
    epoll,
    pauseMs: 1,
    calls: {
      accept(fd) {
        const failure = failures.shift();
        if (failure !== undefined) throw SysError.named("accept4", failure);
        return sockets.accept(fd);
      },
    },
    onConnection(fd) {
      files.close(fd);
      accepted.resolve();
    },
    onTrouble: (thrown) => troubles.push(String(thrown)),
  });
  const close = async () => {
    acceptor[Symbol.dispose]();
    await epoll.close();
  };
  return { port, acceptor, troubles, accepted: accepted.promise, [Symbol.asyncDispose]: close };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

Deno.test("connections are accepted again when descriptors are free again, and the trouble is told once", async () => {
  await using the = bench(["EMFILE", "EMFILE", "EMFILE"]);
  using _client = await Deno.connect({ hostname: "127.0.0.1", port: the.port });
  await the.accepted;
  assert.deepEqual(the.troubles, ["SysError: accept4: EMFILE (Too many open files)"]);
});

Deno.test("a client that has gone before its turn stops nobody", async () => {
  await using the = bench(["ECONNABORTED"]);
  using _client = await Deno.connect({ hostname: "127.0.0.1", port: the.port });
  await the.accepted;
  assert.deepEqual(the.troubles, []);
});

Deno.test("a pause ends with the acceptor, and nobody listens any more", async () => {
  await using the = bench(["EMFILE"]);
  using _client = await Deno.connect({ hostname: "127.0.0.1", port: the.port });
  while (the.troubles.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  the.acceptor[Symbol.dispose]();
  await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port: the.port }), Deno.errors.ConnectionRefused);
});
