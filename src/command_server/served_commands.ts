/**
 * @module
 * Commands that the engine does for callers that wait on a seat: the very code of the client, on the caller's streams, so
 * that no second program has to start. Whatever takes a process of its own is left to one.
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
import { cutOff } from "../client/byte_reader.ts";
import { chooseHost } from "../client/host.ts";
import type { CommandContext } from "../commands/context.ts";
import { tsdProgram } from "../commands/main.ts";
import type { Log } from "../log.ts";
import type { Epoll } from "../sys/mod.ts";
import { type Call, ShellClient } from "./shell_client.ts";
import { ClientTerminal, type Notify } from "./client_terminal.ts";
import { InProcessTransport } from "./in_process_transport.ts";
import { type ClientLine, type Slot, Slots } from "./slots.ts";

/** How often a caller that handles signals is woken up: a shell may miss one just before it begins to read. In ms. */
const WAKE_UP_MS = 500;
/** How long commands get to see that the engine leaves, and to write what they have for callers that read slowly; in ms. */
const SETTLE_LIMIT_MS = 2_000;
const POLL_MS = 2;
/** Of a command whose failure can't be told, as of a process of its own. */
const FAILED_EXIT = 1;

export interface ServedCommandsOptions {
  readonly dir: string;
  readonly api: InProcessApi;
  /** The engine's own. */
  readonly socketPath: string;
  /** Of callers, too. */
  readonly build: string;
  readonly epoll: Pick<Epoll, "add" | "remove">;
  readonly log: Log;
}

/** See the module's comment. */
export class ServedCommands implements AsyncDisposable {
  readonly #options: ServedCommandsOptions;
  readonly #slots: Slots;
  readonly #active = new Map<ShellClient, ClientTerminal>();
  /** Callers that have been answered, or were never served; by seat, until they are gone. */
  readonly #waiting = new Map<Slot, ShellClient>();
  #leaving = false;

  /** Makes the folder. @throws what the file system says */
  constructor(options: ServedCommandsOptions) {
    this.#options = options;
    this.#slots = new Slots(options.dir, options.epoll, (line) => this.#line(line));
  }

  /** From now on nothing is begun, and what is under way is left to processes of its own as soon as it asks the engine. */
  leave(): void {
    this.#leaving = true;
  }

  /** Commands that are being done. */
  get active(): number {
    return this.#active.size;
  }

  /** Callers whose command has not ended read the end of their answers. */
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

  /** Takes seats back whose callers ended before they asked for anything. */
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
    // A command may end after its caller, whose seat is somebody else's by then.
    const tell = (line: string) => this.#waiting.get(slot) === client && slot.answer(line);
    tell(""); // There is somebody who listens.
    const terminal = new ClientTerminal(client, tell);
    this.#active.set(client, terminal);
    const wakeUps = setInterval(() => {
      // A caller that was stopped reads nothing.
      if (terminal.handlesSignals && slot.hasReadAll) tell("");
    }, WAKE_UP_MS);
    const code = await this.#run(client, terminal, tell);
    if (!terminal.leaves) tell(`exit ${code}`);
    else if (!this.#leaving) tell("no");
    clearInterval(wakeUps);
    client.closeOutputs();
    this.#active.delete(client);
  }

  /** `elsewhere`: it took another engine's seat, and reads nothing that is said here. */
  #clientOf(call: Call): ShellClient | "elsewhere" | undefined {
    try {
      if (call.slot.takenBy !== call.pid) return "elsewhere";
      return this.#leaving ? undefined : ShellClient.of(call, this.#options.build, this.#options.epoll);
    } catch (thrown) {
      this.#logFailure("who calls", thrown);
      return undefined;
    }
  }

  /** The exit code; of a command that leaves it means nothing. */
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
      // Not even that something went wrong could be written: whoever waits hears of it all the same.
      this.#logFailure("a caller's command", thrown);
      return FAILED_EXIT;
    }
  }

  /** Code whose file couldn't be read once, as too many were open, can't be loaded into this process any more. */
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
      // What follows is only how a command says that it has lost its engine.
      if (this.#leaving || client.disconnected.aborted) terminal.needProcess();
    };
    const engine = new InProcessTransport({ api: this.#options.api, disconnected: client.disconnected, admit });
    const serve = () => terminal.needProcess();
    return { terminal, engine, runningEngine: engine, startsOnDemand: false, hostFlag: undefined, serve };
  }

  /** Whether the caller's environment names this engine. */
  #isManaged(terminal: Terminal): boolean {
    const host = chooseHost({ env: (name) => terminal.env(name) });
    return host.kind === "unix" && host.path === this.#options.socketPath;
  }
}

/** Where configuration is looked for below the caller's own folder. */
const hasPrivateDirs = (terminal: Terminal): boolean =>
  ["HOME", "DOCKER_CONFIG"].map((name) => terminal.env(name)).some((path) => path && !path.startsWith("/"));

type Flags = Readonly<Record<string, FlagValue>>;

/** What a host can do; what must not be done twice is said before it is done. @throws {NeedsProcessError} */
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
  if (served === "once") tell(`once ${exitCode(cutOff())}`);
}
