/**
 * @module
 * Starts plugins' processes, confined to what each may do and use.
 */
import { TsdError } from "../../errors.ts";
import { parseManifest, type PluginManifest } from "../../plugins/host/manifest.ts";
import type { FromHost } from "../../plugins/host/messages.ts";
import { HOOK_NAMES } from "../../plugins/mod.ts";
import { isErrno, SIG } from "../../sys/mod.ts";
import { type Confinement, pluginCommand } from "./plugin_command.ts";
import { type PluginCalls, PluginProcess, type PluginServices } from "./plugin_process.ts";

/** Where a plugin's process is counted and limited. */
export interface PluginCgroups {
  /** Moves a process to a cgroup of that name, with a limit for all its memory, in MiB. */
  confine(name: string, pid: number, memoryMb: number): void;
  /** Nothing is left of it. */
  release(name: string): void;
  /** Ends what a killed engine has left. */
  clear(kill: (pid: number) => void): Promise<void>;
}

/** What a process takes beside its JavaScript heap, in MiB: Deno itself, code, buffers. */
const BESIDE_HEAP_MB = 160;
/** For a look at a file that was never loaded before. */
const LOOK: Pick<Confinement, "permissions" | "memoryMb"> = { permissions: {}, memoryMb: 64 };

/** A plugin that is to run. */
export interface Requested {
  readonly name: string;
  readonly file: string;
  readonly permissions: Confinement["permissions"];
  readonly memoryMb: number;
  readonly config: Readonly<Record<string, unknown>>;
  log(level: string, message: string): void;
  storage(message: FromHost & { kind: "storage" }): Promise<unknown>;
}

/** See the module's comment. */
export class PluginStarter {
  readonly #calls: PluginCalls;
  readonly #cgroups: PluginCgroups;
  readonly #surroundings: Pick<Confinement, "cacheDir" | "environment">;
  #started = 0;

  constructor(
    calls: PluginCalls,
    cgroups: PluginCgroups,
    surroundings: Pick<Confinement, "cacheDir" | "environment">,
  ) {
    this.#calls = calls;
    this.#cgroups = cgroups;
    this.#surroundings = surroundings;
  }

  /** Ends processes that a killed engine has left. */
  async clear(): Promise<void> {
    await this.#cgroups.clear((pid) => {
      try {
        this.#calls.processes.kill(pid, SIG.KILL);
      } catch (thrown) {
        if (!isErrno(thrown, "ESRCH")) throw thrown;
      }
    });
  }

  /** What a file says of itself; it is loaded without any permission. @throws {TsdError} invalid_argument; {PluginGone}, Error: why it can't be loaded */
  async look(file: string, log: (level: string, message: string) => void = () => {}): Promise<PluginManifest> {
    const storage = () =>
      Promise.reject(new TsdError("conflict", "There is no storage while a file is only looked at"));
    const requested = { ...LOOK, name: "look", file, config: {}, log, storage };
    using process = this.#start(requested);
    return parseManifest(await process.load(file, {}), HOOK_NAMES);
  }

  /** A process that has loaded its plugin; the caller disposes of it. It is killed when `ending` fires before. @throws {PluginGone, Error} */
  async start(requested: Requested, ending?: AbortSignal): Promise<PluginProcess> {
    const process = this.#start(requested);
    const kill = () => process[Symbol.dispose]();
    ending?.addEventListener("abort", kill, { once: true });
    try {
      if (ending?.aborted) kill();
      await process.load(requested.file, requested.config);
      return process;
    } catch (thrown) {
      kill();
      throw thrown;
    } finally {
      ending?.removeEventListener("abort", kill);
    }
  }

  #start({ name, file, permissions, memoryMb, log, storage }: Requested): PluginProcess {
    // One that answers its last questions and the one in its place have a limit each. No plugin's name has a tilde.
    const cgroup = `${name}~${++this.#started}`;
    const services: PluginServices = {
      log,
      storage,
      started: (pid) => this.#cgroups.confine(cgroup, pid, memoryMb + BESIDE_HEAP_MB),
    };
    const command = pluginCommand({ file, permissions, memoryMb, ...this.#surroundings });
    const process = new PluginProcess(command, services, this.#calls);
    void process.ended.then(() => this.#cgroups.release(cgroup));
    return process;
  }
}
