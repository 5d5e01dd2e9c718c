/** A terminal with a shell that a test types into and reads, driven through tmux. */
import { Deadline } from "./deadline.ts";
import { runCommand } from "./run_command.ts";

export interface ScreenOptions {
  /** Contains the socket; also the shell's working directory. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
  /** For each wait; default 20 s, see {@link Deadline}. */
  readonly timeoutMs?: number;
}

const POLL_MS = 40;

/** A terminal in tmux with a shell, whose prompt is `> `; closed by `await using`. */
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

  /** Types a line for the shell, or for the program that runs in it. */
  async line(text: string): Promise<void> {
    await this.type(text);
    await this.press("Enter");
  }

  async type(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", text);
  }

  /** Presses keys in tmux's notation: `C-c`, `Enter`. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  /** Clears the screen at the shell's prompt, so that old output is not taken for new. */
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

  /** Returns the screen's text, from the first line on. */
  async text(): Promise<string> {
    return await this.#tmux("capture-pane", "-p", "-J", "-S", "-");
  }

  /** Returns the path of the terminal device. */
  async device(): Promise<string> {
    return (await this.#tmux("display-message", "-p", "#{pane_tty}")).trim();
  }

  /**
   * Waits until the screen shows `requested` at least `times` times. @throws Error with the screen's text at the
   * deadline
   */
  async see(requested: string | RegExp, times = 1): Promise<void> {
    const pattern = typeof requested === "string"
      ? new RegExp(requested.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "g")
      : new RegExp(requested, requested.flags.replace("g", "") + "g");
    const wait = this.#timeout(String(requested));
    for (let text = await this.text(); [...text.matchAll(pattern)].length < times; text = await this.text()) {
      await wait(text);
    }
  }

  /** Returns a function that pauses, and throws after the deadline. */
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
