import { ENDING_SIGNALS, type EndingSignal, SignalledError, type Terminal } from "./terminal.ts";

const [CTRL_C, CTRL_D, BACKSPACE, DELETE, CTRL_U, NEWLINE, RETURN] = [3, 4, 8, 127, 21, 10, 13];

/** Asks questions on a terminal, one after the other. Locks the terminal's standard input until disposed. */
export class Prompt implements Disposable {
  readonly #terminal: Terminal;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#reader = terminal.stdin.getReader();
  }

  /** Prompts for one line. Returns it without its line end; undefined at the end of input. */
  async line(question: string): Promise<string | undefined> {
    await this.#terminal.out(question);
    return await this.#read(() => undefined);
  }

  /**
   * As {@link line}, without echoing the input.
   * @throws {SignalledError} at Ctrl-C, which raises no signal in raw mode, and at signals that end the process
   */
  async secret(question: string): Promise<string | undefined> {
    await this.#terminal.out(question);
    const signalled = Promise.withResolvers<never>();
    // If a signal killed this process, the terminal would stay in raw mode.
    using _signals = this.#terminal.onSignal(
      Object.keys(ENDING_SIGNALS) as EndingSignal[],
      (signal) => signalled.reject(new SignalledError(signal as EndingSignal)),
    );
    this.#terminal.setRaw(true);
    try {
      const typed = this.#read((key) => {
        if (key === CTRL_C) throw new SignalledError("SIGINT");
        return key === CTRL_D ? "end" : key === CTRL_U ? "clear" : undefined;
      });
      return await Promise.race([typed, signalled.promise]);
    } finally {
      this.#terminal.setRaw(false);
      await this.#terminal.out("\n");
    }
  }

  [Symbol.dispose](): void {
    this.#reader.releaseLock();
  }

  async #read(meaning: (key: number) => "end" | "clear" | undefined): Promise<string | undefined> {
    const typed: number[] = [];
    for (;;) {
      const key = await this.#key();
      if (key === undefined) return typed.length === 0 ? undefined : text(typed);
      const special = meaning(key);
      if (special === "end") return typed.length === 0 ? undefined : text(typed);
      if (special === "clear") typed.length = 0;
      else if (key === NEWLINE || key === RETURN) return text(typed);
      else if (key === BACKSPACE || key === DELETE) removeLast(typed);
      else typed.push(key);
    }
  }

  async #key(): Promise<number | undefined> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#rest = value;
    }
    const key = this.#rest[0];
    this.#rest = this.#rest.subarray(1);
    return key;
  }
}

/** Removes the last character, which can be several bytes of UTF-8. */
function removeLast(typed: number[]): void {
  while (typed.length > 0 && (typed.pop()! & 0xc0) === 0x80);
}

const text = (bytes: readonly number[]): string => new TextDecoder().decode(new Uint8Array(bytes));
