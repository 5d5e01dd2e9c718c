/**
 * @module
 * The plugin host process (`tsd plugin-host`): loads one plugin's file and calls its handlers as the engine requests.
 * It is started with exactly the permissions that the plugin was granted; its resources are limited from outside.
 * Standard output carries the protocol, so what the plugin writes to the console goes to its log.
 */
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { concatenated } from "../../io/streams.ts";
import { deepFreeze } from "../frozen.ts";
import { HOST_WORKER } from "./confinement.ts";
import { encodeFrame, FrameReader } from "./frames.ts";
import {
  FROM_HOST_BYTES,
  type FromHost,
  LOG_LEVELS,
  type PluginLogLevel,
  TO_HOST_BYTES,
  type ToHost,
} from "./messages.ts";
import { type LoadedPlugin, loadPlugin } from "./loading.ts";
import { RemoteStorage } from "./remote_storage.ts";

/** Fraction of a hook's deadline after which the signal is aborted; at the deadline itself the process is killed. */
const SIGNAL_SHARE = 0.9;
/** Maximum length of a line in the plugin's log, in characters. */
const LINE_LENGTH = 8192;

/** Calls the plugin's handlers, concurrently if the engine requests so. */
class Host {
  readonly #send: (message: FromHost) => void;
  readonly #storage: RemoteStorage;
  #plugin: LoadedPlugin | undefined;
  #file = "";
  #config: unknown;
  readonly #logs = Object.freeze(
    Object.fromEntries(
      LOG_LEVELS.map((level) => [level, (...values: unknown[]) => this.log(level, ...values)]),
    ),
  );

  constructor(send: (message: FromHost) => void) {
    this.#send = send;
    this.#storage = new RemoteStorage(send);
  }

  /** Starts the work that a message requests. The answer is sent when it is done. */
  receive(message: ToHost): void {
    if (message.kind === "stored") return this.#storage.answered(message);
    const { id } = message;
    const work = message.kind === "load" ? this.#load(message) : this.#call(message);
    work.then(this.#send, (thrown) => this.#send({ kind: "thrown", id, message: textOf(thrown, this.#file) }));
  }

  log(level: PluginLogLevel, ...values: readonly unknown[]): void {
    const message = values.map((value) => typeof value === "string" ? value : inspect(value)).join(" ");
    this.#send({ kind: "log", level, message: message.slice(0, LINE_LENGTH) });
  }

  async #load({ id, file, config }: ToHost & { kind: "load" }): Promise<FromHost> {
    this.#plugin = await loadPlugin(file, (level, line) => this.log(level, line));
    this.#config = deepFreeze(config);
    this.#file = file;
    return { kind: "loaded", id, manifest: this.#plugin.manifest };
  }

  async #call({ id, hook, context, withinMs }: ToHost & { kind: "call" }): Promise<FromHost> {
    const handler = this.#plugin?.handlers.get(hook);
    if (handler === undefined) throw new Error(`there is no handler for ${hook}`);
    let signal: AbortSignal | undefined;
    const startedMs = performance.now();
    const tools = {
      config: this.#config,
      storage: this.#storage,
      log: this.#logs,
      // Created on demand: few handlers use it, and a timer for each call costs more than most handlers.
      get signal() {
        return signal ??= AbortSignal.timeout(Math.max(withinMs * SIGNAL_SHARE - (performance.now() - startedMs), 0));
      },
    };
    const value = await handler(deepFreeze(context), Object.freeze(tools));
    return { kind: "answer", id, value };
  }
}

/**
 * Returns a function that writes messages. Answers of one event loop turn are written together, which wakes the engine
 * once. All other messages are written at once, in order.
 */
function sender(output: { writeSync(bytes: Uint8Array): number }): (message: FromHost) => void {
  let pending: Uint8Array[] = [];
  const flush = () => {
    const bytes = concatenated(pending);
    pending = [];
    for (let at = 0; at < bytes.length;) at += output.writeSync(bytes.subarray(at));
  };
  return (message) => {
    pending.push(encodeFrame(message, FROM_HOST_BYTES));
    if (message.kind !== "answer") flush();
    // After the other handlers' answers of this turn.
    else if (pending.length === 1) queueMicrotask(flush);
  };
}

/** Runs the host until the engine closes the connection. */
export async function runHost(input: ReadableStream<Uint8Array>, output: { writeSync(bytes: Uint8Array): number }) {
  const send = sender(output);
  const host = new Host((message) => {
    try {
      send(message);
    } catch (thrown) {
      // An answer that can't be sent (too long, or not JSON) is a failed call. Other failures can't be reported to
      // anyone.
      if (message.kind !== "answer" && message.kind !== "loaded") throw thrown;
      send({ kind: "thrown", id: message.id, message: textOf(thrown) });
    }
  });
  const levels = { debug: "debug", log: "info", info: "info", warn: "warn", error: "error" } as const;
  for (const [name, level] of Object.entries(levels)) {
    Object.assign(globalThis.console, { [name]: (...values: unknown[]) => host.log(level, ...values) });
  }
  const reader = new FrameReader(TO_HOST_BYTES);
  for await (const chunk of input) for (const message of reader.push(chunk)) host.receive(message as ToHost);
}

/** Formats a value in one line. */
const inspect = (value: unknown): string => Deno.inspect(value, { compact: true, breakLength: Infinity });

/** Returns the error's message, with the position in the plugin's file where it was thrown. */
function textOf(thrown: unknown, file = ""): string {
  if (!(thrown instanceof Error)) return String(thrown).slice(0, LINE_LENGTH);
  const message = (thrown.message || thrown.name).slice(0, LINE_LENGTH);
  const url = file && pathToFileURL(file).href;
  const frame = url && thrown.stack?.split("\n").find((line) => line.includes(`${url}:`));
  const position = frame && /:\d+:\d+/.exec(frame.slice(frame.indexOf(url) + url.length))?.[0];
  return position ? `${message} (${basename(file)}${position})` : message;
}

// A process that flags can't confine runs this module in a Worker (see `confinement.ts`).
const { name: workerName, postMessage } = globalThis as { name?: string; postMessage?: (message: unknown) => void };
const isWorker = workerName === HOST_WORKER;
if (import.meta.main || isWorker) {
  await runHost(Deno.stdin.readable, Deno.stdout);
  // The engine has closed the connection; pending work of the plugin must not keep this process alive.
  if (isWorker) postMessage!("over");
  else Deno.exit(0);
}
