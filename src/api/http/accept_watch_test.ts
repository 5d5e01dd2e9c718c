import { strict as assert } from "node:assert";
import type { PollHandler } from "../../sys/mod.ts";
import { EPOLL, OwnedFd } from "../../sys/mod.ts";
import { AcceptWatch } from "./accept_watch.ts";

const PAUSE_MS = 1;
const LISTENER = 7;

/** A watch whose epoll is told what happens. */
function bench() {
  let handler: PollHandler = () => assert.fail("nothing is watched");
  let waiting = Promise.withResolvers<void>();
  const closed: number[] = [];
  const the = { accepted: 0, stalled: 0, isWatched: false };
  const watch = new AcceptWatch(new OwnedFd(LISTENER, { close: (fd) => closed.push(fd) }), {
    epoll: {
      add(_fd, events, added) {
        the.isWatched = events === EPOLL.IN;
        handler = added;
        waiting.resolve();
      },
      modify(_fd, events) {
        the.isWatched = events === EPOLL.IN;
        if (the.isWatched) waiting.resolve();
      },
      remove: () => the.isWatched = false,
    },
    accepted: () => the.accepted,
    onStalled: () => the.stalled++,
    pauseMs: PAUSE_MS,
  });
  /** Somebody is there, as epoll sees it. */
  const connectionArrives = async () => {
    await waiting.promise;
    waiting = Promise.withResolvers();
    handler(EPOLL.IN);
    assert.equal(the.isWatched, false, "nobody is told of for a while");
  };
  return { the, closed, connectionArrives, [Symbol.dispose]: () => watch[Symbol.dispose]() };
}

Deno.test("somebody who waits while nobody is let in: told at the third look, and at each one after that", async () => {
  using it = bench();
  const { the } = it;
  const seen: number[] = [];
  for (let look = 0; look < 4; look++) {
    await it.connectionArrives();
    seen.push(the.stalled);
  }
  assert.deepEqual(seen, [0, 0, 1, 2]);
  the.accepted++;
  for (let look = 0; look < 2; look++) await it.connectionArrives();
  assert.equal(the.stalled, 2, "it works again");
});

Deno.test("clients that are let in, before or after they are seen, are no news", async () => {
  using it = bench();
  const { the } = it;
  for (let look = 0; look < 20; look++) {
    // Now and then epoll is slower than whoever lets them in.
    if (look % 3 === 0) the.accepted++;
    await it.connectionArrives();
    if (look % 3 > 0) the.accepted++;
  }
  assert.equal(the.stalled, 0);
});

Deno.test("its end closes the descriptor and ends the pause", async () => {
  const it = bench();
  await it.connectionArrives();
  it[Symbol.dispose]();
  it[Symbol.dispose]();
  await new Promise((resolve) => setTimeout(resolve, 10 * PAUSE_MS));
  assert.equal(it.the.isWatched, false);
  assert.deepEqual(it.closed, [LISTENER]);
});
