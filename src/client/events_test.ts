import { strict as assert } from "node:assert";
import { connectionLost } from "./byte_reader.ts";
import { followEvents } from "./events.ts";
import { type FakeAnswer, FakeEngine } from "./fake_engine_testing.ts";
import type { EngineRequest, EngineResponse } from "./transport.ts";

const POSITIONS = "application/vnd.tsd.event-positions";
const NANO = 1_700_000_000_000_000_000n;

const eventText = (name: string, timeNano: bigint) =>
  `{"Type":"volume","Action":"create","Actor":{"ID":"${name}"},"time":${
    timeNano / 1_000_000_000n
  },"timeNano":${timeNano}}`;

/** An engine that is killed after each of its answers but the last. */
class MortalEngine extends FakeEngine {
  #left: number;

  constructor(answers: readonly FakeAnswer[]) {
    const next = [...answers];
    super(() => next.shift()!);
    this.#left = answers.length;
  }

  override async request(request: EngineRequest): Promise<EngineResponse> {
    const { body, ...head } = await super.request(request);
    const isLast = --this.#left === 0;
    async function* cut() {
      yield* body;
      if (!isLast) throw connectionLost();
    }
    return { ...head, body: { [Symbol.asyncIterator]: cut, cancel: () => Promise.resolve() } };
  }
}

async function namesOf(engine: FakeEngine, since?: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { message } of followEvents(engine, { since })) names.push(message.Actor.ID);
  return names;
}

const bytes = (text: string) => [new TextEncoder().encode(text)];

Deno.test("events: a follower goes on after the event that it got last, by its number", async () => {
  const answer = (start: string, text: string): FakeAnswer => ({
    ...{ type: POSITIONS, bytes: bytes(text), headers: { "tsd-event-position": start } },
  });
  const engine = new MortalEngine([
    // Nothing has come when the engine is killed.
    answer(`6.${NANO}`, ""),
    // The line that was being written isn't whole.
    answer(`8.${NANO}`, `7 ${eventText("a", NANO + 5n)}\n8 ${eventText("b", NANO + 5n)}\n9 {"Type":"vol`),
    // The clock was set back meanwhile.
    answer(`9.${NANO}`, `9 ${eventText("c", NANO - 9n)}\n`),
    answer(`10.${NANO}`, ""),
  ]);
  assert.deepEqual(await namesOf(engine), ["a", "b", "c"]);
  assert.deepEqual(engine.requests.map(({ headers }) => headers?.["Tsd-Events-After"]), [
    undefined,
    `6.${NANO}`,
    `8.${NANO + 5n}`,
    `9.${NANO - 9n}`,
  ]);
  // An engine that doesn't have that event in its history goes by the time.
  assert.equal(engine.requests[2]?.query?.since, "1700000000.000000005");
});

Deno.test("events: the past that was asked for is asked for again where nothing of it has come", async () => {
  const engine = new MortalEngine([
    { type: POSITIONS, bytes: [], headers: { "tsd-event-position": `6.${NANO}` } },
    { type: POSITIONS, bytes: bytes(`1 ${eventText("a", NANO)}\n`), headers: { "tsd-event-position": `6.${NANO}` } },
  ]);
  assert.deepEqual(await namesOf(engine, "5"), ["a"]);
  const requested = engine.requests.map(({ query, headers }) => [query?.since, headers?.["Tsd-Events-After"]]);
  assert.deepEqual(requested, [["5", undefined], ["5", undefined]]);
});

Deno.test("events: with an engine of Docker a follower goes by times, and takes nothing twice", async () => {
  const engine = new MortalEngine([
    { bytes: bytes(`${eventText("a", NANO)}\n${eventText("b", NANO)}\n`) },
    { bytes: bytes(`${eventText("a", NANO)}\n${eventText("b", NANO)}\n${eventText("c", NANO)}\n`) },
  ]);
  assert.deepEqual(await namesOf(engine), ["a", "b", "c"]);
  assert.equal(engine.requests[1]?.query?.since, "1700000000.000000000");
});
