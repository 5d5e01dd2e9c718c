/**
 * @module
 * Further processes in running containers. An exec is made, started once, and remembered for a while after its end, so
 * that its exit code can be asked for.
 */
import type { ExecCreateRequest, ExecInspect } from "../../api_types/mod.ts";
import { toTsdError, TsdError } from "../../errors.ts";
import { parseDetachKeys } from "../../io/detach_keys.ts";
import type { Log } from "../../log.ts";
import type { HookBus } from "../../plugins/mod.ts";
import type { HeldFds } from "../../runtime/fd_holder.ts";
import type { ProcessStdio, TerminalSize } from "../../runtime/stdio.ts";
import { type Container, refuseRestarting } from "../model/container.ts";
import { containerContext } from "../model/hook_payloads.ts";
import type { ContainerTable } from "../model/container_table.ts";
import { randomId } from "../model/names.ts";
import { consoleSize } from "../containers/container_spec.ts";
import type { ContainerEvents } from "../events/container_events.ts";
import type { Attributes } from "../events/event.ts";
import { type AttachOptions, attachStreams, type Duplex, frame } from "../streams.ts";
import { type Exec, type ExecNote, inspectExec, noteOf } from "./exec.ts";
import type { OrphanedExec } from "./exec_restore.ts";
import type { ExecStarter } from "./exec_launcher.ts";
import { ExecRecords } from "./exec_records.ts";
import type { ContainerExecs } from "../containers/dependents.ts";

/** Children of the process may hold its output open; this is how long they are listened to after its end, in ms. */
const OUTPUT_GRACE_MS = 500;
const UNKNOWN_EXIT_CODE = -1;
/** How long the client of a former engine is waited for, in ms: longer than it waits for this one (src/client/reconnect.ts). */
const AWAITED_MS = 12_000;
/** How long a request about an exec waits for its start, in ms; Docker's. */
const START_LIMIT_MS = 10_000;

/** A command that has been started in a container. */
export interface RunningExec {
  /** On this machine. */
  readonly pid: number;
  /** False from when on its pid may be another's. */
  isRunning(): boolean;
  /** Resolves when it and its output have ended. */
  readonly exitCode: Promise<number>;
}

interface ClaimOptions {
  readonly framed: boolean;
  readonly size?: TerminalSize | undefined;
  readonly reportsExitCode?: boolean;
}

export interface ExecServiceDeps {
  readonly table: ContainerTable;
  readonly launcher: ExecStarter;
  readonly log: Log;
  readonly events: ContainerEvents;
  readonly hooks: Pick<HookBus, "callSequential">;
  /** Default {@link AWAITED_MS}. */
  readonly awaitedMs?: number;
}

/** See the module's comment. */
export class ExecService implements ContainerExecs {
  readonly #deps: ExecServiceDeps;
  readonly #execs = new ExecRecords();

  constructor(deps: ExecServiceDeps) {
    this.#deps = deps;
  }

  /** What somebody asks for; plugins may refuse it. @throws {TsdError} as `create`; permission_denied */
  async createFor(nameOrId: string, request: ExecCreateRequest): Promise<string> {
    const container = this.#deps.table.find(nameOrId);
    await this.#deps.hooks.callSequential("container.exec", () => ({
      ...containerContext(container),
      ...{ command: request.Cmd ?? [], user: request.User ?? "", workingDir: request.WorkingDir ?? "" },
      ...{ tty: request.Tty ?? false, privileged: request.Privileged ?? false },
    }));
    return this.create(nameOrId, request);
  }

  /** @throws {TsdError} container_not_found, not_running, invalid_argument, not_implemented */
  create(nameOrId: string, request: ExecCreateRequest): string {
    const container = this.#deps.table.find(nameOrId);
    refuseRestarting(container, nameOrId);
    if (!container.isRunning) throw new TsdError("conflict", `container ${container.id} is not running`);
    refusePaused(container, nameOrId);
    const command = request.Cmd ?? [];
    if (command.length === 0) throw new TsdError("invalid_argument", "No exec command specified");
    const exec: Exec = {
      id: randomId(),
      container,
      request: { ...request, Cmd: command },
      detachKeys: request.DetachKeys ? parseDetachKeys(request.DetachKeys) : undefined,
      size: consoleSize(request.ConsoleSize),
      status: "created",
      pid: 0,
      startTicks: "",
      exitCode: null,
      output: false,
      isOver: false,
      isAwaited: false,
      io: Promise.withResolvers(),
    };
    this.#execs.add(exec);
    this.#tell(exec, "exec_create");
    return exec.id;
  }

  /** Starts it without streams and returns once it runs. */
  async startDetached(id: string, size?: TerminalSize): Promise<void> {
    const exec = this.#claim(id, size);
    const io = this.#deps.launcher.newIo(exec, false);
    await this.#start(exec, io);
  }

  /**
   * Checks that it can be started, and marks it, so that a second start is refused. `framed`: the client wants to be told
   * which stream its output is of; `reportsExitCode`: and, in a last frame, the exit code.
   * @throws {TsdError} exec_not_found, conflict
   */
  claim(id: string, { framed, size, reportsExitCode = false }: ClaimOptions) {
    const exec = this.#claim(id, size);
    return async (client: Duplex) => {
      await this.#runAttached(exec, client, framed);
      if (!reportsExitCode || exec.exitCode === null) return;
      await client.write(frame("exitCode", new TextEncoder().encode(String(exec.exitCode))));
    };
  }

  /**
   * Runs a command for the engine itself: without input, its output as it comes. Resolves once it runs.
   * @throws {TsdError} as `create`, and what keeps it from starting
   */
  async run(nameOrId: string, request: ExecCreateRequest, output: (bytes: Uint8Array) => void): Promise<RunningExec> {
    const exec = this.#claim(this.create(nameOrId, request));
    const io = this.#deps.launcher.newIo(exec, true);
    const attachment = await io.attach((_stream, bytes) => Promise.resolve(output(bytes)));
    const ended = io.ended.then(() => {
      attachment.detach();
      this.#execs.remove(exec);
    });
    await this.#start(exec, io);
    return {
      pid: exec.pid,
      isRunning: () => exec.status === "running",
      exitCode: ended.then(() => exec.exitCode ?? UNKNOWN_EXIT_CODE),
    };
  }

  /** @throws {TsdError} exec_not_found */
  inspect(id: string): ExecInspect {
    return inspectExec(this.#execs.find(id));
  }

  /** Sets its terminal's size. One that isn't started yet is waited for, as in Docker. @throws {TsdError} exec_not_found, conflict, timeout */
  async resize(id: string, size: TerminalSize): Promise<void> {
    const exec = this.#execs.find(id);
    const { io, status } = exec;
    if (status === "ended" || io === undefined) throw new TsdError("conflict", `exec ${id} is not running`);
    const expired = Promise.withResolvers<never>();
    const late = () => expired.reject(new TsdError("invalid_argument", "timeout waiting for exec session ready"));
    const timer = setTimeout(late, START_LIMIT_MS);
    try {
      (await Promise.race([io.promise, expired.promise])).resize(size);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * For a client that was cut off when its engine went away: the streams of an exec that is running, once.
   * @throws {TsdError} exec_not_found, conflict
   */
  reattach(id: string): { readonly tty: boolean; run(client: Duplex): Promise<void> } {
    const exec = this.#execs.find(id);
    if (!exec.isAwaited) throw new TsdError("conflict", `exec ${id} waits for no client`);
    exec.isAwaited = false;
    const { io, request: { Tty: tty = false } } = exec;
    // Where it is over, nothing is left to be said.
    const run = async (client: Duplex) => {
      if (io !== undefined) await this.#attach(exec, await io.promise, client, { framed: !tty });
    };
    return { tty, run };
  }

  /** What the engine that this one becomes has to know. */
  get notes(): readonly ExecNote[] {
    return this.#execs.all.map(noteOf);
  }

  /** Descriptors of the streams of those that run, by exec; still owned here. */
  async heldFds(): Promise<Readonly<Record<string, HeldFds<number>>>> {
    const running = this.#execs.all.filter(({ isOver, pid }) => pid > 0 && !isOver);
    return Object.fromEntries(
      await Promise.all(running.flatMap(({ id, io }) => io === undefined ? [] : [heldBy(id, io.promise)])),
    );
  }

  /** One of a former engine that doesn't run: it can still be asked for, for a while. `isNews`: nobody was told of its end. */
  remember(note: ExecNote, { isNews }: { readonly isNews: boolean }): void {
    const exec = this.#restored(note);
    if (exec === undefined) return;
    if (isNews) this.#reportEnd(exec);
    this.#execs.removeLater(exec);
  }

  /** One of a former engine that runs. */
  async takeUp({ note, streams, exit, kept }: OrphanedExec): Promise<void> {
    const exec = this.#restored(note);
    if (exec === undefined) {
      for (const fd of Object.values(streams)) fd?.close();
      return void exit.finally(() => kept?.pidFd.close());
    }
    exec.isAwaited = true;
    const io = this.#deps.launcher.newIo(exec, note.output);
    await io.reopen(streams).catch((thrown) => {
      this.#deps.log.warn("an exec's streams can't be taken up again", { exec: note.id, error: String(thrown) });
    });
    if (kept !== undefined) this.#deps.launcher.restore(exec, io, kept.pidFd, kept.fdHolder);
    void exit.then((exitCode) => this.#ended(exec, io, exitCode));
    const { awaitedMs = AWAITED_MS } = this.#deps;
    Deno.unrefTimer(setTimeout(() => this.#giveUpWaiting(exec, io), awaitedMs));
  }

  /**
   * Whoever talked to it has gone for good, as a client of docker's does at once: it reads the end of its input then, as if
   * its client had gone while there was an engine. A terminal has no such end, and stays, as with Docker.
   */
  #giveUpWaiting(exec: Exec, io: ProcessStdio): void {
    if (!exec.isAwaited) return;
    exec.isAwaited = false;
    if (!io.tty) void io.stdin?.close();
  }

  #restored({ containerId, request, ...note }: ExecNote): Exec | undefined {
    if (!this.#deps.table.has(containerId)) return undefined;
    const exec: Exec = {
      ...note,
      request,
      container: this.#deps.table.find(containerId),
      detachKeys: request.DetachKeys ? parseDetachKeys(request.DetachKeys) : undefined,
      size: undefined,
      isAwaited: false,
      io: Promise.withResolvers(),
    };
    this.#execs.add(exec);
    return exec;
  }

  /** Execs of one container, as its inspect lists them. */
  idsOf(container: Container): string[] {
    return this.#execs.all.filter((exec) => exec.container === container && exec.status === "running")
      .map(({ id }) => id);
  }

  /** A container is gone. */
  containerRemoved(container: Container): void {
    this.#execs.removeUnstarted(container);
  }

  #tell(exec: Exec, action: "exec_create" | "exec_start" | "exec_detach" | "exec_die", more: Attributes = {}): void {
    // Docker puts a blank behind the program, also where no arguments follow.
    const [program, ...args] = exec.request.Cmd;
    const detail = action === "exec_die" || action === "exec_detach" ? {} : { detail: `${program} ${args.join(" ")}` };
    this.#deps.events.emit(exec.container, action, { ...detail, attributes: { execID: exec.id, ...more } });
  }

  #reportEnd(exec: Exec): void {
    this.#tell(exec, "exec_die", { exitCode: String(exec.exitCode ?? UNKNOWN_EXIT_CODE) });
  }

  #claim(id: string, size?: TerminalSize): Exec {
    const exec = this.#execs.find(id);
    if (exec.status !== "created") {
      throw new TsdError("conflict", `exec ${id} has been started already`);
    }
    exec.container.running();
    refusePaused(exec.container, exec.container.id);
    exec.status = "running";
    exec.size = size ?? exec.size;
    this.#tell(exec, "exec_start");
    return exec;
  }

  async #runAttached(exec: Exec, client: Duplex, framed: boolean): Promise<void> {
    const { AttachStdout: stdout = false, AttachStderr: stderr = false } = exec.request;
    const io = this.#deps.launcher.newIo(exec, stdout || stderr);
    await this.#attach(exec, io, client, {
      framed,
      onAttached: async () => {
        try {
          await this.#start(exec, io);
        } catch (thrown) {
          // The head has gone out; Docker too says it in the stream, and the exit code tells the client.
          const message = new TextEncoder().encode(`${toTsdError(thrown).message}\r\n`);
          await client.write(framed ? frame("stdout", message) : message);
        }
      },
    });
  }

  async #attach(exec: Exec, io: ProcessStdio, client: Duplex, options: Pick<AttachOptions, "framed" | "onAttached">) {
    const { AttachStdin: stdin = false, AttachStdout: stdout = false, AttachStderr: stderr = false } = exec.request;
    const { detachKeys } = exec;
    const end = await attachStreams(io, client, { stdin, stdout, stderr, closeStdin: true, detachKeys, ...options });
    if (end === "detached") this.#tell(exec, "exec_detach");
  }

  #start(exec: Exec, io: ProcessStdio): Promise<void> {
    return this.#deps.launcher.start(exec, io, (exitCode, neverRan) => this.#ended(exec, io, exitCode, neverRan));
  }

  async #ended(exec: Exec, io: ProcessStdio, exitCode: number | null, neverRan = false): Promise<void> {
    // The exit code comes first: a client asks for it as soon as its stream ends.
    const isNews = exec.status !== "ended";
    exec.exitCode = exitCode;
    exec.status = "ended";
    if (isNews && !neverRan) this.#reportEnd(exec);
    if (neverRan) await io.discard();
    else await io.finish(OUTPUT_GRACE_MS);
    this.#deps.launcher.letGo(exec);
    exec.isOver = true;
    await Deno.remove(this.#deps.launcher.dirOf(exec), { recursive: true }).catch((thrown) => {
      if (!(thrown instanceof Deno.errors.NotFound)) {
        this.#deps.log.warn("an exec left files", { error: String(thrown) });
      }
    });
    this.#execs.removeLater(exec);
  }
}

const heldBy = async (id: string, io: Promise<ProcessStdio>) => [id, (await io).heldFds()] as const;

/** @throws {TsdError} conflict, with Docker's text */
function refusePaused({ isPaused }: Container, nameOrId: string): void {
  if (isPaused) throw new TsdError("conflict", `Container ${nameOrId} is paused, unpause the container before exec`);
}
