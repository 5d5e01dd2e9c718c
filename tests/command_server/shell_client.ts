import { until } from "../engine/setup.ts";
import type { Slot } from "../../src/command_server/slots.ts";

export interface ShellOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The path to open as descriptor 8; by default the slot's answers. */
  readonly answers?: string;
  /** Shell code to run before it waits. */
  readonly first?: string;
  /** A command to start it with: `unshare -m`, for example. */
  readonly through?: readonly string[];
}

/**
 * A shell that is set up like the launcher in a slot: descriptors 6, 7 and 8 are open, and it has the launcher's
 * arguments and environment. It sends no request, and prints the lines that it receives.
 */
export class SeatedShell implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #collected: Promise<void>;
  readonly #output = { stdout: "", stderr: "" };

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#collected = Promise.all([this.#collect("stdout"), this.#collect("stderr")]).then(() => {});
  }

  /** Starts the shell, and resolves when it is ready. */
  static async start(dir: string, slot: Pick<Slot, "claimPath">, options: ShellOptions = {}): Promise<SeatedShell> {
    const { args = [], env = {}, cwd = "/", first = "", through = [] } = options;
    const answers = options.answers ?? slot.claimPath.replace("seat.", "answer.");
    const script = `${dir}/shell.sh`;
    await Deno.writeTextFile(
      script,
      `exec 6>&1 7>&2 8<>"$ANSWERS"\n${first}\necho sits\nwhile read -r line <&8; do [ -z "$line" ] || echo "$line"; done\n`,
    );
    const [command, ...words] = [...through, "/bin/sh", script, ...args];
    const child = new Deno.Command(command!, {
      ...{ args: words, env: { ...env, ANSWERS: answers }, clearEnv: true, cwd },
      ...{ stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn();
    const shell = new SeatedShell(child);
    await shell.says("sits");
    shell.#output.stdout = "";
    return shell;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Starts the shell, claims the slot, and requests the command in its arguments. */
  static async asking(
    dir: string,
    slot: Pick<Slot, "claimPath">,
    build: string,
    options: ShellOptions = {},
  ): Promise<SeatedShell> {
    const shell = await SeatedShell.start(dir, slot, options);
    await Deno.writeTextFile(slot.claimPath, `${shell.pid}\n`);
    const call = `${slot.claimPath.replace(/seat\.\d+$/, "call")}`;
    const number = /\d+$/.exec(slot.claimPath)![0];
    const line = `${number} ${shell.pid} ${options.args?.length ?? 0} ${build}\n`;
    await Deno.writeTextFile(call, line, { create: false });
    return shell;
  }

  /** Kills the shell, and returns its output. */
  async end(): Promise<{ readonly stdout: string; readonly stderr: string }> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // It has exited already.
    }
    await this.#child.status;
    await this.#collected;
    return this.#output;
  }

  /** Waits for a line on its standard output. @throws Error at the deadline */
  async says(line: string): Promise<void> {
    await until(`${line} after ${JSON.stringify(this.#output)}`, () => this.#output.stdout.split("\n").includes(line));
  }

  async #collect(from: "stdout" | "stderr"): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child[from]) this.#output[from] += decoder.decode(chunk, { stream: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
