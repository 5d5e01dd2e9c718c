import { strict as assert } from "node:assert";
import "./preopen_testing.ts";
import { Acceptor, Epoll, files, listenTcp, sockets, SysError } from "./mod.ts";

const LOOPBACK = new Uint8Array([127, 0, 0, 1]);

/** Listens on a free port; the first calls of accept fail with the given errors. */
function setup(failures: ("EMFILE" | "ECONNABORTED")[]) {
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

Deno.test("accepting resumes once descriptors are available, and the failure is reported once", async () => {
  await using fixture = setup(["EMFILE", "EMFILE", "EMFILE"]);
  using _client = await Deno.connect({ hostname: "127.0.0.1", port: fixture.port });
  await fixture.accepted;
  assert.deepEqual(fixture.troubles, ["SysError: accept4: EMFILE (Too many open files)"]);
});

Deno.test("a connection aborted before accept does not stop the acceptor", async () => {
  await using fixture = setup(["ECONNABORTED"]);
  using _client = await Deno.connect({ hostname: "127.0.0.1", port: fixture.port });
  await fixture.accepted;
  assert.deepEqual(fixture.troubles, []);
});

Deno.test("disposing during a pause closes the listening socket", async () => {
  await using fixture = setup(["EMFILE"]);
  using _client = await Deno.connect({ hostname: "127.0.0.1", port: fixture.port });
  while (fixture.troubles.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  fixture.acceptor[Symbol.dispose]();
  await assert.rejects(Deno.connect({ hostname: "127.0.0.1", port: fixture.port }), Deno.errors.ConnectionRefused);
});
