/**
 * @module
 * Starting a container by the request that attaches to it: `POST /containers/{id}/attach` with the header `Tsd-Start`,
 * whose value is the condition of `POST /containers/{id}/wait`. One request replaces three. The response has the header
 * `Tsd-Started`, and the stream ends with a frame that contains the exit code.
 */
import type { Container } from "../../engine/model/container.ts";
import { type AttachOptions, attachStreams, type Duplex, frame } from "../../engine/streams.ts";
import { TsdError } from "../../errors.ts";
import type { HijackedConnection, Reply } from "../http/reply.ts";
import type { ApiRequest } from "../http/route.ts";
import type { Engine } from "../../engine/mod.ts";
import type { WaitCondition } from "../../api_types/mod.ts";

/** The request header that enables it. */
export const START_TOO = "tsd-start";

/** How long to wait for the removal of a container that failed to start, in ms, so that its name is free afterwards. */
const REMOVAL_LIMIT_MS = 5000;

const WAIT_CONDITIONS: readonly WaitCondition[] = ["not-running", "next-exit", "removed"];
const isWaitCondition = (text: string): text is WaitCondition => (WAIT_CONDITIONS as readonly string[]).includes(text);

/**
 * Parses a wait condition.
 * @throws {TsdError} invalid_argument, with Docker's message
 */
export function parseCondition(text: string): WaitCondition {
  if (isWaitCondition(text)) return text;
  throw new TsdError("invalid_argument", `invalid condition: ${JSON.stringify(text)}`);
}

/**
 * Attaches, then starts the container. Returns the parts of the reply once it runs.
 * @throws {TsdError} if the container can't be started
 */
export async function startAttached(
  { containers: { service: containers } }: Engine,
  { signal }: Pick<ApiRequest, "signal">,
  container: Container,
  condition: WaitCondition,
  options: AttachOptions,
): Promise<Pick<Extract<Reply, { kind: "hijack" }>, "headers" | "run">> {
  const client = new PendingClient(signal);
  const exit = containers.wait(container.id, condition, signal);
  exit.catch(() => undefined); // Awaited below.
  const started = Promise.withResolvers<void>();
  const onAttached = async () => {
    await containers.start(container.id);
    started.resolve();
    await client.connected;
  };
  const session = attachStreams(containers.io(container), client, { ...options, onAttached });
  session.catch(started.reject);
  try {
    await started.promise;
  } catch (thrown) {
    if (condition === "removed") await settledWithin(exit, REMOVAL_LIMIT_MS);
    throw thrown;
  }
  const run = async (connection: HijackedConnection) => {
    client.connect(connection);
    const end = await session;
    // A client whose input has ended gets no further output, but still waits for the exit.
    if (end !== "ended" && end !== "input_ended") return;
    const { exitCode, error } = await exit;
    const [stream, text] = error === undefined
      ? ["exitCode", String(exitCode)] as const
      : ["systemError", error] as const;
    await connection.write(frame(stream, new TextEncoder().encode(text)));
  };
  return { headers: { "Tsd-Started": "1" }, run };
}

async function settledWithin(work: Promise<unknown>, limitMs: number): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, limitMs);
  await Promise.race([work.then(() => undefined, () => undefined), limit.promise]);
  clearTimeout(timer);
}

/** A client whose connection exists only after the response's head was sent. Output waits for it. */
class PendingClient implements Duplex {
  /** Undefined: the client disconnected before. */
  readonly #connection = Promise.withResolvers<HijackedConnection | undefined>();
  #connected: HijackedConnection | undefined;

  constructor(readonly disconnected: AbortSignal) {
    disconnected.addEventListener("abort", () => this.#connection.resolve(undefined), { once: true });
  }

  get connected(): Promise<unknown> {
    return this.#connection.promise;
  }

  connect(connection: HijackedConnection): void {
    this.#connected = connection;
    this.#connection.resolve(connection);
  }

  get input(): Promise<ReadableStream<Uint8Array>> {
    return this.#connection.promise.then((connection) => connection?.input ?? ReadableStream.from([]));
  }

  async write(bytes: Uint8Array): Promise<void> {
    await (await this.#connection.promise)?.write(bytes);
  }

  get leaving(): AbortSignal | undefined {
    return this.#connected?.leaving;
  }

  endOutput(): void {
    this.#connected?.endOutput();
  }
}
