import { strict as assert } from "node:assert";
import type { PollHandler } from "../../sys/mod.ts";
import { EPOLL, OwnedFd } from "../../sys/mod.ts";
import { AcceptWatch } from "./accept_watch.ts";

const PAUSE_MS = 1;
const LISTENER = 7;

/** Sets up a watch with a fake epoll. */
function setup() {
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
  /** Reports a waiting connection, as epoll would. */
  const connectionArrives = async () => {
    await waiting.promise;
    waiting = Promise.withResolvers();
    handler(EPOLL.IN);
    assert.equal(the.isWatched, false, "not watched during the pause");
  };
  return { the, closed, connectionArrives, [Symbol.dispose]: () => watch[Symbol.dispose]() };
}

Deno.test("a waiting client without accepted connections is reported at the third look and at each later one", async () => {
  using it = setup();
  const { the } = it;
  const counts: number[] = [];
  for (let look = 0; look < 4; look++) {
    await it.connectionArrives();
    counts.push(the.stalled);
  }
  assert.deepEqual(counts, [0, 0, 1, 2]);
  the.accepted++;
  for (let look = 0; look < 2; look++) await it.connectionArrives();
  assert.equal(the.stalled, 2, "it works again");
});

Deno.test("clients that are accepted before or after the look are not reported", async () => {
  using it = setup();
  const { the } = it;
  for (let look = 0; look < 20; look++) {
    // Epoll sometimes reports a client after it was accepted.
    if (look % 3 === 0) the.accepted++;
    await it.connectionArrives();
    if (look % 3 > 0) the.accepted++;
  }
  assert.equal(the.stalled, 0);
});

Deno.test("disposing closes the descriptor and cancels the timer", async () => {
  const it = setup();
  await it.connectionArrives();
  it[Symbol.dispose]();
  it[Symbol.dispose]();
  await new Promise((resolve) => setTimeout(resolve, 10 * PAUSE_MS));
  assert.equal(it.the.isWatched, false);
  assert.deepEqual(it.closed, [LISTENER]);
});
