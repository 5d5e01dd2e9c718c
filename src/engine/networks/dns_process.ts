/**
 * @module
 * The process that answers for names (`src/network/dns/serve_names.ts`), as the engine sees it: found where a former engine left
 * it, started where there is none. One of another version is replaced: it stops when the new one is ready.
 */
import { BUILD_INFO } from "../../build_info.ts";
import { toTsdError, TsdError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { messagesFrom, type NameReply, type NameRequest, toLine } from "../../network/dns/control.ts";
import { NameServer } from "../../network/dns/name_server.ts";
import type { Reaper } from "../../runtime/reaper.ts";
import { O, type ProcessCalls } from "../../sys/mod.ts";
import { namesIn } from "../directories.ts";
import type { EnginePaths } from "../paths.ts";
import type { DnsChannel } from "./embedded_dns.ts";

/** How long it may take to come up, and to do what it is told, in ms. */
const LIMIT_MS = 10_000;
const POLL_MS = 2;
/** Names of sockets, which tell the versions apart. */
const SOCKET = /^names-.*\.sock$/;
const OWN_SOCKET = `names-${BUILD_INFO.version}-${BUILD_INFO.gitCommit}.sock`;

/** The program to run, and its environment. */
export interface SelfProgram {
  /** Absolute path, and arguments before the command's. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface DnsProcessDeps {
  readonly paths: Pick<EnginePaths, "runDir">;
  readonly program: SelfProgram;
  readonly processes: Pick<ProcessCalls, "spawn">;
  readonly exits: Pick<Reaper, "spawned">;
  readonly log: Log;
}

/** See the module's comment. */
export class DnsProcess {
  readonly #deps: DnsProcessDeps;

  constructor(deps: DnsProcessDeps) {
    this.#deps = deps;
  }

  /** A way to it; undefined where there is none and none is wanted. @throws {TsdError} runtime_failed, timeout */
  async open(start: boolean): Promise<DnsChannel | undefined> {
    const path = `${this.#deps.paths.runDir}/${OWN_SOCKET}`;
    const channel = await connect(path) ?? (start ? await this.#start(path) : undefined);
    await this.#endOthers();
    return channel;
  }

  async #start(path: string): Promise<DnsChannel> {
    const { program: { words: [program = "", ...words], env }, processes, exits, paths } = this.#deps;
    const log = `${paths.runDir}/names.log`;
    const pid = processes.spawn({
      path: program,
      argv: [program, ...words, "daemon", "--names", path],
      env,
      cwd: "/",
      stdio: [
        { target: 0, path: "/dev/null", flags: O.RDONLY },
        { target: 1, path: "/dev/null", flags: O.WRONLY },
        { target: 2, path: log, flags: O.WRONLY | O.CREAT | O.TRUNC, mode: 0o640 },
      ],
    });
    let exitCode: number | undefined;
    void exits.spawned(pid).then((exit) => exitCode = exit.exitCode);
    for (const deadline = performance.now() + LIMIT_MS;;) {
      const channel = await connect(path);
      if (channel !== undefined) return channel;
      if (exitCode !== undefined) {
        throw new TsdError("runtime_failed", `Cannot answer for names: it ended with ${exitCode}; see ${log}`);
      }
      if (performance.now() > deadline) {
        throw new TsdError("timeout", `Cannot answer for names: nothing came within ${LIMIT_MS / 1000} s; see ${log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Those of other versions make room. */
  async #endOthers(): Promise<void> {
    const { paths: { runDir }, log } = this.#deps;
    for (const name of await namesIn(runDir)) {
      if (!SOCKET.test(name) || name === OWN_SOCKET) continue;
      try {
        const other = await connect(`${runDir}/${name}`);
        await other?.request({ end: true });
        other?.close();
        await removeIfExists(`${runDir}/${name}`);
      } catch (thrown) {
        log.warn("a process of another version answers for names", { error: toTsdError(thrown).message });
      }
    }
  }
}

/** Undefined: nobody is there. */
async function connect(path: string): Promise<DnsChannel | undefined> {
  try {
    const channel = channelOf(await Deno.connect({ transport: "unix", path }));
    // The process itself may not remove its socket.
    const request = async (what: NameRequest) => {
      const reply = await channel.request(what);
      if ("end" in what) await removeIfExists(path);
      return reply;
    };
    return { ...channel, request };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.ConnectionRefused) return undefined;
    throw thrown;
  }
}

function channelOf(connection: Deno.UnixConn): DnsChannel {
  const waiting: PromiseWithResolvers<NameReply>[] = [];
  const removed = new TsdError("runtime_failed", "Whoever answers for names has gone");
  const read = async () => {
    for await (const reply of messagesFrom<NameReply>(connection.readable)) waiting.shift()?.resolve(reply);
  };
  const end = () => {
    for (const each of waiting.splice(0)) each.reject(removed);
  };
  // Whatever ends the reading ends the channel.
  const closed = read().then(end, end);
  return {
    closed,
    close() {
      try {
        connection.close();
      } catch (thrown) {
        // The end of what is read from it closes it too.
        if (!(thrown instanceof Deno.errors.BadResource)) throw thrown;
      }
    },
    async request(request: NameRequest) {
      const reply = Promise.withResolvers<NameReply>();
      waiting.push(reply);
      const late = new TsdError("timeout", `Whoever answers for names said nothing for ${LIMIT_MS / 1000} s`);
      const timer = setTimeout(() => reply.reject(late), LIMIT_MS);
      try {
        await write(connection, toLine(request));
        return await reply.promise;
      } catch (thrown) {
        throw thrown instanceof TsdError ? thrown : removed;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

async function removeIfExists(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

async function write(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** For an engine that is part of another program, and can't start itself as a process: names end with it. */
export function selfNames(log: Log): (start: boolean) => Promise<DnsChannel | undefined> {
  let server: NameServer | undefined;
  return (start) => {
    if (server === undefined && !start) return Promise.resolve(undefined);
    const own = server ??= new NameServer({ log });
    return Promise.resolve({
      closed: new Promise<void>(() => {}),
      close: () => {},
      request: async (request: NameRequest) => ({
        troubles: "end" in request ? await own[Symbol.asyncDispose]().then(() => []) : await own.update(request.table),
      }),
    });
  };
}
