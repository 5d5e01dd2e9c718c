/** A running program that a test interacts with: write, wait for output, close its input, wait for its exit. */
import { Deadline } from "./deadline.ts";
import type { RunResult } from "./run_command.ts";

export interface SessionOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** For each wait; default 20 s, see {@link Deadline}. */
  readonly timeoutMs?: number;
}

export class Session implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #timeoutMs: number;
  readonly #ended: Promise<void>;
  readonly #listeners = new Set<() => void>();
  #stdinOpen = true;
  #output = { stdout: "", stderr: "" };

  constructor(command: string, args: readonly string[], options: SessionOptions = {}) {
    this.#timeoutMs = options.timeoutMs ?? 20_000;
    this.#child = new Deno.Command(command, {
      args: [...args],
      cwd: options.cwd,
      env: { PATH: Deno.env.get("PATH") ?? "", ...options.env },
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdin = this.#child.stdin.getWriter();
    this.#ended = Promise.all([this.#collect("stdout"), this.#collect("stderr")]).then(() => {});
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The output so far. */
  get stdout(): string {
    return this.#output.stdout;
  }

  get stderr(): string {
    return this.#output.stderr;
  }

  async write(text: string): Promise<void> {
    await this.#stdin.write(new TextEncoder().encode(text));
  }

  async closeStdin(): Promise<void> {
    if (!this.#stdinOpen) return;
    this.#stdinOpen = false;
    await this.#stdin.close();
  }

  /** Waits until the output has `text`. @throws Error at the deadline, or if the program exits without it */
  async waitFor(text: string | RegExp, from: "stdout" | "stderr" = "stdout"): Promise<void> {
    const has = () => typeof text === "string" ? this.#output[from].includes(text) : text.test(this.#output[from]);
    let ended = false;
    this.#ended.then(() => {
      ended = true;
      this.#notify();
    });
    await this.#until(() => has() || ended, `${text} on ${from}`);
    if (!has()) throw new Error(`The program ended without ${text} on ${from}: ${JSON.stringify(this.#output)}`);
  }

  kill(signal: Deno.Signal = "SIGKILL"): void {
    this.#child.kill(signal);
  }

  /** Waits for the exit of the program and the end of its output. @throws Error at the deadline */
  async wait(): Promise<RunResult> {
    let ended = false;
    const done = Promise.all([this.#child.status, this.#ended]).finally(() => {
      ended = true;
      this.#notify();
    });
    await this.#until(() => ended, "the end of the program");
    const [{ code }] = await done;
    return { code, ...this.#output };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // It has exited already.
    }
    await this.#child.status;
    await this.#ended;
    if (this.#stdinOpen) await this.#stdin.abort().catch(ignoreBrokenPipe);
  }

  async #collect(from: "stdout" | "stderr"): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child[from]) {
      this.#output[from] += decoder.decode(chunk, { stream: true });
      this.#notify();
    }
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }

  #until(condition: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        deadline[Symbol.dispose]();
        this.#listeners.delete(check);
        settle();
      };
      const check = () => condition() && finish(resolve);
      const deadline = new Deadline(this.#timeoutMs).whenOver(() => {
        finish(() => reject(new Error(`Waited ${this.#timeoutMs} ms for ${what}: ${JSON.stringify(this.#output)}`)));
      });
      this.#listeners.add(check);
      check();
    });
  }
}

function ignoreBrokenPipe(error: unknown): void {
  if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
}
