import { strict as assert } from "node:assert";
import fc from "fast-check";
import type { ProcessStdio } from "../runtime/stdio.ts";
import { settle } from "../async/clock_testing.ts";
import { type AttachOptions, attachStreams, type Duplex, frame } from "./streams.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (text: string) => new TextEncoder().encode(text);

/** Takes frames apart, as Docker's clients do. */
function framesOf(data: Uint8Array): [number, Uint8Array][] {
  const frames: [number, Uint8Array][] = [];
  for (let at = 0; at < data.length;) {
    const length = new DataView(data.buffer, data.byteOffset + at).getUint32(4);
    assert.deepEqual([...data.subarray(at + 1, at + 4)], [0, 0, 0]);
    frames.push([data[at]!, data.slice(at + 8, at + 8 + length)]);
    at += 8 + length;
  }
  return frames;
}

Deno.test("a frame says which stream and how long", () => {
  assert.deepEqual([...frame("stderr", bytes("hé"))], [2, 0, 0, 0, 0, 0, 0, 3, 0x68, 0xc3, 0xa9]);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 70_000 }), fc.boolean(), (payload, isError) => {
    const [[stream, found], ...more] = framesOf(frame(isError ? "stderr" : "stdout", payload)) as [
      [number, Uint8Array],
    ];
    assert.deepEqual(more, []);
    assert.equal(stream, isError ? 2 : 1);
    assert.deepEqual(found, Uint8Array.from(payload));
  }));
});

type Listener = Parameters<ProcessStdio["attach"]>[0];

/** Streams that do what the test says. */
class ScriptedIo {
  readonly input: string[] = [];
  readonly #over = new AbortController();
  listener: Listener | undefined;
  stdin: { write(bytes: Uint8Array): Promise<void>; close(): Promise<void> } | undefined = {
    write: (chunk) => Promise.resolve(void this.input.push(text(chunk))),
    close: () => Promise.resolve(void this.input.push("<end>")),
  };

  constructor(readonly tty = false) {}

  get over(): AbortSignal {
    return this.#over.signal;
  }

  attach(listener: Listener) {
    this.listener = listener;
    return Promise.resolve({ detach: () => this.listener = undefined });
  }

  end(): void {
    this.#over.abort();
  }

  get asProcessIo(): ProcessStdio {
    return this as unknown as ProcessStdio;
  }
}

function bench(
  options: Partial<AttachOptions> & {
    tty?: boolean;
    input?: string[];
    open?: boolean;
    noStdin?: boolean;
    leaving?: AbortSignal;
  } = {},
) {
  const io = new ScriptedIo(options.tty);
  if (options.noStdin) io.stdin = undefined;
  const written: Uint8Array[] = [];
  const removed = new AbortController();
  let cancelled = false;
  const given = (options.input ?? []).map(bytes).values();
  const client: Duplex = {
    input: new ReadableStream({
      pull(controller) {
        const { value, done } = given.next();
        if (done && options.open) return new Promise(() => {});
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => void (cancelled = true),
    }, { highWaterMark: 0 }),
    write: (chunk) => Promise.resolve(void written.push(chunk)),
    disconnected: removed.signal,
    ...options.leaving && { leaving: options.leaving },
  };
  const all: AttachOptions = {
    stdin: true,
    stdout: true,
    stderr: true,
    closeStdin: true,
    framed: !options.tty,
    ...options,
  };
  return {
    io,
    removed,
    running: attachStreams(io.asProcessIo, client, all),
    output: () => written.flatMap((chunk) => framesOf(chunk)).map(([id, payload]) => `${id} ${text(payload)}`),
    raw: () => written.map(text).join(""),
    wasCancelled: () => cancelled,
  };
}

Deno.test("output is framed, what was not asked for is left out, the end of output ends it", async () => {
  const all = bench();
  await settle();
  await all.io.listener?.("stdout", bytes("a"));
  await all.io.listener?.("stderr", bytes("b"));
  all.io.end();
  await all.running;
  assert.deepEqual(all.output(), ["1 a", "2 b"]);
  assert.equal(all.io.listener, undefined);
  const errors = bench({ stdout: false });
  await settle();
  await errors.io.listener?.("stdout", bytes("a"));
  await errors.io.listener?.("stderr", bytes("b"));
  errors.io.end();
  await errors.running;
  assert.deepEqual(errors.output(), ["2 b"]);
});

Deno.test("a terminal's output is not framed", async () => {
  const terminal = bench({ tty: true, open: true });
  await settle();
  await terminal.io.listener?.("stdout", bytes("plain"));
  terminal.io.end();
  assert.equal(await terminal.running, "ended");
  assert.equal(terminal.raw(), "plain");
});

Deno.test("a client may want a terminal's output framed, or none of it", async () => {
  for (const stdout of [true, false]) {
    const it = bench({ tty: true, open: true, framed: true, stdout });
    await settle();
    await it.io.listener?.("stdout", bytes("x"));
    it.io.end();
    await it.running;
    assert.deepEqual(it.output(), stdout ? ["1 x"] : []);
  }
});

Deno.test("detach keys end the connection to a terminal; what stands before them is passed on", async () => {
  const standard = bench({ tty: true, open: true, input: ["a\x10b\x10", "\x11never"] });
  assert.equal(await standard.running, "detached");
  assert.equal(standard.io.input.join(""), "a\x10b");
  assert.equal(standard.io.listener, undefined);
  const own = bench({ tty: true, open: true, input: ["\x10\x11x", "yz"], detachKeys: bytes("xy") });
  assert.equal(await own.running, "detached");
  assert.equal(own.io.input.join(""), "\x10\x11");
  const noTerminal = bench({ input: ["\x10\x11"] });
  await settle();
  await settle();
  noTerminal.io.end();
  assert.equal(await noTerminal.running, "ended");
  assert.deepEqual(noTerminal.io.input, ["\x10\x11", "<end>"]);
});

Deno.test("the end of a client's input isn't a terminal's: it ends the connection, and passes on what was held back", async () => {
  const it = bench({ tty: true, input: ["ls\n\x10"] });
  assert.equal(await it.running, "input_ended");
  assert.equal(it.io.input.join(""), "ls\n\x10");
});

Deno.test("earlier output comes first; the process is started when the client misses nothing more", async () => {
  const order: string[] = [];
  const early = ReadableStream.from([frame("stdout", bytes("early"))]);
  const it = bench({
    before: early,
    onAttached: () => {
      order.push(...it.output());
      return Promise.resolve();
    },
  });
  await settle();
  it.io.end();
  await it.running;
  assert.deepEqual(order, ["1 early"]);
});

Deno.test("input goes to the process, and its end only if that is wanted", async () => {
  for (const closeStdin of [true, false]) {
    const it = bench({ input: ["one", "two"], closeStdin });
    await settle();
    await settle();
    it.io.end();
    assert.equal(await it.running, closeStdin ? "ended" : "input_ended");
    assert.deepEqual(it.io.input, closeStdin ? ["one", "two", "<end>"] : ["one", "two"]);
  }
});

Deno.test("input that nobody reads is left alone", async () => {
  for (const options of [{ stdin: false }, { noStdin: true }]) {
    const it = bench({ input: ["one"], ...options });
    await settle();
    it.io.end();
    await it.running;
    assert.deepEqual(it.io.input, []);
    assert.equal(it.wasCancelled(), true);
  }
});

Deno.test("a client that goes away detaches, and the process goes on", async () => {
  const it = bench();
  await settle();
  it.removed.abort();
  await it.running;
  assert.equal(it.io.listener, undefined);
});

Deno.test("an attachment that is over listens to nothing any more", async () => {
  const leaving = new AbortController();
  for (const end of ["ended", "gone"]) {
    const it = bench({ open: true, leaving: leaving.signal });
    const listeners = [it.io.over, it.removed.signal, leaving.signal].map(countedListeners);
    await settle();
    assert.deepEqual(listeners.map(({ count }) => count), [1, 1, 1]);
    if (end === "ended") it.io.end();
    else it.removed.abort();
    assert.equal(await it.running, end);
    assert.deepEqual(listeners.map(({ count }) => count), [0, 0, 0]);
  }
});

/** Counts who listens to a signal from now on. */
function countedListeners(signal: AbortSignal): { count: number } {
  const counted = { count: 0 };
  const { addEventListener: add, removeEventListener: remove } = signal;
  signal.addEventListener = (...given: [string, EventListener]) => {
    counted.count++;
    add.apply(signal, given);
  };
  signal.removeEventListener = (...given: [string, EventListener]) => {
    counted.count--;
    remove.apply(signal, given);
  };
  return counted;
}
