/**
 * @module
 * The OCI runtimes of an engine by name: `runc`, and those of the configuration. A container keeps the runtime it was
 * created with. Each runtime has a state directory of its own.
 */
import type { HostConfig } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import type { OciRuntime } from "../../runtime/oci_runtime.ts";
import { namesIn } from "../directories.ts";
import { type EnginePaths, runtimeRoot } from "../paths.ts";

export const STOCK_RUNTIME = "runc";
/** Docker's other name of the default runtime. */
const ALIASES: Readonly<Record<string, string>> = { "io.containerd.runc.v2": STOCK_RUNTIME };

/** The program of a runtime. */
export interface RuntimeProgram {
  /** Absolute path. */
  readonly path: string;
  /** Arguments before the command. */
  readonly args: readonly string[];
}

interface Entry {
  readonly program: RuntimeProgram;
  readonly runtime: OciRuntime;
}

/** The parts of a container that are needed. */
interface Owner {
  readonly record: { readonly hostConfig: Pick<HostConfig, "Runtime"> };
}

/** The OCI runtimes of an engine, by name. */
export class Runtimes {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly defaultName: string;

  constructor(
    programs: ReadonlyMap<string, RuntimeProgram>,
    defaultName: string,
    make: (name: string, program: RuntimeProgram) => OciRuntime,
  ) {
    this.#entries = new Map([...programs].map(([name, program]) => [name, { program, runtime: make(name, program) }]));
    this.defaultName = defaultName;
  }

  /** All runtimes, by name. */
  get programs(): Readonly<Record<string, RuntimeProgram>> {
    return Object.fromEntries([...this.#entries].map(([name, { program }]) => [name, program]));
  }

  /**
   * Returns the runtime's name for the record of a new container.
   * @throws {TsdError} invalid_argument, with Docker's text
   */
  choose({ Runtime }: Pick<HostConfig, "Runtime">): string {
    const name = Runtime || this.defaultName;
    if (this.named(name) === undefined) throw unknown(name);
    return name;
  }

  /** Returns a container's runtime. @throws {TsdError} invalid_argument if it is no longer in the configuration */
  of({ record }: Owner): OciRuntime {
    const name = record.hostConfig.Runtime || STOCK_RUNTIME;
    const runtime = this.named(name);
    if (runtime === undefined) throw unknown(name);
    return runtime;
  }

  /** Returns a container's runtime, or undefined if it is no longer in the configuration. */
  ofIfKnown({ record }: Owner): OciRuntime | undefined {
    return this.named(record.hostConfig.Runtime || STOCK_RUNTIME);
  }

  named(name: string): OciRuntime | undefined {
    return this.#entries.get(ALIASES[name] ?? name)?.runtime;
  }
}

/** Returns the existing state directories with their runtimes' names. */
export async function stateRoots(paths: EnginePaths): Promise<{ readonly name: string; readonly dir: string }[]> {
  const names = (await namesIn(paths.runDir)).flatMap((dir) => /^runtime-(.+)$/.exec(dir)?.[1] ?? []);
  return [STOCK_RUNTIME, ...names].map((name) => ({ name, dir: runtimeRoot(paths, name) }));
}

const unknown = (name: string) => new TsdError("invalid_argument", `unknown or invalid runtime name: ${name}`);
