/**
 * @module
 * Commands that the engine does for callers that wait on a seat: the very code of the client, on the caller's streams, so
 * that no second program has to start. Whatever takes a process of its own is left to one.
 */
import {
  type Command,
  type CommandRow,
  defaultExitCode,
  dispatch,
  type FlagValue,
  NeedsProcessError,
  type Terminal,
} from "../cli/mod.ts";
import type { DirectApi } from "../api/http/direct_api.ts";
import { cutOff } from "../client/byte_reader.ts";
import { chooseHost } from "../client/host.ts";
import type { CommandContext } from "../commands/context.ts";
import { tsdProgram } from "../commands/main.ts";
import type { Log } from "../log.ts";
import { type Epoll, pipes } from "../sys/mod.ts";
import { type Call, Caller } from "./caller.ts";
import { CallerTerminal } from "./caller_terminal.ts";
import { DirectTransport } from "./direct_transport.ts";
import { type CallerLine, type Seat, Seats } from "./seats.ts";

/** How often a caller that handles signals is woken up: a shell may miss one just before it begins to read. In ms. */
const WAKE_UP_MS = 500;
/** How long commands get to see that the engine leaves, in ms. */
const SETTLE_LIMIT_MS = 500;
const POLL_MS = 2;

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
  readonly #active = new Map<Seat, CallerTerminal>();
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
    if (line.kind === "call") {
      const { log } = this.#options;
      this.#serve(line).catch((thrown) =>
        log.error("a caller's command", { error: String(thrown), stack: thrown?.stack })
      );
    } else if (line.kind === "left" && seat.takenBy === pid) this.#free(seat);
    else if (line.kind === "signal" && this.#waiting.get(seat)?.pid === pid) {
      this.#active.get(seat)?.signalled(line.signal);
    }
  }

  /** Takes seats back whose callers ended before they asked for anything. */
  #sweep(): void {
    for (const seat of this.#seats.all) {
      if (this.#waiting.has(seat) || this.#active.has(seat)) continue;
      if (Caller.isMissing(seat)) seat.free();
    }
  }

  #free(seat: Seat): void {
    this.#waiting.get(seat)?.[Symbol.dispose]();
    this.#waiting.delete(seat);
    seat.free();
  }

  async #serve(call: Call): Promise<void> {
    const { seat } = call;
    // Who took another engine's seat reads nothing that is said here.
    if (this.#waiting.has(seat) || seat.takenBy !== call.pid) return;
    const caller = this.#leaving ? undefined : Caller.of(call, this.#options.build, this.#options.epoll);
    if (caller === undefined) return seat.answer("no");
    this.#waiting.set(seat, caller);
    caller.gone.addEventListener("abort", () => this.#free(seat), { once: true });
    using terminal = new CallerTerminal(caller, pipes, (line) => seat.answer(line));
    this.#active.set(seat, terminal);
    const wakeUps = setInterval(() => terminal.handlesSignals && seat.answer(""), WAKE_UP_MS);
    try {
      const code = await this.#run(caller, terminal, seat);
      if (!terminal.leaves) seat.answer(`exit ${code}`);
      else if (!this.#leaving) seat.answer("no");
    } finally {
      clearInterval(wakeUps);
      this.#active.delete(seat);
    }
  }

  /** The exit code; of a command that leaves it means nothing. */
  async #run(caller: Caller, terminal: CallerTerminal, seat: Seat): Promise<number> {
    const program = {
      ...tsdProgram(terminal, () => terminal.needProcess()),
      admit: (row: CommandRow<CommandContext>, command: Command<CommandContext>, flags: Flags) =>
        admit(row, command, flags, terminal, seat),
      context: (globals: Flags) => this.#context(globals, caller, terminal),
    };
    try {
      return await dispatch(program, caller.args, terminal);
    } catch (thrown) {
      if (thrown instanceof NeedsProcessError) return 0;
      throw thrown;
    }
  }

  #context({ host }: Flags, caller: Caller, terminal: CallerTerminal): CommandContext {
    if (host !== undefined || !this.#isOurs(terminal)) terminal.needProcess();
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

type Flags = Readonly<Record<string, FlagValue>>;

/** What a host can do; what must not be done twice is said before it is done. @throws {NeedsProcessError} */
function admit<C>(
  { hosted }: CommandRow<C>,
  { ownProcessFor = [], exitCode = defaultExitCode }: Command<C>,
  flags: Flags,
  terminal: CallerTerminal,
  seat: Seat,
): void {
  const isGiven = (value: FlagValue) =>
    Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
  if (hosted === undefined || ownProcessFor.some((name) => isGiven(flags[name]))) terminal.needProcess();
  if (hosted === "once") seat.answer(`once ${exitCode(cutOff())}`);
}
