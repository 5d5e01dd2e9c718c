import { OutputClosedError, type StdStream, type Terminal, type TerminalSize } from "./terminal.ts";

const ENCODER = new TextEncoder();
const RETRY_PAUSE_MS = 2;

/** The real terminal. With `src/cli/process.ts` it is the only home of the standard streams and the environment. */
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
      // Off: all that was there when it was turned on, output included.
      Deno.stdin.setRaw(on);
    } catch (thrown) {
      // Nobody misses the modes of a terminal that has gone.
      if (on || !isHungUp(thrown)) throw thrown;
    }
    if (on) passOutputOn();
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
 * Deno's raw mode is about input only. The other side's terminal has made its line ends already, and what a program on it
 * sends for "one line down" must not become a new line here.
 */
function passOutputOn(): void {
  try {
    new Deno.Command("stty", { args: ["-opost"], stdin: "inherit", stdout: "null", stderr: "null" }).outputSync();
  } catch (thrown) {
    // Without that program a few full-screen programs look wrong.
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

/** What is done to a terminal whose window was closed fails with EIO, for which Deno has no class. */
const isHungUp = (thrown: unknown): boolean => thrown instanceof Error && "code" in thrown && thrown.code === "EIO";

async function writeAll(stream: { write(bytes: Uint8Array): Promise<number> }, data: string | Uint8Array) {
  const bytes = typeof data === "string" ? ENCODER.encode(data) : data;
  for (let at = 0; at < bytes.length;) {
    try {
      at += await stream.write(bytes.subarray(at));
    } catch (thrown) {
      if (thrown instanceof Deno.errors.BrokenPipe || isHungUp(thrown)) throw new OutputClosedError();
      // Another process may have made the pipe non-blocking; there is no way to wait for room in it.
      if (!(thrown instanceof Deno.errors.WouldBlock)) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
    }
  }
}
