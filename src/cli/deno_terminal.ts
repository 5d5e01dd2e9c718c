import { OutputClosedError, type StdStream, type Terminal, type TerminalSize } from "./terminal.ts";

const ENCODER = new TextEncoder();
const RETRY_PAUSE_MS = 2;

/** The process's terminal. Only this file and `src/cli/process.ts` access the standard streams and the environment. */
export class DenoTerminal implements Terminal {
  get stdin(): ReadableStream<Uint8Array> {
    return Deno.stdin.readable;
  }

  out(data: string | Uint8Array): Promise<void> {
    return writeAll(Deno.stdout, data);
  }

  err(data: string | Uint8Array): Promise<void> {
    return writeAll(Deno.stderr, data);
  }

  isTty(stream: StdStream): boolean {
    return Deno[stream].isTerminal();
  }

  env(name: string): string | undefined {
    return Deno.env.get(name);
  }

  cwd(): string {
    return Deno.cwd();
  }

  size(): TerminalSize | undefined {
    return Deno.stdout.isTerminal() ? Deno.consoleSize() : undefined;
  }

  setRaw(on: boolean): void {
    try {
      // Turning it off restores the modes saved when it was turned on, those for output included.
      Deno.stdin.setRaw(on);
    } catch (thrown) {
      // The modes of a closed terminal need no restoring.
      if (on || !isHungUp(thrown)) throw thrown;
    }
    if (on) disableOutputProcessing();
  }

  onSignal(signals: readonly Deno.Signal[], handler: (signal: Deno.Signal) => void): Disposable {
    const listeners = signals.map((signal) => [signal, () => handler(signal)] as const);
    for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
    return {
      [Symbol.dispose]: () => {
        for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
      },
    };
  }
}

/**
 * Turns off the terminal's output processing (OPOST). Deno's raw mode covers input only. The container's terminal has
 * translated line ends already, and a line feed that a program sends to move the cursor down must not become a new line.
 */
function disableOutputProcessing(): void {
  try {
    new Deno.Command("stty", { args: ["-opost"], stdin: "inherit", stdout: "null", stderr: "null" }).outputSync();
  } catch (thrown) {
    // Without stty a few full-screen programs look wrong.
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

/** Operations on a terminal whose window was closed fail with EIO, for which Deno has no error class. */
const isHungUp = (thrown: unknown): boolean => thrown instanceof Error && "code" in thrown && thrown.code === "EIO";

async function writeAll(stream: { write(bytes: Uint8Array): Promise<number> }, data: string | Uint8Array) {
  const bytes = typeof data === "string" ? ENCODER.encode(data) : data;
  for (let at = 0; at < bytes.length;) {
    try {
      at += await stream.write(bytes.subarray(at));
    } catch (thrown) {
      if (thrown instanceof Deno.errors.BrokenPipe || isHungUp(thrown)) throw new OutputClosedError();
      // Another process made the pipe non-blocking, and Deno can't wait until it is writable.
      if (!(thrown instanceof Deno.errors.WouldBlock)) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
    }
  }
}
