/** Records what the built-in webhook posts, so that a test sees which hooks an engine calls, and when. */
import { Deadline } from "../harness/mod.ts";
import type { HookContexts, HookName } from "../../src/plugins/mod.ts";

/** One post. */
export interface Reported<N extends HookName = HookName> {
  readonly hook: N;
  readonly context: HookContexts[N];
}

/** A server that records the webhook's posts. */
export class Witness implements AsyncDisposable {
  readonly reported: Reported[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #waiting = new Set<() => void>();

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      this.reported.push(await request.json());
      for (const wake of this.#waiting) wake();
      return new Response(null, { status: 204 });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Returns the contexts of all posts of one hook. */
  of<N extends HookName>(hook: N): HookContexts[N][] {
    return this.reported.filter((each): each is Reported<N> => each.hook === hook).map(({ context }) => context);
  }

  /** Waits for the first matching post of a hook, past or future. @throws Error after 15 s */
  async seen<N extends HookName>(
    hook: N,
    isMeant: (context: HookContexts[N]) => boolean = () => true,
  ): Promise<HookContexts[N]> {
    const deadline = new Deadline(15_000);
    for (;;) {
      const found = this.of(hook).find(isMeant);
      if (found !== undefined) return found;
      if (deadline.isOver) {
        throw new Error(`${hook} didn't come; there came ${[...new Set(this.reported.map((each) => each.hook))]}`);
      }
      await this.#news(deadline);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  #news(deadline: Deadline): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        over[Symbol.dispose]();
        resolve();
      };
      this.#waiting.add(wake);
      const over = deadline.whenOver(wake);
    });
  }
}
