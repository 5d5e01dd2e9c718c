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
import type { DirectApi } from "../api/http/in_process_api.ts";
import { cutOff } from "../client/byte_reader.ts";
import { chooseHost } from "../client/host.ts";
import type { CommandContext } from "../commands/context.ts";
import { tsdProgram } from "../commands/main.ts";
import type { Log } from "../log.ts";
import type { Epoll } from "../sys/mod.ts";
import { type Call, Caller } from "./shell_client.ts";
import { CallerTerminal, type Tell } from "./client_terminal.ts";
import { DirectTransport } from "./in_process_transport.ts";
import { type CallerLine, type Seat, Seats } from "./slots.ts";

/** How often a caller that handles signals is woken up: a shell may miss one just before it begins to read. In ms. */
const WAKE_UP_MS = 500;
/** How long commands get to see that the engine leaves, and to write what they have for callers that read slowly; in ms. */
const SETTLE_LIMIT_MS = 2_000;
const POLL_MS = 2;
/** Of a command whose failure can't be told, as of a process of its own. */
const FAILED_EXIT = 1;

export interface HostedCommandsOptions {
  readonly folder: string;
  readonly api: DirectApi;
  /** The engine's own. */
  readonly socketPath: string;
  /** Of callers, too. */
  readonly build: string;
  readonly epoll: Pick<Epoll, "add" | "remove">;
  readonly log: Log;
}

/** See the module's comment. */
export class HostedCommands implements AsyncDisposable {
  readonly #options: HostedCommandsOptions;
  readonly #seats: Seats;
  readonly #active = new Map<Caller, CallerTerminal>();
  /** Callers that have been answered, or were never served; by seat, until they are gone. */
  readonly #waiting = new Map<Seat, Caller>();
  #leaving = false;

  /** Makes the folder. @throws what the file system says */
  constructor(options: HostedCommandsOptions) {
    this.#options = options;
    this.#seats = new Seats(options.folder, options.epoll, (line) => this.#line(line));
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
    this.#seats[Symbol.dispose]();
    for (const caller of this.#waiting.values()) caller[Symbol.dispose]();
  }

  #line(line: CallerLine): void {
    if (line.kind === "full") return this.#sweep();
    const { seat, pid } = line;
    if (line.kind === "call") return void this.#serve(line);
    if (line.kind === "left") return seat.takenBy === pid ? this.#free(seat) : undefined;
    const caller = this.#waiting.get(seat);
    if (caller?.pid === pid) this.#active.get(caller)?.signalled(line.signal);
  }

  /** Takes seats back whose callers ended before they asked for anything. */
  #sweep(): void {
    for (const seat of this.#seats.all) {
      if (!this.#waiting.has(seat) && Caller.isMissing(seat)) seat.free();
    }
  }

  #free(seat: Seat): void {
    this.#waiting.get(seat)?.[Symbol.dispose]();
    this.#waiting.delete(seat);
    seat.free();
  }

  async #serve(call: Call): Promise<void> {
    const { seat } = call;
    if (this.#waiting.has(seat)) return;
    const caller = this.#callerOf(call);
    if (caller === "elsewhere") return;
    if (caller === undefined) return seat.answer("no");
    this.#waiting.set(seat, caller);
    caller.gone.addEventListener("abort", () => this.#free(seat), { once: true });
    // A command may end after its caller, whose seat is somebody else's by then.
    const tell = (line: string) => this.#waiting.get(seat) === caller && seat.answer(line);
    tell(""); // There is somebody who listens.
    const terminal = new CallerTerminal(caller, tell);
    this.#active.set(caller, terminal);
    const wakeUps = setInterval(() => {
      // A caller that was stopped reads nothing.
      if (terminal.handlesSignals && seat.hasReadAll) tell("");
    }, WAKE_UP_MS);
    const code = await this.#run(caller, terminal, tell);
    if (!terminal.leaves) tell(`exit ${code}`);
    else if (!this.#leaving) tell("no");
    clearInterval(wakeUps);
    caller.closeOutputs();
    this.#active.delete(caller);
  }

  /** `elsewhere`: it took another engine's seat, and reads nothing that is said here. */
  #callerOf(call: Call): Caller | "elsewhere" | undefined {
    try {
      if (call.seat.takenBy !== call.pid) return "elsewhere";
      return this.#leaving ? undefined : Caller.of(call, this.#options.build, this.#options.epoll);
    } catch (thrown) {
      this.#logFailure("who calls", thrown);
      return undefined;
    }
  }

  /** The exit code; of a command that leaves it means nothing. */
  async #run(caller: Caller, terminal: CallerTerminal, tell: Tell): Promise<number> {
    const program = {
      ...tsdProgram(terminal, () => terminal.needProcess()),
      load: (row: CommandRow<CommandContext>) => this.#load(row, terminal),
      admit: (row: CommandRow<CommandContext>, command: Command<CommandContext>, flags: Flags) =>
        admit(row, command, flags, terminal, tell),
      context: (globals: Flags) => this.#context(globals, caller, terminal),
    };
    try {
      return await dispatch(program, caller.args, terminal);
    } catch (thrown) {
      if (thrown instanceof NeedsProcessError) return 0;
      // Not even that something went wrong could be written: whoever waits hears of it all the same.
      this.#logFailure("a caller's command", thrown);
      return FAILED_EXIT;
    }
  }

  /** Code whose file couldn't be read once, as too many were open, can't be loaded into this process any more. */
  async #load(row: CommandRow<CommandContext>, terminal: CallerTerminal): Promise<Command<CommandContext>> {
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

  #context({ host }: Flags, caller: Caller, terminal: CallerTerminal): CommandContext {
    if (host !== undefined || !this.#isOurs(terminal) || hasFoldersOfItsOwn(terminal)) terminal.needProcess();
    const admit = () => {
      // What follows is only how a command says that it has lost its engine.
      if (this.#leaving || caller.gone.aborted) terminal.needProcess();
    };
    const engine = new DirectTransport({ api: this.#options.api, gone: caller.gone, admit });
    const serve = () => terminal.needProcess();
    return { terminal, engine, runningEngine: engine, startsOnDemand: false, hostFlag: undefined, serve };
  }

  /** Whether the caller's environment names this engine. */
  #isOurs(terminal: Terminal): boolean {
    const host = chooseHost({ env: (name) => terminal.env(name) });
    return host.kind === "unix" && host.path === this.#options.socketPath;
  }
}

/** Where configuration is looked for below the caller's own folder. */
const hasFoldersOfItsOwn = (terminal: Terminal): boolean =>
  ["HOME", "DOCKER_CONFIG"].map((name) => terminal.env(name)).some((path) => path && !path.startsWith("/"));

type Flags = Readonly<Record<string, FlagValue>>;

/** What a host can do; what must not be done twice is said before it is done. @throws {NeedsProcessError} */
export function admit<C>(
  { hosted }: CommandRow<C>,
  { ownProcessFor = [], exitCode = defaultExitCode }: Command<C>,
  flags: Flags,
  terminal: Pick<CommandHost, "needProcess">,
  tell: Tell,
): void {
  const isGiven = (value: FlagValue) =>
    Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
  if (hosted === undefined || ownProcessFor.some((name) => isGiven(flags[name]))) terminal.needProcess();
  if (hosted === "once") tell(`once ${exitCode(cutOff())}`);
}
