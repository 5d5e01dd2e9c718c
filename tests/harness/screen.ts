/** A terminal that a test types into and reads, with a shell in it: tmux, by program. */
import { Deadline } from "./deadline.ts";
import { runCommand } from "./run_command.ts";

export interface ScreenOptions {
  /** Holds the socket; also the shell's working folder. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
  /** For each wait; default 20 s, see {@link Deadline}. */
  readonly timeoutMs?: number;
}

const POLL_MS = 40;

/** See above. The prompt is `> `; close it with `await using`. */
export class Screen implements AsyncDisposable {
  readonly #socket: string;
  readonly #options: ScreenOptions;

  private constructor(socket: string, options: ScreenOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  static async open(options: ScreenOptions): Promise<Screen> {
    const { dir: directory, columns = 80, rows = 24 } = options;
    const socket = await Deno.makeTempFile({ dir: directory, prefix: "screen-" });
    await Deno.remove(socket);
    const screen = new Screen(socket, options);
    await using undo = new AsyncDisposableStack();
    const size = ["-x", String(columns), "-y", String(rows)];
    await screen.#tmux("new-session", "-d", ...size, "-c", directory, "env", "PS1=> ", "sh");
    undo.use(screen);
    await screen.see(/^>/m);
    undo.move();
    return screen;
  }

  /** A command line for the shell, or for whatever runs in it. */
  async line(text: string): Promise<void> {
    await this.type(text);
    await this.press("Enter");
  }

  async type(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", text);
  }

  /** Keys in tmux's notation: `C-c`, `Enter`. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  /** At the shell's prompt: takes away all that stands there, so that it isn't taken for something new. */
  async clear(): Promise<void> {
    await this.line("clear");
    const wait = this.#timeout("an empty screen");
    for (let text = await this.text(); text.trim() !== ">"; text = await this.text()) {
      await this.#tmux("clear-history");
      await wait(text);
    }
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** What can be read, from the first line on. */
  async text(): Promise<string> {
    return await this.#tmux("capture-pane", "-p", "-J", "-S", "-");
  }

  /** The path of the terminal's other side. */
  async device(): Promise<string> {
    return (await this.#tmux("display-message", "-p", "#{pane_tty}")).trim();
  }

  /** Waits until it shows `wanted`, `times` times at least. @throws Error with what it shows at the deadline */
  async see(requested: string | RegExp, times = 1): Promise<void> {
    const pattern = typeof requested === "string"
      ? new RegExp(requested.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "g")
      : new RegExp(requested, requested.flags.replace("g", "") + "g");
    const wait = this.#timeout(String(requested));
    for (let text = await this.text(); [...text.matchAll(pattern)].length < times; text = await this.text()) {
      await wait(text);
    }
  }

  /** Pauses until the deadline has passed. */
  #timeout(what: string): (shown: string) => Promise<void> {
    const deadline = new Deadline(this.#options.timeoutMs ?? 20_000);
    return async (shown) => {
      if (deadline.isOver) throw new Error(`Waited for ${what}, but the terminal shows:\n${shown.trim()}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux("kill-server");
  }

  async #tmux(...args: string[]): Promise<string> {
    const env = { TERM: "xterm", ...this.#options.env };
    const { code, stdout, stderr } = await runCommand("tmux", ["-S", this.#socket, "-f", "/dev/null", ...args], {
      env,
    });
    if (code !== 0) throw new Error(`tmux ${args.join(" ")}: ${stderr}`);
    return stdout;
  }
}
