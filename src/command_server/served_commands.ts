/**
 * @module
 * Commands that the engine runs for shell clients in a slot: the client's own code on the client's streams, so that no
 * second program has to be started. Commands that need their own process are left to the client.
 */
import {
  type Command,
  type CommandHost,
  type CommandRow,
  defaultExitCode,
  dispatch,
  type FlagValue,
  NeedsProcessError,
  type Terminal,
} from "../cli/mod.ts";
import type { InProcessApi } from "../api/http/in_process_api.ts";
import { connectionLost } from "../client/byte_reader.ts";
import { Client } from "../client/client.ts";
import { chooseHost } from "../client/host.ts";
import type { CommandContext } from "../commands/context.ts";
import { tsdProgram } from "../commands/main.ts";
import type { Log } from "../log.ts";
import type { Epoll } from "../sys/mod.ts";
import { type Call, ShellClient } from "./shell_client.ts";
import { ClientTerminal, type Notify } from "./client_terminal.ts";
import { InProcessTransport } from "./in_process_transport.ts";
import { type ClientLine, type Slot, Slots } from "./slots.ts";

/**
 * Interval at which a client that handles signals is woken, in ms: a shell may miss one just before it begins to read.
 */
const WAKE_UP_MS = 500;
/** How long commands may take at shutdown to notice it and to write to slow clients, in ms. */
const SETTLE_LIMIT_MS = 2_000;
const POLL_MS = 2;
/** Exit code of a command whose error could not be written, as for a separate process. */
const FAILED_EXIT = 1;

export interface ServedCommandsOptions {
  readonly dir: string;
  readonly api: InProcessApi;
  /** Path of this engine's socket. */
  readonly socketPath: string;
  /** The build that clients must have. */
  readonly build: string;
  readonly epoll: Pick<Epoll, "add" | "remove">;
  readonly log: Log;
}

/** Runs commands for shell clients. */
export class ServedCommands implements AsyncDisposable {
  readonly #options: ServedCommandsOptions;
  readonly #slots: Slots;
  readonly #active = new Map<ShellClient, ClientTerminal>();
  /** Clients by slot, until they exit, also those that were answered or refused. */
  readonly #waiting = new Map<Slot, ShellClient>();
  #leaving = false;

  /**
   * Creates the directory.
   * @throws Error of the file system
   */
  constructor(options: ServedCommandsOptions) {
    this.#options = options;
    this.#slots = new Slots(options.dir, options.epoll, (line) => this.#line(line));
  }

  /** Starts no further commands. Those in progress are left to their clients at their next request to the engine. */
  leave(): void {
    this.#leaving = true;
  }

  /** Number of commands in progress. */
  get active(): number {
    return this.#active.size;
  }

  /** Closes the slots. Clients whose command has not finished read the end of their FIFO. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.leave();
    const deadline = Date.now() + SETTLE_LIMIT_MS;
    while (this.#active.size > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    this.#slots[Symbol.dispose]();
    for (const client of this.#waiting.values()) client[Symbol.dispose]();
  }

  #line(line: ClientLine): void {
    if (line.kind === "full") return this.#sweep();
    const { slot, pid } = line;
    if (line.kind === "call") return void this.#serve(line);
    if (line.kind === "left") return slot.takenBy === pid ? this.#free(slot) : undefined;
    const client = this.#waiting.get(slot);
    if (client?.pid === pid) this.#active.get(client)?.signalled(line.signal);
  }

  /** Frees slots whose clients exited before they sent a call. */
  #sweep(): void {
    for (const slot of this.#slots.all) {
      if (!this.#waiting.has(slot) && ShellClient.isMissing(slot)) slot.free();
    }
  }

  #free(slot: Slot): void {
    this.#waiting.get(slot)?.[Symbol.dispose]();
    this.#waiting.delete(slot);
    slot.free();
  }

  async #serve(call: Call): Promise<void> {
    const { slot } = call;
    if (this.#waiting.has(slot)) return;
    const client = this.#clientOf(call);
    if (client === "elsewhere") return;
    if (client === undefined) return slot.answer("no");
    this.#waiting.set(slot, client);
    client.disconnected.addEventListener("abort", () => this.#free(slot), { once: true });
    // A command may finish after its client, when the slot has another client.
    const tell = (line: string) => this.#waiting.get(slot) === client && slot.answer(line);
    tell(""); // Acknowledges the call.
    const terminal = new ClientTerminal(client, tell);
    this.#active.set(client, terminal);
    const wakeUps = setInterval(() => {
      // A stopped client reads nothing.
      if (terminal.handlesSignals && slot.hasReadAll) tell("");
    }, WAKE_UP_MS);
    const code = await this.#run(client, terminal, tell);
    if (!terminal.leaves) tell(`exit ${code}`);
    else if (!this.#leaving) tell("no");
    clearInterval(wakeUps);
    client.closeOutputs();
    this.#active.delete(client);
  }

  /** Identifies the client. `elsewhere`: it claimed a slot of another engine, and does not read our answers. */
  #clientOf(call: Call): ShellClient | "elsewhere" | undefined {
    try {
      if (call.slot.takenBy !== call.pid) return "elsewhere";
      return this.#leaving ? undefined : ShellClient.of(call, this.#options.build, this.#options.epoll);
    } catch (thrown) {
      this.#logFailure("who calls", thrown);
      return undefined;
    }
  }

  /** Returns the exit code, which is meaningless if the command is left to the client. */
  async #run(client: ShellClient, terminal: ClientTerminal, tell: Notify): Promise<number> {
    const program = {
      ...tsdProgram(terminal, () => terminal.needProcess()),
      load: (row: CommandRow<CommandContext>) => this.#load(row, terminal),
      admit: (row: CommandRow<CommandContext>, command: Command<CommandContext>, flags: Flags) =>
        admit(row, command, flags, terminal, tell),
      context: (globals: Flags) => this.#context(globals, client, terminal),
    };
    try {
      return await dispatch(program, client.args, terminal);
    } catch (thrown) {
      if (thrown instanceof NeedsProcessError) return 0;
      // The error could not be written to the client's streams; its shell still gets the exit code.
      this.#logFailure("a caller's command", thrown);
      return FAILED_EXIT;
    }
  }

  /**
   * Loads a command's code. A module that once failed to load, because of too many open files, can't be loaded in this
   * process any more.
   */
  async #load(row: CommandRow<CommandContext>, terminal: ClientTerminal): Promise<Command<CommandContext>> {
    try {
      return await row.load();
    } catch (thrown) {
      this.#logFailure("a caller's command takes a process of its own", thrown);
      terminal.needProcess();
    }
  }

  #logFailure(what: string, thrown: unknown): void {
    this.#options.log.warn(what, { error: String(thrown), stack: (thrown as Error)?.stack });
  }

  #context({ host }: Flags, client: ShellClient, terminal: ClientTerminal): CommandContext {
    if (host !== undefined || !this.#isManaged(terminal) || hasPrivateDirs(terminal)) terminal.needProcess();
    const admit = () => {
      // The error is only how a command reports that it has lost its engine.
      if (this.#leaving || client.disconnected.aborted) terminal.needProcess();
    };
    const { disconnected } = client;
    const engine = new Client(new InProcessTransport({ api: this.#options.api, disconnected, admit }));
    const serve = () => terminal.needProcess();
    return { terminal, engine, runningEngine: engine, startsOnDemand: false, hostFlag: undefined, serve };
  }

  /** Whether the client's environment selects this engine. */
  #isManaged(terminal: Terminal): boolean {
    const host = chooseHost({ env: (name) => terminal.env(name) });
    return host.kind === "unix" && host.path === this.#options.socketPath;
  }
}

/** Whether configuration is looked up relative to the client's working directory. */
const hasPrivateDirs = (terminal: Terminal): boolean =>
  ["HOME", "DOCKER_CONFIG"].map((name) => terminal.env(name)).some((path) => path && !path.startsWith("/"));

type Flags = Readonly<Record<string, FlagValue>>;

/**
 * Checks that a command can be served, and notifies the client in advance if it must not be run twice.
 * @throws {NeedsProcessError}
 */
export function admit<C>(
  { served }: CommandRow<C>,
  { needsClientProcess = [], exitCode = defaultExitCode }: Command<C>,
  flags: Flags,
  terminal: Pick<CommandHost, "needProcess">,
  tell: Notify,
): void {
  const isGiven = (value: FlagValue) =>
    Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
  if (served === undefined || needsClientProcess.some((name) => isGiven(flags[name]))) terminal.needProcess();
  if (served === "once") tell(`once ${exitCode(connectionLost())}`);
}
